import { invariant } from '@lockstep/errors';
import { type Context, Router } from 'zeromq';
import type { ServerKeys } from './keys.ts';
import { createSender, receiveAll } from './socket.ts';

/** A process that was refused, and why. */
export interface Refusal {
  readonly endpoint: string;
  readonly reason: string;
  /** Its address, if known. */
  readonly address?: string;
  /** Its public key, if it sent one. */
  readonly publicKey?: string;
}

/** Answers the context's authentication requests (ZAP, ZeroMQ RFC 27) from the allow-list. Returns a function that stops it. */
export async function admitOnly(
  context: Context,
  keys: ServerKeys,
  onRefused: (refusal: Omit<Refusal, 'endpoint'>) => void,
): Promise<() => Promise<void>> {
  const allowed = new Set(keys.allowedClients.map((key) => decodeZ85(key).toString('hex')));
  const zap = new Router({ context, linger: 0 });
  await zap.bind('inproc://zeromq.zap.01');
  const sender = createSender(zap);
  const answering = receiveAll(zap, ([identity, , version, request, , address, , mechanism, key]) => {
    const admitted =
      mechanism?.toString() === 'CURVE' && key !== undefined && allowed.has(key.toString('hex'));
    if (!admitted) {
      onRefused({
        reason: 'its key is not in the allow-list',
        ...(address && { address: address.toString() }),
        ...(key?.length === 32 && { publicKey: encodeZ85(key) }),
      });
    }
    const status = admitted ? ['200', 'OK'] : ['400', 'key not allowed'];
    sender.send([identity!, '', version ?? '1.0', request ?? '', ...status, '', '']);
  });
  return async () => {
    zap.close();
    await answering;
  };
}

const z85 = '0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#';

/** Z85 (ZeroMQ RFC 32): 5 characters for 4 bytes, big-endian, base 85. */
function encodeZ85(bytes: Buffer): string {
  let text = '';
  for (let at = 0; at < bytes.length; at += 4) {
    let value = bytes.readUInt32BE(at);
    let group = '';
    for (let digit = 0; digit < 5; digit++) {
      group = z85.charAt(value % 85) + group;
      value = Math.floor(value / 85);
    }
    text += group;
  }
  return text;
}

function decodeZ85(text: string): Buffer {
  const bytes = Buffer.alloc((text.length / 5) * 4);
  for (let group = 0; group < text.length / 5; group++) {
    let value = 0;
    for (const character of text.slice(5 * group, 5 * group + 5)) value = value * 85 + z85.indexOf(character);
    invariant(value >= 0 && value <= 0xffffffff, 'a key is Z85', { group });
    bytes.writeUInt32BE(value, 4 * group);
  }
  return bytes;
}
