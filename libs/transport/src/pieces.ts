/**
 * Long messages travel in pieces. Only a complete frame counts for the connection's heartbeat, and a receiver sees only
 * complete messages: on a slow line, a large message would look like silence. Each piece is a message of its own, so its
 * arrival is a sign of life.
 */
import type { Frames } from './socket.ts';

/** The smallest piece of a long message: a line of 27 KB/s carries it within the heartbeat's 600 ms. */
const pieceBytes = 16 << 10;
/** A message that would need more has larger pieces. */
const maxPieces = 4_096;
/** Shorter messages are not cut. */
const longBytes = 4 * pieceBytes;
const maxFrames = 8_192;
const maxFrameBytes = 1 << 30;

/** Every other message begins with a msgpack map, so its first frame cannot equal these. */
const marks = { begin: Buffer.from('LKSPb'), piece: Buffer.from('LKSPp') } as const;

/** The messages that carry a message's frames, in order. */
export function inPieces(frames: Frames): readonly Frames[] {
  const bytes = frames.reduce((sum, { byteLength }) => sum + byteLength, 0);
  if (bytes <= longBytes) return [frames];
  const size = Math.max(pieceBytes, Math.ceil(bytes / maxPieces));
  const lengths = Buffer.alloc(4 * frames.length);
  frames.forEach(({ byteLength }, i) => void lengths.writeUInt32LE(byteLength, 4 * i));
  const pieces = frames.flatMap((frame) =>
    Array.from({ length: Math.ceil(frame.byteLength / size) }, (_, i) => [
      marks.piece,
      frame.subarray(i * size, (i + 1) * size),
    ]),
  );
  return [[marks.begin, lengths], ...pieces];
}

/** Assembles the messages of one sender from their pieces. */
export interface Assembler {
  /** A complete message; `piece` while one is incomplete; undefined for a piece that belongs to no message. */
  take(frames: Buffer[]): Buffer[] | 'piece' | undefined;
}

export function createAssembler(): Assembler {
  let lengths: readonly number[] = [];
  let whole: Buffer[] = [];
  /** Of the frame that is not complete yet. */
  let pieces: Buffer[] = [];
  let numBytes = 0;
  const forget = (): void => {
    lengths = [];
    whole = [];
    pieces = [];
    numBytes = 0;
  };
  /** Completes frames whose bytes have all arrived, including empty ones. */
  const endFrames = (): Buffer[] | 'piece' => {
    while (whole.length < lengths.length && numBytes === lengths[whole.length]) {
      whole.push(pieces.length === 1 ? pieces[0]! : Buffer.concat(pieces));
      pieces = [];
      numBytes = 0;
    }
    if (whole.length < lengths.length) return 'piece';
    const message = whole;
    forget();
    return message;
  };
  return {
    take(frames) {
      const [mark, payload] = frames;
      if (frames.length !== 2 || mark === undefined || payload === undefined) return frames;
      if (mark.equals(marks.begin)) {
        forget();
        lengths = lengthsIn(payload);
        return lengths.length === 0 ? undefined : endFrames();
      }
      if (!mark.equals(marks.piece)) return frames;
      const expected = lengths[whole.length];
      if (expected === undefined || payload.byteLength === 0 || numBytes + payload.byteLength > expected) {
        forget();
        return undefined;
      }
      pieces.push(payload);
      numBytes += payload.byteLength;
      return endFrames();
    },
  };
}

/** The announced lengths of frames; none if they are invalid. Announced frames take no memory before they arrive. */
function lengthsIn(payload: Buffer): readonly number[] {
  if (payload.byteLength % 4 !== 0 || payload.byteLength > 4 * maxFrames) return [];
  const lengths = Array.from({ length: payload.byteLength / 4 }, (_, i) => payload.readUInt32LE(4 * i));
  return lengths.every((length) => length <= maxFrameBytes) ? lengths : [];
}
