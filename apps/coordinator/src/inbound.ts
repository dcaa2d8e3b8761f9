/** Decodes frames into messages. Frames that are not a message are counted, logged and dropped; they never end a run. */
import { decodeWorkerMessage, framesMatch, type WorkerMessage } from '@lockstep/protocol';

export interface Inbound {
  readonly message: WorkerMessage;
  /** The raw frames that follow the message. */
  readonly frames: readonly Uint8Array[];
}

/** Decodes the frames of a worker, or gives the reason why they cannot be decoded. */
export function readInbound(parts: readonly Uint8Array[]): Inbound | { readonly reason: string } {
  const [first, ...frames] = parts;
  if (first === undefined) return { reason: 'no frames' };
  const decoded = decodeWorkerMessage(first);
  if (!decoded.ok) return { reason: decoded.reason };
  const { message } = decoded;
  const announced = message.type === 'checkpoint' ? message.frames : [];
  if (framesMatch(announced, frames)) return { message, frames };
  const lengths = frames.map((frame) => frame.byteLength);
  return {
    reason: `${message.type}: announces frames of [${announced}] bytes, but frames of [${lengths}] bytes arrived`,
  };
}

/** Counts offences by sender, and logs the 1st, 2nd, 4th, 8th, …, so that a flood cannot fill the disk. */
export function createOffenceCounter(): (sender: string) => {
  readonly count: number;
  readonly log: boolean;
} {
  const counts = new Map<string, number>();
  return (sender) => {
    const count = (counts.get(sender) ?? 0) + 1;
    counts.set(sender, count);
    return { count, log: (count & (count - 1)) === 0 };
  };
}
