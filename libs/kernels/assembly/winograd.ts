/**
 * Convolutions of 3×3 taps by Winograd's F(2×2, 3×3), in the orders of `ConvolutionAlgorithm`:
 *
 *     patches of 4×4 pixels → 16 matrices [tiles][terms]
 *     kernel                → 16 matrices [terms][columns]
 *     16 products [tiles][columns] → tiles of 2×2 sums
 *
 * The matrices of a block of tiles, columns and terms lie in the workspace. The chains over the terms go on from block to
 * block in the products.
 */
import { Conv } from './patches';
import { interleave } from './tile';
import { APART, Matrices, MOST_CHANNELS, partOf, POSITIONS, tilesAcross, tilesDown } from './winograd-matrices';
import { patchVector, sumsVector, tapsVector } from './winograd-transforms';
import { WORK_BYTES } from './workspace';

/** The most terms and columns of a block. The rest of the workspace limits the tiles. */
@inline const TERMS: i32 = MOST_CHANNELS;
@inline const COLUMNS: i32 = 48;
/** Bytes of the stage: four rows of terms at each position, before they are interleaved. */
@inline const ROW_BYTES: usize = ((<usize>TERMS) << 2) + 16;
@inline const STAGE_STEP: usize = 4 * ROW_BYTES;
@inline const STAGE_BYTES: usize = POSITIONS * STAGE_STEP;

/** The places of a block's matrices: patches [tiles][terms] and kernel [terms][columns]. */
@unmanaged class Block extends Matrices {
  tiles: i32;
  /** The address of the stage. */
  stage: usize;
}

function layOut(block: Block, terms: i32, columns: i32, tiles: i32): void {
  const end = changetype<usize>(block) + WORK_BYTES - offsetof<Conv>();
  block.rowBytes = (<usize>columns) << 2;
  block.stage = block.begin(changetype<usize>(block) + offsetof<Block>());
  block.factors = block.stage + STAGE_BYTES;
  block.factorsStep = <usize>terms * block.rowBytes + APART;
  block.patches = block.factors + POSITIONS * block.factorsStep;
  const room = end - block.patches - 2 * POSITIONS * APART;
  const fitting = <i32>(room / (POSITIONS * <usize>(terms + columns) << 2));
  block.tiles = partOf(tiles, fitting & ~3, 4);
  block.patchesStep = (<usize>(block.tiles * terms) << 2) + APART;
  block.products = block.patches + POSITIONS * block.patchesStep;
  block.productsStep = <usize>block.tiles * block.rowBytes + APART;
}

/** The convolution of stride 1. With `grad` the kernel's taps are reversed on both axes and its channels exchanged. */
@inline function convolve(grad: bool, out: usize, source: usize, kernel: usize, conv: Conv, block: Block): void {
  const terms = conv.inChannels, columns = conv.outChannels;
  const tiles = conv.batch * tilesDown(conv) * tilesAcross(conv);
  if (tiles <= 0 || columns <= 0) return;
  const termsAtOnce = partOf(terms, TERMS, 4);
  const columnsAtOnce = partOf(columns, COLUMNS, 8);
  layOut(block, termsAtOnce, columnsAtOnce, tiles);
  for (let t = 0; t < tiles; t += block.tiles) {
    const count = min(tiles - t, block.tiles);
    for (let j = 0; j < columns; j += columnsAtOnce) {
      const width = min(columns - j, columnsAtOnce);
      let c = 0;
      do {
        const depth = min(terms - c, termsAtOnce);
        // If the block holds the patches of all terms, every column uses them.
        if (j == 0 || depth < terms) packPatches(block, source, conv, t, count, c, depth);
        if (grad) packKernelTransposed(block, kernel, conv, c, depth, j, width);
        else packKernel(block, kernel, conv, c, depth, j, width);
        block.multiply(count, width, depth, c == 0);
        c += termsAtOnce;
      } while (c < terms);
      for (let i = 0; i < count; i++) writeTile(out, block, conv, t + i, i, j, width);
    }
  }
}

/** Interleaves the four staged rows of each position to every `toStep`-th byte from `to`. */
function interleaveStage(to: usize, toStep: usize, positionStep: usize, stage: usize, depth: i32): void {
  for (let p: usize = 0; p < POSITIONS; p++, to += positionStep, stage += STAGE_STEP) {
    interleave(to, toStep, stage, stage + ROW_BYTES, stage + 2 * ROW_BYTES, stage + 3 * ROW_BYTES, depth);
  }
}

