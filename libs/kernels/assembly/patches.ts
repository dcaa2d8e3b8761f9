/**
 * Packs the patches that a convolution contracts without storing them as a matrix first. A row of the virtual matrix is an
 * output pixel, a column is (ky, kx, channel); elements outside the image are 0.
 */
import { interleave } from './tile';

/** The fields of `Conv2dAttrs`. */
@unmanaged export class Conv {
  batch: i32;
  height: i32;
  width: i32;
  inChannels: i32;
  outHeight: i32;
  outWidth: i32;
  outChannels: i32;
  kernelHeight: i32;
  kernelWidth: i32;
  strideY: i32;
  strideX: i32;
  padTop: i32;
  padLeft: i32;
}

/** A pixel of the grid that a patch belongs to. */
@unmanaged class Lane {
  /** The address of its image; 0 for a pixel past the last. */
  image: usize;
  y: i32;
  x: i32;
}

@inline const LANE_BYTES: usize = 12;
/** Bytes that {@link pack} needs at `lanes`. */
@inline export const LANES_BYTES: usize = 4 * LANE_BYTES;

/** The source index that output `position` reads through `tap`; out of range if it reads none. */
@inline function forwardSource(position: i32, tap: i32, stride: i32, pad: i32): i32 {
  return position * stride + tap - pad;
}

/** The output index whose `tap` reads input `position`, with stride 1. */
@inline function gradSource(position: i32, tap: i32, pad: i32): i32 {
  return position + pad - tap;
}

@inline function inside(index: i32, length: i32): bool {
  return <u32>index < <u32>length;
}

/**
 * Packs rows `ky` … `kyEnd` − 1 of the patches of `count` pixels from `first` as panels [count/4][depth][4]. With `grad` the
 * grid of pixels is the input, and the source is the output's gradient. `zeros` holds kernelWidth·channels zeros.
 */
@inline function pack(
  grad: bool, to: usize, source: usize, conv: Conv, first: i32, count: i32, ky: i32, kyEnd: i32, zeros: usize,
  lanes: usize,
): void {
  const gridHeight = grad ? conv.height : conv.outHeight, gridWidth = grad ? conv.width : conv.outWidth;
  const height = grad ? conv.outHeight : conv.height, width = grad ? conv.outWidth : conv.width;
  const channels = grad ? conv.outChannels : conv.inChannels;
  const kernelWidth = conv.kernelWidth;
  const pixelBytes = (<usize>channels) << 2;
  const imageBytes = <usize>height * width * pixelBytes;
  const runBytes = ((<usize>(kernelWidth * channels)) << 4);
  let x = first % gridWidth;
  let y = first / gridWidth % gridHeight;
  let image = source + <usize>(first / (gridWidth * gridHeight)) * imageBytes;
  for (; count > 0; count -= 4) {
    let whole = !grad; // whether the kernel row of every lane lies inside a row of the source
    for (let i = 0; i < 4; i++) {
      const lane = changetype<Lane>(lanes + <usize>i * LANE_BYTES);
      lane.image = i < count ? image : 0;
      lane.y = y;
      lane.x = x;
      const left = forwardSource(x, 0, conv.strideX, conv.padLeft);
      if (i >= count || left < 0 || left + kernelWidth > width) whole = false;
      if (++x == gridWidth) {
        x = 0;
        if (++y == gridHeight) y = 0, image += imageBytes;
      }
    }
    for (let tapY = ky; tapY < kyEnd; tapY++) {
      const row0 = rowOf(grad, lanes, 0, tapY, conv, height, width, pixelBytes);
      const row1 = rowOf(grad, lanes, 1, tapY, conv, height, width, pixelBytes);
      const row2 = rowOf(grad, lanes, 2, tapY, conv, height, width, pixelBytes);
      const row3 = rowOf(grad, lanes, 3, tapY, conv, height, width, pixelBytes);
      if (whole) {
        const run0 = at(grad, row0, lanes, 0, 0, conv, width, pixelBytes, zeros);
        const run1 = at(grad, row1, lanes, 1, 0, conv, width, pixelBytes, zeros);
        const run2 = at(grad, row2, lanes, 2, 0, conv, width, pixelBytes, zeros);
        const run3 = at(grad, row3, lanes, 3, 0, conv, width, pixelBytes, zeros);
        if (run1 == run0 + 4 && run2 == run0 + 8 && run3 == run0 + 12) {
          // Neighbouring pixels of an image with one channel: the four lanes are contiguous floats.
          const end = run0 + ((<usize>kernelWidth) << 2);
          for (let run = run0; run < end; run += 4, to += 16) v128.store(to, v128.load(run));
        } else {
          interleave(to, 16, run0, run1, run2, run3, kernelWidth * channels);
          to += runBytes;
        }
      } else {
        for (let tapX = 0; tapX < kernelWidth; tapX++) {
          const pixel0 = at(grad, row0, lanes, 0, tapX, conv, width, pixelBytes, zeros);
          const pixel1 = at(grad, row1, lanes, 1, tapX, conv, width, pixelBytes, zeros);
          const pixel2 = at(grad, row2, lanes, 2, tapX, conv, width, pixelBytes, zeros);
          const pixel3 = at(grad, row3, lanes, 3, tapX, conv, width, pixelBytes, zeros);
          interleave(to, 16, pixel0, pixel1, pixel2, pixel3, channels);
          to += (<usize>channels) << 4;
        }
      }
    }
  }
}

