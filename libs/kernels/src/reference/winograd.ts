/** Convolutions of 3×3 taps by Winograd's F(2×2, 3×3): see `ConvolutionAlgorithm` in `../kernels.ts`. */
import { dtypeOf, type TypedArray } from '@lockstep/tensor';
import type { Conv2dAttrs, Profile } from '../kernels.ts';
import { type Arithmetic, arithmeticOf } from './arithmetic.ts';
import { type KernelGradAttrs, pixels, requireWholeSegments } from './convolution.ts';
import { treeCombine } from './tree.ts';

/** A convolution of stride 1 between two grids of pixels. `tap` reads the kernel's element of tap (ky, kx), channels (c, k). */
interface Tiled {
  readonly batch: number;
  readonly from: Grid;
  readonly to: Grid;
  readonly padTop: number;
  readonly padLeft: number;
  tap(ky: number, kx: number, c: number, k: number): number;
}

interface Grid {
  readonly height: number;
  readonly width: number;
  readonly channels: number;
}

const input = (a: Conv2dAttrs): Grid => ({ height: a.height, width: a.width, channels: a.inChannels });
const output = (a: Conv2dAttrs): Grid => ({
  height: a.outHeight,
  width: a.outWidth,
  channels: a.outChannels,
});

export function winogradConv2d(
  profile: Profile,
  out: TypedArray,
  x: TypedArray,
  kernel: TypedArray,
  attrs: Conv2dAttrs,
): void {
  const { batch, padTop, padLeft, inChannels, outChannels } = attrs;
  const tap: Tiled['tap'] = (ky, kx, c, k) => kernel[((ky * 3 + kx) * inChannels + c) * outChannels + k]!;
  convolve(profile, out, x, { batch, from: input(attrs), to: output(attrs), padTop, padLeft, tap });
}

export function winogradInputGrad(
  profile: Profile,
  out: TypedArray,
  dy: TypedArray,
  kernel: TypedArray,
  attrs: Conv2dAttrs,
): void {
  const { batch, inChannels, outChannels } = attrs;
  const [padTop, padLeft] = [2 - attrs.padTop, 2 - attrs.padLeft];
  const tap: Tiled['tap'] = (ky, kx, k, c) =>
    kernel[(((2 - ky) * 3 + (2 - kx)) * inChannels + c) * outChannels + k]!;
  convolve(profile, out, dy, { batch, from: output(attrs), to: input(attrs), padTop, padLeft, tap });
}

/** The patch of 4×4 pixels of channel c around the tile whose top left pixel is given; +0 outside the image. */
function patchOf(x: TypedArray, { from, padTop, padLeft }: Omit<Tiled, 'tap'>) {
  const pixel = pixels(x, from.height, from.width, from.channels);
  return (image: number, top: number, left: number, c: number): Matrix =>
    grid(4, 4, (i, j) => pixel(image, top + i - padTop, left + j - padLeft, c));
}

/** An element of a transformed matrix at one of the 16 positions, where contractions run. */
const atPositions = (matrices: readonly Matrix[]): Matrix => {
  const flat = matrices.map((matrix) => matrix.flat());
  return grid(16, flat.length, (position, i) => flat[i]![position]!);
};

/** 4×4 chains, one at each position, over the elements [start, end). */
function chains(mulAdd: Arithmetic['mulAdd'], a: Matrix, b: Matrix, start: number, end: number): Matrix {
  const sums = a.map((row, position) => {
    let acc = 0;
    for (let i = start; i < end; i++) acc = mulAdd(acc, row[i]!, b[position]![i]!);
    return acc;
  });
  return grid(4, 4, (i, j) => sums[i * 4 + j]!);
}

function convolve(profile: Profile, out: TypedArray, x: TypedArray, tiled: Tiled): void {
  const { batch, from, to } = tiled;
  const { mulAdd, ...arithmetic } = arithmeticOf('conv2d', dtypeOf(out), profile);
  const { taps, patch, sums } = transforms(arithmetic);
  const channels = Array.from({ length: from.channels }, (_, c) => c);
  const kernels = Array.from({ length: to.channels }, (_, k) =>
    atPositions(channels.map((c) => taps(grid(3, 3, (ky, kx) => tiled.tap(ky, kx, c, k))))),
  );
  const around = patchOf(x, tiled);
  for (const { image, top, left } of tilesOf(batch, to)) {
    const patches = atPositions(channels.map((c) => patch(around(image, top, left, c))));
    for (const [k, kernel] of kernels.entries()) {
      const tile = sums(chains(mulAdd, patches, kernel, 0, from.channels));
      for (let i = 0; i < 2 && top + i < to.height; i++) {
        for (let j = 0; j < 2 && left + j < to.width; j++) {
          out[((image * to.height + top + i) * to.width + left + j) * to.channels + k] = tile[i]![j]!;
        }
      }
    }
  }
}