/** Transforms terms `c` … c + depth − 1 of the patches of `count` tiles from `first` into panels [tiles/4][depth][4]. */
function packPatches(block: Block, source: usize, conv: Conv, first: i32, count: i32, c: i32, depth: i32): void {
  const addresses = block.addresses;
  let to = block.patches;
  for (let i = 0; i < count; i += 4, to += (<usize>depth) << 4) {
    for (let lane = 0; lane < min(count - i, 4); lane++) {
      block.findPatch(source, conv, first + i + lane, c);
      let row = block.stage + <usize>lane * ROW_BYTES;
      let offset: usize = 0;
      let rest = depth;
      for (; rest >= 4; rest -= 4, offset += 16) patchVector(4, row + offset, STAGE_STEP, addresses, offset);
      if (rest > 0) patchVector(rest, row + offset, STAGE_STEP, addresses, offset);
    }
    interleaveStage(to, 16, block.patchesStep, block.stage, depth);
  }
}

/** Transforms columns `j` … j + width − 1 of the kernel's terms `c` … c + depth − 1 into panels [columns/8][depth][8]. */
function packKernel(block: Block, kernel: usize, conv: Conv, c: i32, depth: i32, j: i32, width: i32): void {
  const rowBytes = (<usize>conv.outChannels) << 2;
  const tapBytes = <usize>conv.inChannels * rowBytes;
  const step = block.factorsStep;
  const from = kernel + <usize>c * rowBytes + ((<usize>j) << 2);
  for (let k = 0; k < width; k += 4) {
    let to = block.factors + (<usize>(k >> 3) * <usize>depth << 5) + ((<usize>(k & 4)) << 2);
    let taps = from + ((<usize>k) << 2);
    const lanes = min(width - k, 4);
    for (let p = 0; p < depth; p++, to += 32, taps += rowBytes) {
      if (lanes == 4) tapsVector(false, 4, to, step, taps, tapBytes);
      else tapsVector(false, lanes, to, step, taps, tapBytes);
    }
  }
}

/**
 * The same for a kernel stored [tap][column][term] whose taps are to be reversed. The rows of four columns are interleaved.
 */
function packKernelTransposed(
  block: Block, kernel: usize, conv: Conv, c: i32, depth: i32, j: i32, width: i32,
): void {
  const rowBytes = (<usize>conv.inChannels) << 2;
  const tapBytes = <usize>conv.outChannels * rowBytes;
  let from = kernel + <usize>j * rowBytes + ((<usize>c) << 2);
  for (let k = 0; k < width; k += 4) {
    for (let lane = 0; lane < min(width - k, 4); lane++, from += rowBytes) {
      let row = block.stage + <usize>lane * ROW_BYTES;
      let taps = from;
      let rest = depth;
      for (; rest >= 4; rest -= 4, row += 16, taps += 16) tapsVector(true, 4, row, STAGE_STEP, taps, tapBytes);
      if (rest > 0) tapsVector(true, rest, row, STAGE_STEP, taps, tapBytes);
    }
    const to = block.factors + (<usize>(k >> 3) * <usize>depth << 5) + ((<usize>(k & 4)) << 2);
    interleaveStage(to, 32, block.factorsStep, block.stage, depth);
  }
}

/** Writes columns `j` … j + width − 1 of a tile, the i-th of the block, to its pixels inside the image. */
function writeTile(out: usize, block: Block, conv: Conv, tile: i32, i: i32, j: i32, width: i32): void {
  const across = tilesAcross(conv), down = tilesDown(conv);
  const y = tile / across % down << 1, x = tile % across << 1;
  const pixelBytes = (<usize>conv.outChannels) << 2;
  const row = tile / (across * down) * conv.outHeight + y;
  let to = out + <usize>(row * conv.outWidth + x) * pixelBytes + ((<usize>j) << 2);
  // 0 stands for a pixel outside the image.
  const right = x + 1 < conv.outWidth ? pixelBytes : 0;
  const below = y + 1 < conv.outHeight ? <usize>conv.outWidth * pixelBytes : 0;
  let from = block.products + <usize>i * block.rowBytes;
  for (; width >= 4; width -= 4, from += 16, to += 16) sumsVector(4, to, right, below, from, block.productsStep);
  if (width > 0) sumsVector(width, to, right, below, from, block.productsStep);
}

export function winogradConv2d(out: usize, x: usize, kernel: usize, conv: Conv, work: usize): void {
  convolve(false, out, x, kernel, conv, changetype<Block>(work));
}

/** Input y meets output y + padTop − ky, so the outputs' gradient is convolved with the reversed taps. */
export function winogradInputGrad(out: usize, dy: usize, kernel: usize, conv: Conv, work: usize): void {
  const turned = changetype<Conv>(work);
  turned.batch = conv.batch;
  turned.height = conv.outHeight, turned.width = conv.outWidth, turned.inChannels = conv.outChannels;
  turned.outHeight = conv.height, turned.outWidth = conv.width, turned.outChannels = conv.inChannels;
  turned.padTop = 2 - conv.padTop, turned.padLeft = 2 - conv.padLeft;
  convolve(true, out, dy, kernel, turned, changetype<Block>(work + offsetof<Conv>()));
}
