/** Bulk bytes as the raw frames beside a message. */
import { FRAME_BYTES } from '../constants.ts';

/** Views of `bytes` of `FRAME_BYTES` at most, in order. */
export function cutFrames(bytes: Uint8Array): readonly Uint8Array[] {
  const count = Math.ceil(bytes.byteLength / FRAME_BYTES);
  return Array.from({ length: count }, (_, i) => bytes.subarray(i * FRAME_BYTES, (i + 1) * FRAME_BYTES));
}

/** What {@link cutFrames} cut. A lone frame comes back as it is. */
export function joinFrames(frames: readonly Uint8Array[]): Uint8Array {
  return frames.length === 1 ? frames[0]! : Buffer.concat(frames);
}