export function winogradKernelGrad(
  profile: Profile,
  out: TypedArray,
  x: TypedArray,
  dy: TypedArray,
  attrs: KernelGradAttrs,
): void {
  requireWholeSegments(attrs);
  const { batch, padTop, padLeft, segments, inChannels, outChannels } = attrs;
  const { mulAdd, ...arithmetic } = arithmeticOf('conv2dKernelGrad', dtypeOf(out), profile);
  const { patch, tile, grads } = transforms(arithmetic);
  const [from, to] = [input(attrs), output(attrs)];
  const around = patchOf(x, { batch, from, to, padTop, padLeft });
  const outputGrad = pixels(dy, to.height, to.width, to.channels);
  const size = 9 * inChannels * outChannels;
  const places = tilesOf(batch, to);
  const perSegment = places.length / segments;
  const tiles = Array.from({ length: outChannels }, (_, k) =>
    atPositions(
      places.map(({ image, top, left }) =>
        tile(grid(2, 2, (i, j) => outputGrad(image, top + i, left + j, k))),
      ),
    ),
  );
  for (let c = 0; c < inChannels; c++) {
    const patches = atPositions(places.map(({ image, top, left }) => patch(around(image, top, left, c))));
    for (let k = 0; k < outChannels; k++) {
      const taps = Array.from({ length: segments }, (_, s) =>
        grads(chains(mulAdd, patches, tiles[k]!, s * perSegment, (s + 1) * perSegment)).flat(),
      );
      for (let tap = 0; tap < 9; tap++) {
        const i = (tap * inChannels + c) * outChannels + k;
        if (attrs.combine === 'tree') {
          out[i] = treeCombine('conv2dKernelGrad', segments, (s) => taps[s]![tap]!, arithmetic.add);
        } else {
          for (let s = 0; s < segments; s++) out[s * size + i] = taps[s]![tap]!;
        }
      }
    }
  }
}

/** The top left pixels of all tiles, in order. */
function tilesOf(batch: number, { height, width }: Grid) {
  const across = Math.ceil(width / 2);
  const down = Math.ceil(height / 2);
  return Array.from({ length: batch * down * across }, (_, tile) => ({
    image: Math.floor(tile / (across * down)),
    top: 2 * (Math.floor(tile / across) % down),
    left: 2 * (tile % across),
  }));
}

type Matrix = readonly (readonly number[])[];

function grid(height: number, width: number, at: (i: number, j: number) => number): Matrix {
  const rows: number[][] = [];
  for (let i = 0; i < height; i++) {
    const row: number[] = [];
    for (let j = 0; j < width; j++) row.push(at(i, j));
    rows.push(row);
  }
  return rows;
}

/** Applies a transform of vectors to the columns of a matrix, then to the rows of the result. */
function onBothAxes(transform: (x: readonly number[]) => readonly number[]) {
  const turn = (m: Matrix): Matrix => grid(m[0]!.length, m.length, (i, j) => m[j]![i]!);
  return (m: Matrix): Matrix => turn(turn(m).map(transform)).map(transform);
}

function transforms({ add, sub, mul }: Pick<Arithmetic, 'add' | 'sub' | 'mul'>) {
  return {
    taps: onBothAxes(([g0, g1, g2]) => {
      const ends = add(g0!, g2!);
      return [g0!, mul(add(ends, g1!), 0.5), mul(sub(ends, g1!), 0.5), g2!];
    }),
    patch: onBothAxes(([d0, d1, d2, d3]) => [sub(d0!, d2!), add(d1!, d2!), sub(d2!, d1!), sub(d1!, d3!)]),
    sums: onBothAxes(([m0, m1, m2, m3]) => [add(add(m0!, m1!), m2!), sub(sub(m1!, m2!), m3!)]),
    tile: onBothAxes(([g0, g1]) => [g0!, add(g0!, g1!), sub(g0!, g1!), mul(g1!, -1)]),
    grads: onBothAxes(([s0, s1, s2, s3]) => {
      const half = mul(add(s1!, s2!), 0.5);
      return [add(s0!, half), mul(sub(s1!, s2!), 0.5), add(half, s3!)];
    }),
  };
}
