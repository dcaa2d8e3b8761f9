/** Key pairs that follow from a secret, for engines that hand secrets to processes but no folders. */
import { createPrivateKey, createPublicKey, scrypt } from 'node:crypto';
import { promisify } from 'node:util';
import { LockstepError } from '@lockstep/errors';

/** The least number of characters of a secret: 16 random bytes in hexadecimal have 32, in base64 22. */
const leastLength = 20;
const keyBytes = 32;

/**
 * The CURVE25519 pairs of the coordinator and of the workers of a cluster whose processes share a secret, Z85-encoded. `from` names
 * where it was found. Throws `credentials` for a secret that is short enough to be guessed.
 */
export async function pairsOfSecret(secret: string, from: string) {
  if (secret.length < leastLength) {
    throw new LockstepError(
      'credentials',
      `the secret in ${from} has ${secret.length} characters, and needs at least ${leastLength} that nobody can guess; make one with: openssl rand -hex 32`,
      { from, length: secret.length },
    );
  }
  // Slow on purpose: who records a handshake can try secrets.
  const bytes = await promisify<string, string, number, Buffer>(scrypt)(
    secret,
    'lockstep keys',
    2 * keyBytes,
  );
  return { server: pairOf(bytes.subarray(0, keyBytes)), client: pairOf(bytes.subarray(keyBytes)) };
}

/** What PKCS #8 writes before the 32 bytes of an X25519 key (RFC 8410). */
const pkcs8Head = Buffer.from('302e020100300506032b656e04220420', 'hex');

function pairOf(secretKey: Buffer) {
  const key = createPrivateKey({ key: Buffer.concat([pkcs8Head, secretKey]), format: 'der', type: 'pkcs8' });
  const { x } = createPublicKey(key).export({ format: 'jwk' });
  return { publicKey: z85(Buffer.from(x!, 'base64url')), secretKey: z85(secretKey) };
}

const z85Digits = '0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#';

/** ZeroMQ's text form of bytes (RFC 32): five digits of base 85 for each four bytes, most significant first. */
export function z85(bytes: Buffer): string {
  let text = '';
  for (let at = 0; at < bytes.length; at += 4) {
    let word = bytes.readUInt32BE(at);
    let digits = '';
    while (digits.length < 5) {
      digits = z85Digits[word % 85]! + digits;
      word = Math.floor(word / 85);
    }
    text += digits;
  }
  return text;
}
