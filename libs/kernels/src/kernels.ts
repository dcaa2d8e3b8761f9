/**
 * The interface of a backend: loops that fill a given output. A kernel reads typed arrays and writes a typed array; it
 * does not know tensors, gradients or programs.
 *
 * Outputs do not overlap inputs, except that an elementwise kernel may write over an operand that it reads in full
 * (`repeat` 1, `period` = length).
 *
 * The order of every sum is part of this specification. `reference/` implements it in TypeScript, and every other
 * backend must give the same bits (any NaN equals any NaN).
 *
 * - A contraction (matmul, direct convolution) is one chain over its inner index in ascending order, starting at +0:
 *   `acc = acc + a*b`. Profile `portable` rounds the product and the sum; profile `fma` rounds once.
 * - A convolution by Winograd's algorithm is sixteen such contractions between transforms: see {@link ConvolutionAlgorithm}.
 * - `reduce('sum')` over a strided axis (`inner` > 1) adds blocks of 16 indices, each a chain from +0. The sums of
 *   the blocks are combined pairwise, neighbours first, then pairs of pairs, while two sums of equally many blocks
 *   exist. The sums that remain, of 2ᵃ, 2ᵇ, 2ᶜ … blocks in this order, are added from the last to the first. At most
 *   16 + log₂ n roundings lie between an element and the sum.
 * - `reduce('sum')` over a contiguous axis (`inner` = 1) puts element `i` into lane `i mod 16`, adds each lane like a
 *   strided axis, then combines lanes pairwise: `lane[j] += lane[j + 8]`, `+4`, `+2`, `+1`.
 * - `scatterAdd` adds the updates of one row in ascending order, like a strided axis.
 * - `treeSum` and `treeMoments` combine the fixed binary tree over segments: (0,1), (2,3), … then pairs of pairs.
 */
import type { TypedArray } from '@lockstep/tensor';
import type { BinaryOp, CompareOp, ElementwiseOp, ReduceOp, UnaryOp } from './operations.ts';

export type BackendName = 'reference' | 'wasm' | 'native';

/** The arithmetic of contractions; see the head of this file. */
export type Profile = 'portable' | 'fma';

/**
 * How an elementwise kernel reads an operand: output element `i` uses `data[floor(i / repeat) % period]`.
 * A full operand has `repeat` 1 and `period` = its length; a scalar has `period` 1; a bias over the last axis has
 * `repeat` 1 and `period` = channels; a weight per row has `repeat` = row length and `period` = rows.
 */
export interface Operand {
  readonly data: TypedArray;
  readonly repeat: number;
  readonly period: number;
}

/** One step of a fused computation: applies `op` to earlier registers and writes the next one. */
export interface FusedInstruction {
  readonly op: ElementwiseOp;
  /** Registers, in the order of the op's own arguments; `select` takes condition, a, b. */
  readonly args: readonly number[];
}

/**
 * A chain of elementwise steps. Registers 0 … operands − 1 are the operands; instruction j writes register
 * operands + j. A register is float32, or bool where a compare or `not` wrote it or its operand is bool. The bits are
 * those of the single kernels, one after the other.
 */
export interface FusedAttrs {
  readonly instructions: readonly FusedInstruction[];
  /** The register that each output takes. */
  readonly outputs: readonly number[];
  /**
   * For each output that is a sum, how its register is summed, in the order of `reduce('sum')`. Null for an output that is
   * not a sum; absent if no output is one.
   */
  readonly sums?: readonly (ReduceAttrs | null)[];
}

/** x seen as `[outer, size, inner]`, reduced over the middle axis to `[outer, inner]`. */
export interface ReduceAttrs {
  readonly outer: number;
  readonly size: number;
  readonly inner: number;
}

/**
 * out `[batch, m, n]` = a `[batch, m, k]` · b `[batch, k, n]`; with `transposeA` a is stored `[batch, k, m]`, with
 * `transposeB` b is stored `[batch, n, k]`. An operand whose `batchA`/`batchB` is false has no batch axis; every batch
 * uses it.
 */
