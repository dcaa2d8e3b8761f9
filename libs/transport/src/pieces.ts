/**
 * Long messages in pieces. A frame counts for the connection's heartbeat once it is there as a whole, and a message reaches its
 * receiver no sooner: on a slow line, large ones would look like silence. A piece is a message of its own, whose coming is a
 * sign of life.
 */
import type { Frames } from './socket.ts';

/** The smallest piece of a long message: 27 KB/s carry one within the 600 ms of the connection's heartbeat. */
const pieceBytes = 16 << 10;
/** A longer message has larger pieces. */
const maxPieces = 4_096;
/** Shorter messages travel as they are. */
const longBytes = 4 * pieceBytes;
const maxFrames = 8_192;
const maxFrameBytes = 1 << 30;

/** No msgpack map, with which every other message begins. */
const marks = { begin: Buffer.from('LKSPb'), piece: Buffer.from('LKSPp') } as const;

/** The messages that carry a message, in order. */
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

/** Puts the messages of one sender together again. */
export interface Assembler {
  /** A whole message; `piece` where one goes on; undefined for what fits nothing, such as the rest of one that broke off. */
  take(frames: Buffer[]): Buffer[] | 'piece' | undefined;
}

export function createAssembler(): Assembler {
  let lengths: readonly number[] = [];
  let whole: Buffer[] = [];
  /** Of the frame that is coming. */
  let pieces: Buffer[] = [];
  let numBytes = 0;
  const forget = (): void => {
    lengths = [];
    whole = [];
    pieces = [];
    numBytes = 0;
  };
  /** Ends frames that are there, empty ones among them. */
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

/** None where they are no lengths of ours. Nothing is set apart for what has only been announced. */
function lengthsIn(payload: Buffer): readonly number[] {
  if (payload.byteLength % 4 !== 0 || payload.byteLength > 4 * maxFrames) return [];
  const lengths = Array.from({ length: payload.byteLength / 4 }, (_, i) => payload.readUInt32LE(4 * i));
  return lengths.every((length) => length <= maxFrameBytes) ? lengths : [];
}