/** The address of the source row that a lane reads through row `ky` of the kernel; 0 if there is none. */
@inline function rowOf(
  grad: bool, lanes: usize, i: usize, ky: i32, conv: Conv, height: i32, width: i32, pixelBytes: usize,
): usize {
  const lane = changetype<Lane>(lanes + i * LANE_BYTES);
  const y = grad
    ? gradSource(lane.y, ky, conv.padTop)
    : forwardSource(lane.y, ky, conv.strideY, conv.padTop);
  return lane.image != 0 && inside(y, height) ? lane.image + <usize>y * width * pixelBytes : 0;
}

/** The address of the pixel in `row` that a lane reads through column `kx` of the kernel; that of zeros if there is none. */
@inline function at(
  grad: bool, row: usize, lanes: usize, i: usize, kx: i32, conv: Conv, width: i32, pixelBytes: usize, zeros: usize,
): usize {
  const lane = changetype<Lane>(lanes + i * LANE_BYTES);
  const x = grad
    ? gradSource(lane.x, kx, conv.padLeft)
    : forwardSource(lane.x, kx, conv.strideX, conv.padLeft);
  return row != 0 && inside(x, width) ? row + <usize>x * pixelBytes : zeros;
}

/** Packs patches of the input, for `conv2d`. */
export function packForward(
  to: usize, x: usize, conv: Conv, first: i32, count: i32, ky: i32, kyEnd: i32, zeros: usize, lanes: usize,
): void {
  pack(false, to, x, conv, first, count, ky, kyEnd, zeros, lanes);
}

/** Packs patches of the output's gradient, for `conv2dInputGrad` of stride 1. */
export function packGrad(
  to: usize, dy: usize, conv: Conv, first: i32, count: i32, ky: i32, kyEnd: i32, zeros: usize, lanes: usize,
): void {
  pack(true, to, dy, conv, first, count, ky, kyEnd, zeros, lanes);
}

/** The number of outputs whose tap at `offset` (tap − pad) reads an index below `limit`. */
@inline function outputsBelow(limit: i32, offset: i32, stride: i32, length: i32): i32 {
  const distance = limit - offset;
  if (distance <= 0) return 0;
  return min(stride == 1 ? distance : (distance + stride - 1) / stride, length);
}

/** Moves one float, or four with `wide`. */
@inline function move(wide: bool, to: usize, from: usize): void {
  if (wide) v128.store(to, v128.load(from));
  else store<f32>(to, load<f32>(from));
}

@inline function clear(wide: bool, to: usize): void {
  if (wide) v128.store(to, f32x4.splat(0));
  else store<f32>(to, 0);
}

/** Writes column (ky, kx, c) of the patches of `count` pixels from `first` to every 16th byte from `to`. */
@inline function packTap(
  wide: bool, to: usize, x: usize, conv: Conv, first: i32, count: i32, ky: i32, kx: i32, c: i32,
): void {
  const outWidth = conv.outWidth, outHeight = conv.outHeight, width = conv.width;
  const pixelBytes = (<usize>conv.inChannels) << 2;
  const begin = outputsBelow(0, kx - conv.padLeft, conv.strideX, outWidth);
  const end = outputsBelow(width, kx - conv.padLeft, conv.strideX, outWidth);
  const step = <usize>conv.strideX * pixelBytes;
  let ox = first % outWidth;
  let oy = first / outWidth % outHeight;
  let image = first / (outWidth * outHeight);
  while (count > 0) {
    const stop = min(ox + count, outWidth);
    count -= stop - ox;
    const iy = forwardSource(oy, ky, conv.strideY, conv.padTop);
    const valid = inside(iy, conv.height);
    const runBegin = valid ? min(max(begin, ox), stop) : stop;
    const runEnd = valid ? min(max(end, runBegin), stop) : stop;
    const ix = forwardSource(runBegin, kx, conv.strideX, conv.padLeft);
    let from = x + ((<usize>(image * conv.height + iy) * width + ix) * conv.inChannels + c << 2);
    for (; ox < runBegin; ox++, to += 16) clear(wide, to);
    for (; ox < runEnd; ox++, to += 16, from += step) move(wide, to, from);
    for (; ox < stop; ox++, to += 16) clear(wide, to);
    ox = 0;
    if (++oy == outHeight) oy = 0, image++;
  }
}

/**
 * Packs `columns` columns from `column` of the patches of `count` pixels from `first` as panels [columns/4][count][4]. The
 * kernel's gradient needs them: its depth is the pixels.
 */
export function packPixels(
  to: usize, x: usize, conv: Conv, first: i32, count: i32, column: i32, columns: i32,
): void {
  const channels = conv.inChannels;
  const wide = channels % 4 == 0;
  for (let i = 0; i < columns; i += 4, to += (<usize>count) << 4) {
    for (let lane = 0; lane < min(columns - i, 4); lane++) {
      const index = column + i + lane;
      const c = index % channels;
      const tap = index / channels;
      const ky = tap / conv.kernelWidth, kx = tap % conv.kernelWidth;
      if (wide) {
        packTap(true, to, x, conv, first, count, ky, kx, c);
        break;
      }
      packTap(false, to + ((<usize>lane) << 2), x, conv, first, count, ky, kx, c);
    }
  }
}
