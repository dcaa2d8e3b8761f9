/**
 * The kernel gradient of convolutions of 3×3 taps, by Winograd's F(2×2, 3×3) in the orders of `ConvolutionAlgorithm`:
 *
 *     patches of 4×4 pixels              → 16 matrices [channels][tiles]
 *     tiles of the outputs' gradient     → 16 matrices [tiles][columns]
 *     16 products [channels][columns]    → 3×3 taps, which the tree combines over the segments
 *
 * The matrices of a block of channels and columns, and the levels of the tree, lie in the workspace. Within a segment the
 * chains over the tiles go on from block to block in the products.
 */
import { Conv } from './patches';
import { APART, Matrices, partOf, POSITIONS, tilesAcross, tilesDown } from './winograd-matrices';
import { gradVector, patchVector, Taps, tileVector } from './winograd-transforms';
import { WORK_BYTES } from './workspace';

/** The most channels and columns of a block. The levels of the tree may leave room for fewer columns. */
@inline const CHANNELS: i32 = 48;
@inline const COLUMNS: i32 = 64;
/** Bytes for products and levels: enough for 8 columns at any depth of the tree. The rest is for patches and tiles. */
@inline const SUMS_BYTES: usize = 640 << 10;

/** The block of the gradient that is summed, and the places of its matrices. */
@unmanaged class Block extends Matrices {
  x: usize;
  dy: usize;
  conv: Conv;
  /** The first channel and the number of channels, the first column and the number of columns. */
  c: i32;
  channels: i32;
  j: i32;
  columns: i32;
  /** The tiles that are processed at a time. */
  tiles: i32;
  /** Sums of 1, 2, 4, … segments that wait for as many others. Taps are `earlierBytes` of `taps` apart. */
  levels: usize;
  taps: Taps;
}

/** The columns of a block if the tree has `depth` levels. */
function columnsAtOnce(columns: i32, channels: i32, depth: i32): i32 {
  const fitting = <i32>(SUMS_BYTES / (<usize>(channels * (<i32>POSITIONS + 9 * depth)) << 2));
  return partOf(columns, min(fitting & ~7, COLUMNS), 8);
}

function layOut(block: Block, channels: i32, columns: i32, tiles: i32, depth: i32): void {
  const end = changetype<usize>(block) + WORK_BYTES;
  block.taps = changetype<Taps>(changetype<usize>(block) + offsetof<Block>());
  block.products = block.begin(changetype<usize>(block.taps) + offsetof<Taps>());
  block.rowBytes = (<usize>columns) << 2;
  const tapBytes = <usize>channels * block.rowBytes;
  block.taps.earlierBytes = tapBytes;
  block.productsStep = tapBytes + APART;
  block.levels = block.products + POSITIONS * block.productsStep;
  block.patches = block.levels + <usize>(9 * depth) * tapBytes;
  const room = end - block.patches - 2 * POSITIONS * APART;
  const fitting = <i32>(room / (POSITIONS * <usize>(channels + columns) << 2));
  block.tiles = partOf(tiles, fitting & ~3, 4);
  block.patchesStep = (<usize>(block.tiles * channels) << 2) + APART;
  block.factors = block.patches + POSITIONS * block.patchesStep;
  block.factorsStep = <usize>block.tiles * block.rowBytes + APART;
}

/** Transforms the patches of `count` tiles from `first` into panels [channels/4][count][4]. */
function packPatches(block: Block, first: i32, count: i32): void {
  const addresses = block.addresses, step = block.patchesStep;
  const panelBytes = (<usize>count) << 4;
  let tile = block.patches;
  for (let i = 0; i < count; i++, tile += 16) {
    block.findPatch(block.x, block.conv, first + i, block.c);
    let to = tile;
    let offset: usize = 0;
    let rest = block.channels;
    for (; rest >= 4; rest -= 4, offset += 16, to += panelBytes) patchVector(4, to, step, addresses, offset);
    if (rest > 0) patchVector(rest, to, step, addresses, offset);
  }
}

