/** The matrices that convolutions of 3×3 taps by Winograd's F(2×2, 3×3) and their gradients share. */
import { Conv } from './patches';
import { multiplyPanels } from './tile';

@inline export const POSITIONS: usize = 16;
/** Positions are a cache line more than a power of two apart: with a power of two they would share few sets of the cache. */
@inline export const APART: usize = 64;
@inline const ADDRESSES_BYTES: usize = 64;
/** The most channels of a block; there are as many zeros. */
@inline export const MOST_CHANNELS: i32 = 128;
@inline const ZEROS_BYTES: usize = (<usize>MOST_CHANNELS) << 2;

/** The matrices of a block. A `…Step` is the distance from one position to the next. */
@unmanaged export class Matrices {
  patches: usize;
  patchesStep: usize;
  /** The matrices that the patches are multiplied by: the kernel, or the tiles of the outputs' gradient. */
  factors: usize;
  factorsStep: usize;
  products: usize;
  productsStep: usize;
  /** The distance from one row of products to the next. */
  rowBytes: usize;
  /** The addresses of the pixels of a patch or a tile. */
  addresses: usize;
  zeros: usize;

  /** Lays out addresses and zeros from `at`. Returns the start of the matrices, aligned so that no vector lies in two cache lines. */
  begin(at: usize): usize {
    this.addresses = at;
    this.zeros = at + ADDRESSES_BYTES;
    memory.fill(this.zeros, 0, ZEROS_BYTES);
    return this.zeros + ZEROS_BYTES + 63 & ~63;
  }

  /** Computes the products at all positions. Rows and columns past the last are padding in every matrix. */
  multiply(rows: i32, columns: i32, depth: i32, fresh: bool): void {
    for (let p: usize = 0; p < POSITIONS; p++) {
      const a = this.patches + p * this.patchesStep;
      const b = this.factors + p * this.factorsStep;
      const to = this.products + p * this.productsStep;
      multiplyPanels(a, b, rows + 3 & ~3, columns + 7 & ~7, depth, to, this.rowBytes, fresh, 0);
    }
  }

  /** Finds channel `c` of the 4×4 pixels of a tile's patch; pixels outside the image have the address of zeros. */
  findPatch(source: usize, conv: Conv, tile: i32, c: i32): void {
    const across = tilesAcross(conv), down = tilesDown(conv);
    const top = (tile / across % down << 1) - conv.padTop;
    const left = (tile % across << 1) - conv.padLeft;
    const image = tile / (across * down) * conv.height;
    const pixelBytes = (<usize>conv.inChannels) << 2;
    let to = this.addresses;
    for (let y = top; y < top + 4; y++) {
      const isRow = <u32>y < <u32>conv.height;
      let pixel = source + <usize>((image + y) * conv.width + left) * pixelBytes + ((<usize>c) << 2);
      for (let x = left; x < left + 4; x++, pixel += pixelBytes, to += 4) {
        store<u32>(to, <u32>(isRow && <u32>x < <u32>conv.width ? pixel : this.zeros));
      }
    }
  }

  /** Finds column `j` of the 2×2 elements of a tile of `dy`; elements outside have the address of zeros. */
  findTile(dy: usize, conv: Conv, tile: i32, j: i32): void {
    const across = tilesAcross(conv), down = tilesDown(conv);
    const y = tile / across % down << 1, x = tile % across << 1;
    const pixelBytes = (<usize>conv.outChannels) << 2;
    const row = tile / (across * down) * conv.outHeight + y;
    const corner = dy + <usize>(row * conv.outWidth + x) * pixelBytes + ((<usize>j) << 2);
    const below = corner + <usize>conv.outWidth * pixelBytes;
    const isRight = x + 1 < conv.outWidth, isBelow = y + 1 < conv.outHeight;
    store<u32>(this.addresses, <u32>corner);
    store<u32>(this.addresses, <u32>(isRight ? corner + pixelBytes : this.zeros), 4);
    store<u32>(this.addresses, <u32>(isBelow ? below : this.zeros), 8);
    store<u32>(this.addresses, <u32>(isRight && isBelow ? below + pixelBytes : this.zeros), 12);
  }
}

@inline export function tilesAcross(conv: Conv): i32 {
  return (conv.outWidth + 1) >> 1;
}

@inline export function tilesDown(conv: Conv): i32 {
  return (conv.outHeight + 1) >> 1;
}

/** The size of parts of `total`: few parts of almost equal size, at most `most`, a multiple of `unit`. */
export function partOf(total: i32, most: i32, unit: i32): i32 {
  const parts = max((total + most - 1) / most, 1);
  return ((total + parts - 1) / parts + unit - 1) / unit * unit;
}