export interface MatmulAttrs {
  readonly batch: number;
  readonly m: number;
  readonly n: number;
  readonly k: number;
  readonly transposeA: boolean;
  readonly transposeB: boolean;
  readonly batchA: boolean;
  readonly batchB: boolean;
}

/** out `[m, n]` = tree over segments s of Σ_r a`[s, r, m]`·b`[s, r, n]`; `segments` is a power of two. */
export interface SegmentedContractionAttrs {
  readonly segments: number;
  readonly rows: number;
  readonly m: number;
  readonly n: number;
}

/**
 * `direct`: each output element is one chain over (ky, kx, inChannel) ascending.
 *
 * `winograd`: F(2×2, 3×3) of Lavin and Gray, 2016, for kernels of 3×3 and stride 1; 16 products replace 36. The output
 * is cut into tiles of 2×2 from its top left corner. Tile (Y, X) reads the patch d of 4×4 pixels whose first pixel is
 * (2Y − padTop, 2X − padLeft). Each of these transforms is applied to the columns, then to the rows, and rounds after each
 * operation:
 *
 *     taps    u = g0, ((g0 + g2) + g1)·½, ((g0 + g2) − g1)·½, g2      3×3 → 4×4
 *     patch   v = d0 − d2, d1 + d2, d2 − d1, d1 − d3                    4×4
 *     sums    y = (m0 + m1) + m2, (m1 − m2) − m3                        4×4 → 2×2
 *
 * Between them, m = Σ v·u at each of the 16 positions is a chain over the inChannels, ascending.
 *
 * The kernel's gradient uses the transposed transforms. A tile g is 2×2 elements of dy; elements outside dy are +0. The sum s
 * of the products of transformed tiles and patches is, at each position, a chain over (image, Y, X), ascending from +0:
 *
 *     tile    z = g0, g0 + g1, g0 − g1, −g1                             2×2 → 4×4
 *     taps    w = s0 + h, (s1 − s2)·½, h + s3 where h = (s1 + s2)·½     4×4 → 3×3
 *
 * A convolution's shape alone decides its algorithm; see `convolutionAlgorithm`.
 */
export type ConvolutionAlgorithm = 'direct' | 'winograd';

/**
 * Two-dimensional convolution (cross-correlation, as in every deep-learning library) in NHWC layout:
 * x `[batch, height, width, inChannels]`, kernel `[kernelHeight, kernelWidth, inChannels, outChannels]`,
 * y `[batch, outHeight, outWidth, outChannels]`. Output pixel (oy, ox) reads input row `oy*strideY + ky - padTop`
 * and column `ox*strideX + kx - padLeft`; a pixel outside the image is +0 and takes part in the chain.
 */
export interface Conv2dAttrs {
  readonly algorithm: ConvolutionAlgorithm;
  readonly batch: number;
  readonly height: number;
  readonly width: number;
  readonly inChannels: number;
  readonly outHeight: number;
  readonly outWidth: number;
  readonly outChannels: number;
  readonly kernelHeight: number;
  readonly kernelWidth: number;
  readonly strideY: number;
  readonly strideX: number;
  readonly padTop: number;
  readonly padLeft: number;
}

/**
 * Windows of `x [batch, height, width, channels]` without padding. The maximum of a window is its first largest element in
 * row-major order; NaN counts as largest.
 */
export interface PoolAttrs {
  readonly batch: number;
  readonly height: number;
  readonly width: number;
  readonly channels: number;
  readonly outHeight: number;
  readonly outWidth: number;
  readonly windowHeight: number;
  readonly windowWidth: number;
  readonly strideY: number;
  readonly strideX: number;
}

/** A strided view: element `(i0, i1, …)` lies at `offset + Σ i·stride`; strides may be 0 or negative. */
export interface StridedAttrs {
  readonly shape: readonly number[];
  readonly strides: readonly number[];
  readonly offset: number;
}

