/**
 * The input gradient of a strided convolution, in phases: the inputs y, y + stride, … meet the same taps of the kernel,
 * namely every stride-th tap. Their gradient is that of a convolution of stride 1 with these taps.
 */
import { Conv } from './patches';

@inline export const PHASE_BYTES: usize = 112;

@unmanaged export class Phase {
  /** The convolution of stride 1. Its pixels and taps are counted within the phase. */
  conv: Conv;
  /** Whether the phase is the whole convolution, because its stride is 1. */
  whole: bool;
  /** The size of the whole input, the phase's first pixel in it, and the steps to the next pixel. */
  height: i32;
  width: i32;
  y: i32;
  x: i32;
  strideY: i32;
  strideX: i32;
  /** The first tap in the whole kernel. */
  tapY: i32;
  tapX: i32;
  kernelWidth: i32;

  begin(conv: Conv, y: i32, x: i32): Conv {
    const part = changetype<Conv>(changetype<usize>(this) + offsetof<Phase>());
    this.conv = part;
    this.height = conv.height, this.width = conv.width;
    this.y = y, this.x = x;
    this.strideY = conv.strideY, this.strideX = conv.strideX;
    this.tapY = (y + conv.padTop) % conv.strideY, this.tapX = (x + conv.padLeft) % conv.strideX;
    this.kernelWidth = conv.kernelWidth;
    this.whole = conv.strideY == 1 && conv.strideX == 1;
    memory.copy(changetype<usize>(part), changetype<usize>(conv), offsetof<Conv>());
    part.strideY = 1, part.strideX = 1;
    part.height = countFrom(y, conv.height, conv.strideY), part.width = countFrom(x, conv.width, conv.strideX);
    part.kernelHeight = countFrom(this.tapY, conv.kernelHeight, conv.strideY);
    part.kernelWidth = countFrom(this.tapX, conv.kernelWidth, conv.strideX);
    part.padTop = (y + conv.padTop) / conv.strideY, part.padLeft = (x + conv.padLeft) / conv.strideX;
    return part;
  }

  /** The number of the phase's tap (ky, kx) in the whole kernel. */
  @inline tap(ky: i32, kx: i32): i32 {
    return (this.tapY + ky * this.strideY) * this.kernelWidth + this.tapX + kx * this.strideX;
  }
}

/** The number of first, first + step, … that lie below `end`. */
function countFrom(first: i32, end: i32, step: i32): i32 {
  return first < end ? (end - first + step - 1) / step : 0;
}

/** Copies `columns` floats of each of the phase's `count` pixels from `first`: from `block` to `out` with `toOut`, else back. */
export function movePixels(
  toOut: bool, out: usize, block: usize, phase: Phase, part: Conv, first: i32, count: i32, columns: i32,
): void {
  const bytes = (<usize>columns) << 2;
  let x = first % part.width;
  let y = first / part.width % part.height;
  let image = first / (part.width * part.height);
  for (; count > 0; count--, block += bytes) {
    const row = image * phase.height + phase.y + y * phase.strideY;
    const pixel = row * phase.width + phase.x + x * phase.strideX;
    const at = out + (<usize>pixel * part.inChannels << 2);
    if (toOut) memory.copy(at, block, bytes);
    else memory.copy(block, at, bytes);
    if (++x == part.width) {
      x = 0;
      if (++y == part.height) y = 0, image++;
    }
  }
}
