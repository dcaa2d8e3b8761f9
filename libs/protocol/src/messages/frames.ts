/** Bulk bytes as the raw frames of a message. */
import { FRAME_BYTES } from '../constants.ts';

/** Cuts `bytes` into views of at most `FRAME_BYTES`, in order. */
export function cutFrames(bytes: Uint8Array): readonly Uint8Array[] {
  const count = Math.ceil(bytes.byteLength / FRAME_BYTES);
  return Array.from({ length: count }, (_, i) => bytes.subarray(i * FRAME_BYTES, (i + 1) * FRAME_BYTES));
}

/** Joins the frames of {@link cutFrames}. A single frame is returned without a copy. */
export function joinFrames(frames: readonly Uint8Array[]): Uint8Array {
  return frames.length === 1 ? frames[0]! : Buffer.concat(frames);
}