/**
 * x `[segments, rows, inner, channels]` and weights `[segments, rows]` → out `[segments, 1 + 2·channels]`: the count,
 * means and centred sums of squares of each segment. Sums run over the flattened `(rows, inner)` index in the order of a strided
 * `reduce('sum')` of `w·x` and of `w·((x−mean)·(x−mean))`; the count is the contiguous sum of the weights times `inner`.
 * A segment with count 0 gives zeros.
 */
export interface MomentsAttrs {
  readonly segments: number;
  readonly rows: number;
  readonly inner: number;
  readonly channels: number;
}

export interface Kernels {
  readonly name: BackendName;
  readonly profile: Profile;

  fill(out: TypedArray, value: number): void;
  /** out = x, of one dtype and length, bit by bit. `TypedArray.set` does the same, but is slow in shared memory. */
  copy(out: TypedArray, x: TypedArray): void;
  /**
   * Converts element by element: float → int truncates toward zero and saturates (NaN → 0), int → int keeps the low
   * bits, anything → bool is `x ≠ 0`.
   */
  cast(out: TypedArray, x: TypedArray): void;
  unary(op: UnaryOp, out: TypedArray, x: TypedArray): void;
  binary(op: BinaryOp, out: TypedArray, a: Operand, b: Operand): void;
  compare(op: CompareOp, out: Uint8Array, a: Operand, b: Operand): void;
  /** out = condition ? a : b */
  select(out: TypedArray, condition: Operand, a: Operand, b: Operand): void;
  /**
   * Runs a chain of elementwise steps over float32 and bool operands, block by block, so that the values between two
   * steps stay in cache. All outputs have one length. An output may be written over an operand that is read in full.
   */
  fused(outs: readonly TypedArray[], operands: readonly Operand[], attrs: FusedAttrs): void;

  /** out (contiguous) = the strided view of x: transpose, slice, broadcast, flip. */
  readStrided(out: TypedArray, x: TypedArray, attrs: StridedAttrs): void;
  /** The strided view of out = x (contiguous): pad, concatenate. Elements outside the view keep their values; no element occurs in the view twice. */
  writeStrided(out: TypedArray, x: TypedArray, attrs: StridedAttrs): void;

  /** Without elements the sum is 0, max −∞ and min +∞ (for integers the ends of their range). */
  reduce(op: ReduceOp, out: TypedArray, x: TypedArray, attrs: ReduceAttrs): void;
  /** Index of the first largest element; NaN counts as largest. */
  argmax(out: Int32Array, x: TypedArray, attrs: ReduceAttrs): void;

  matmul(out: TypedArray, a: TypedArray, b: TypedArray, attrs: MatmulAttrs): void;
  segmentedContraction(out: TypedArray, a: TypedArray, b: TypedArray, attrs: SegmentedContractionAttrs): void;

  conv2d(out: TypedArray, x: TypedArray, kernel: TypedArray, attrs: Conv2dAttrs): void;
  /**
   * dx from dy. `direct`: the chain runs over (ky, kx, outChannel) ascending. It leaves out taps that fall between two
   * strides; outputs beyond the edge are zeros and take part. `winograd`: the convolution of dy, padded by 2 − padTop and
   * 2 − padLeft, with the taps reversed on both axes and the channels exchanged.
   */
  conv2dInputGrad(out: TypedArray, dy: TypedArray, kernel: TypedArray, attrs: Conv2dAttrs): void;
  /**
   * The kernel's gradient. `direct`: the chain runs over (image, oy, ox) ascending. The batch is `segments` equal runs of
   * images. `combine` 'stack' gives their gradients `[segments, …kernel shape]`, 'tree' the tree sum of these
   * `[…kernel shape]`, with the bits of `treeSum`.
   */
  conv2dKernelGrad(
    out: TypedArray,
    x: TypedArray,
    dy: TypedArray,
    attrs: Conv2dAttrs & { readonly segments: number; readonly combine: 'stack' | 'tree' },
  ): void;