/** Transforms `count` tiles of dy from `first` into panels [columns/8][count][8]. */
function packTiles(block: Block, first: i32, count: i32): void {
  const addresses = block.addresses, step = block.factorsStep;
  const panelBytes = (<usize>count) << 5;
  let tile = block.factors;
  for (let i = 0; i < count; i++, tile += 32) {
    block.findTile(block.dy, block.conv, first + i, block.j);
    let to = tile;
    let offset: usize = 0;
    let rest = block.columns;
    for (; rest >= 8; rest -= 8, offset += 32, to += panelBytes) {
      tileVector(4, to, step, addresses, offset);
      tileVector(4, to + 16, step, addresses, offset + 16);
    }
    if (rest >= 4) tileVector(4, to, step, addresses, offset), rest -= 4, offset += 16, to += 16;
    if (rest > 0) tileVector(rest, to, step, addresses, offset);
  }
}

/** The products of tiles `first` … end − 1; zeros if there are none. */
function sumTiles(block: Block, first: i32, end: i32): void {
  let fresh = true;
  do {
    const count = min(end - first, block.tiles);
    packPatches(block, first, count);
    packTiles(block, first, count);
    block.multiply(block.channels, block.columns, count, fresh);
    first += count;
    fresh = false;
  } while (first < end);
}

/** Adds the taps of the products to the first `completed` levels and writes them to rows `toStep` bytes apart. */
function writeTaps(block: Block, to: usize, toStep: usize, tapBytes: usize, completed: i32): void {
  const taps = block.taps, step = block.productsStep;
  taps.bytes = tapBytes;
  taps.count = completed;
  for (let c = 0; c < block.channels; c++, to += toStep) {
    const row = <usize>c * block.rowBytes;
    let from = block.products + row, earlier = block.levels + row;
    let at = to;
    let rest = block.columns;
    for (; rest >= 4; rest -= 4, at += 16, from += 16, earlier += 16) gradVector(4, at, from, step, earlier, taps);
    if (rest > 0) gradVector(rest, at, from, step, earlier, taps);
  }
}

/** The block's gradients of all segments: with `stack` one after the other, else combined along the tree. */
function sumSegments(block: Block, out: usize, segments: i32, perSegment: i32, stack: bool): void {
  const outStep = (<usize>block.conv.outChannels) << 2;
  const tapBytes = <usize>block.conv.inChannels * outStep;
  const levelTapBytes = block.taps.earlierBytes;
  for (let s = 0; s < segments; s++) {
    sumTiles(block, s * perSegment, (s + 1) * perSegment);
    // The levels through which a binary counter carries.
    const completed = stack ? 0 : ctz(s + 1);
    if (stack || s + 1 == segments) {
      writeTaps(block, out, outStep, tapBytes, completed);
      out += 9 * tapBytes;
    } else {
      const level = block.levels + <usize>(9 * completed) * levelTapBytes;
      writeTaps(block, level, block.rowBytes, levelTapBytes, completed);
    }
  }
}

/** The tree sum of the segments' gradients, whose number is a power of two, or with `stack` one after the other. */
export function winogradKernelGrad(
  out: usize, x: usize, dy: usize, conv: Conv, segments: i32, stack: bool, work: usize,
): void {
  const inChannels = conv.inChannels, outChannels = conv.outChannels;
  if (inChannels <= 0 || outChannels <= 0) return;
  const perSegment = conv.batch / segments * tilesDown(conv) * tilesAcross(conv);
  const depth = stack ? 0 : ctz(segments);
  const block = changetype<Block>(work);
  const channels = partOf(inChannels, CHANNELS, 4);
  const columns = columnsAtOnce(outChannels, channels, depth);
  layOut(block, channels, columns, perSegment, depth);
  block.x = x, block.dy = dy, block.conv = conv;
  for (let j = 0; j < outChannels; j += columns) {
    block.j = j, block.columns = min(outChannels - j, columns);
    for (let c = 0; c < inChannels; c += channels) {
      block.c = c, block.channels = min(inChannels - c, channels);
      const to = out + (<usize>(c * outChannels + j) << 2);
      sumSegments(block, to, segments, perSegment, stack);
    }
  }
}
