import { Conv, LANES_BYTES, packForward, packGrad } from './patches';
import { Phase, PHASE_BYTES, movePixels } from './phases';
import { multiplyPanels, packColumns, packRows, SPILL_BYTES } from './tile';

/** The block of the output and the depth that are packed at a time. A single kernel row may be deeper. */
@inline const ROWS: i32 = 64;
@inline const COLUMNS: i32 = 128;
@inline const DEPTH: i32 = 768;
/** Floats of scratch for packed patches and for the packed kernel. */
@inline const A_FLOATS: i32 = 1 << 16;
@inline const B_FLOATS: i32 = 1 << 17;
@inline const BLOCK_BYTES: usize = 64 * 128 * 4;

/**
 * A matrix of patches times the kernel as a matrix, a few kernel rows at a time. With `grad` it is the input gradient of one
 * phase, whose convolution has stride 1.
 */
@inline function convolve(
  grad: bool, out: usize, source: usize, kernel: usize, conv: Conv, phase: Phase, work: usize,
): void {
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
  const block = lanes + LANES_BYTES;
  const zeros = block + BLOCK_BYTES;
  const aPack = zeros + ((<usize>rowDepth) << 2);
  const bPack = aPack + ((<usize>A_FLOATS) << 2);
  const outStep = (<usize>n) << 2;
  memory.fill(zeros, 0, (<usize>rowDepth) << 2);
  for (let j = 0; j < n; j += blockColumns) {
    const columns = min(n - j, blockColumns);
    const blockStep = (<usize>columns) << 2;
    for (let ky = 0; ky < kernelHeight; ky += kernelRows) {
      const kyEnd = min(ky + kernelRows, kernelHeight);
      const depth = (kyEnd - ky) * rowDepth;
      const fresh = ky == 0;
      if (grad) {
        packKernelTransposed(bPack, kernel, conv, phase, ky, kyEnd, j, columns);
      } else {
        const rows = kernel + <usize>(ky * rowDepth) * outStep + ((<usize>j) << 2);
        packColumns(bPack, 8, (<usize>depth) << 5, rows, outStep, depth, columns);
      }
      for (let i = 0; i < pixels; i += blockRows) {
        const count = min(pixels - i, blockRows);
        if (grad) packGrad(aPack, source, conv, i, count, ky, kyEnd, zeros, lanes);
        else packForward(aPack, source, conv, i, count, ky, kyEnd, zeros, lanes);
        if (grad && !phase.whole) {
          // The phase's pixels are not contiguous.
          const to = out + ((<usize>j) << 2);
          if (!fresh) movePixels(false, to, block, phase, conv, i, count, columns);
          multiplyPanels(aPack, bPack, count, columns, depth, block, blockStep, fresh, work);
          movePixels(true, to, block, phase, conv, i, count, columns);
        } else {
          const to = out + <usize>i * outStep + ((<usize>j) << 2);
          multiplyPanels(aPack, bPack, count, columns, depth, to, outStep, fresh, work);
        }
      }
    }
  }
}

/** Packs columns from `j` of the phase's kernel, as a matrix [(tap, outChannel)][inChannel], into panels [columns/8][depth][8]. */
function packKernelTransposed(
  to: usize, kernel: usize, conv: Conv, phase: Phase, ky: i32, kyEnd: i32, j: i32, columns: i32,
): void {
  const step = (<usize>conv.outChannels) << 2;
  const panelStep = <usize>((kyEnd - ky) * conv.kernelWidth * conv.outChannels) << 5;
  for (; ky < kyEnd; ky++) {
    for (let kx = 0; kx < conv.kernelWidth; kx++) {
      const from = kernel + <usize>(phase.tap(ky, kx) * conv.inChannels + j) * step;
      packRows(to, 8, panelStep, from, step, conv.outChannels, columns);
      to += (<usize>conv.outChannels) << 5;
    }
  }
}

export function conv2d(out: usize, x: usize, kernel: usize, conv: Conv, work: usize): void {
  convolve(false, out, x, kernel, conv, changetype<Phase>(0), work);
}

export function conv2dInputGrad(out: usize, dy: usize, kernel: usize, conv: Conv, work: usize): void {
  const phase = changetype<Phase>(work);
  // Inputs of phases that no tap reaches keep these zeros.
  if (conv.strideY > conv.kernelHeight || conv.strideX > conv.kernelWidth) {
    memory.fill(out, 0, <usize>conv.batch * conv.height * conv.width * conv.inChannels << 2);
  }
  for (let y = 0; y < min(conv.strideY, conv.height); y++) {
    for (let x = 0; x < min(conv.strideX, conv.width); x++) {
      const part = phase.begin(conv, y, x);
      if (part.kernelHeight > 0 && part.kernelWidth > 0) {
        convolve(true, out, dy, kernel, part, phase, work + PHASE_BYTES);
      }
    }
  }
}