  maxPool(out: TypedArray, x: TypedArray, attrs: PoolAttrs): void;
  /** out = for each window of x the element of t at the place of the maximum. */
  maxPoolSelect(out: TypedArray, x: TypedArray, t: TypedArray, attrs: PoolAttrs): void;
  /** The transpose of `maxPoolSelect`: out (of x's shape) = 0, then adds each window's g at the place of its maximum. */
  maxPoolScatter(out: TypedArray, x: TypedArray, g: TypedArray, attrs: PoolAttrs): void;

  /** out `[count, width]` = rows of table `[rows, width]`; an index outside gives a row of NaN (0 for integers). */
  gather(
    out: TypedArray,
    table: TypedArray,
    indices: Int32Array,
    attrs: { rows: number; width: number },
  ): void;
  /** out `[rows, width]` = for each row the sum of its updates `[count, width]`; an index outside is ignored. */
  scatterAdd(
    out: TypedArray,
    updates: TypedArray,
    indices: Int32Array,
    attrs: { rows: number; width: number },
  ): void;

  /** x `[segments, size]` → out `[size]`; segments is a power of two. */
  treeSum(out: TypedArray, x: TypedArray, attrs: { segments: number; size: number }): void;
  moments(out: TypedArray, x: TypedArray, weights: TypedArray, attrs: MomentsAttrs): void;
  /**
   * x `[segments, 1 + 2·channels]` → out `[1 + 2·channels]`, combining pairs by Chan's formula: n = na+nb,
   * δ = mb−ma, mean = ma + δ·(nb/n), M2 = (M2a + M2b) + (δ·δ)·(na·nb/n). If nb is 0 the result is a, else if na is 0 it
   * is b.
   */
  treeMoments(out: TypedArray, x: TypedArray, attrs: { segments: number; channels: number }): void;

  /** Threefry-2x32 with 20 rounds: out[2j], out[2j+1] = the two words of counter (j, 0) under the key. */
  randomBits(out: Uint32Array, key: Uint32Array): void;
  /** out = (`bits >>> 8`)·2⁻²⁴, uniform in [0, 1) and exact in float32 and float64. */
  unitFromBits(out: TypedArray, bits: Uint32Array): void;

  /**
   * out[0], out[1] = the low and the high word of a 64-bit digest of x's bytes. In a float array every NaN counts as
   * 0x7fc00000 (float64: 0x7ff8000000000000); −0 and +0 differ. The digest shows accidents, not attacks: whoever knows this
   * specification can write two arrays with one digest.
   *
   * The bytes, followed by zeros, form stripes of 32 words of 64 bits, low byte first. There is a lane xⱼ for each word of a
   * stripe. It begins with the halves (2j + 1)·A (low) and (2j + 2)·A (high), and takes word j of one stripe after the
   * other: xⱼ = mix(xⱼ ⊕ word). Then, for h = 16, 8, 4, 2, 1, the lanes j < h become mix(xⱼ) ⊕ xⱼ₊ₕ. The digest is
   * mix(mix(x₀ ⊕ the number of bytes)).
   *
   *     x            = low + 2³²·high
   *     turn(x, c)   = low·c + 2³²·high mod 2⁶⁴, with its halves exchanged
   *     mix(x)       = turn(turn(x, A), B)     A = ⌊2³²·(√5 − 1)/2⌋, B = ⌊2³²·(√3 − 1)⌋
   *
   * A and B are odd, so `turn` and `mix` are bijections, and every formula above is a bijection of each of its operands
   * while the others stay the same. So two arrays of one length have different digests if they differ in one element, or in
   * several of one word; and so have two arrays of different lengths that zeros extend to the same stripes. Other
   * different arrays have equal digests by chance only, once in 2⁶⁴. This holds for elements that change places, too: the
   * words of a lane are mixed one after the other, and no two lanes begin alike.
   */
  digest(out: Uint32Array, x: TypedArray): void;
}
