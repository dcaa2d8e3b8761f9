import { Conv, LANES_BYTES, packForward, packGrad } from './patches';
import { multiplyPanels, packColumns, packRows, SPILL_BYTES } from './tile';

/** The block of the output and the depth that are packed at a time; a kernel row may be deeper. */
@inline const ROWS: i32 = 64;
@inline const COLUMNS: i32 = 128;
@inline const DEPTH: i32 = 768;
/** Floats of scratch for packed patches and packed kernel. */
@inline const A_FLOATS: i32 = 1 << 16;
@inline const B_FLOATS: i32 = 1 << 17;

/** Both directions: a matrix of patches times the kernel as a matrix, a few kernel rows at a time. */
@inline function convolve(grad: bool, out: usize, source: usize, kernel: usize, conv: Conv, work: usize): void {
  const kernelHeight = conv.kernelHeight, kernelWidth = conv.kernelWidth;
  const channels = grad ? conv.outChannels : conv.inChannels;
  const n = grad ? conv.inChannels : conv.outChannels;
  const pixels = conv.batch * (grad ? conv.height * conv.width : conv.outHeight * conv.outWidth);
  const rowDepth = kernelWidth * channels;
  const kernelRows = max(DEPTH / rowDepth, 1);
  const deepest = min(kernelRows, kernelHeight) * rowDepth;
  const blockRows = min(A_FLOATS / deepest & ~3, ROWS);
  const blockColumns = min(B_FLOATS / deepest & ~7, COLUMNS);
  const lanes = work + SPILL_BYTES;
  const zeros = lanes + LANES_BYTES;
  const aPack = zeros + ((<usize>rowDepth) << 2);
  const bPack = aPack + ((<usize>A_FLOATS) << 2);
  const outStep = (<usize>n) << 2;
  memory.fill(zeros, 0, (<usize>rowDepth) << 2);
  for (let j = 0; j < n; j += blockColumns) {
    const columns = min(n - j, blockColumns);
    for (let ky = 0; ky < kernelHeight; ky += kernelRows) {
      const kyEnd = min(ky + kernelRows, kernelHeight);
      const depth = (kyEnd - ky) * rowDepth;
      const rows = kernel + ((<usize>(ky * kernelWidth) * conv.inChannels * conv.outChannels) << 2);
      if (grad) packKernelTransposed(bPack, rows, conv, (kyEnd - ky) * kernelWidth, j, columns);
      else packColumns(bPack, 8, (<usize>depth) << 5, rows + ((<usize>j) << 2), outStep, depth, columns);
      for (let i = 0; i < pixels; i += blockRows) {
        const count = min(pixels - i, blockRows);
        if (grad) packGrad(aPack, source, conv, i, count, ky, kyEnd, zeros, lanes);
        else packForward(aPack, source, conv, i, count, ky, kyEnd, zeros, lanes);
        const to = out + <usize>i * outStep + ((<usize>j) << 2);
        multiplyPanels(aPack, bPack, count, columns, depth, to, outStep, ky == 0, work);
      }
    }
  }
}

/** The kernel as the matrix [(tap, outChannel)][inChannel], columns from `j`, in panels [columns/8][depth][8]. */
function packKernelTransposed(to: usize, kernel: usize, conv: Conv, taps: i32, j: i32, columns: i32): void {
  const step = (<usize>conv.outChannels) << 2;
  const panelStep = <usize>taps * conv.outChannels << 5;
  kernel += <usize>j * step;
  for (let tap = 0; tap < taps; tap++) {
    packRows(to, 8, panelStep, kernel, step, conv.outChannels, columns);
    to += (<usize>conv.outChannels) << 5;
    kernel += <usize>conv.inChannels * step;
  }
}

export function conv2d(out: usize, x: usize, kernel: usize, conv: Conv, work: usize): void {
  convolve(false, out, x, kernel, conv, work);
}

export function conv2dInputGrad(out: usize, dy: usize, kernel: usize, conv: Conv, work: usize): void {
  convolve(true, out, dy, kernel, conv, work);
}
