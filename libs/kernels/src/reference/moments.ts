import { dtypeOf, type TypedArray } from '@lockstep/tensor';
import type { MomentsAttrs } from '../kernels.ts';
import { type Arithmetic, arithmeticOf } from './arithmetic.ts';
import { sumInBlocks, sumInLanes } from './reduce.ts';
import { treeCombine } from './tree.ts';

export function moments(out: TypedArray, x: TypedArray, weights: TypedArray, attrs: MomentsAttrs): void {
  const { segments, rows, inner, channels } = attrs;
  const arithmetic = arithmeticOf('moments', dtypeOf(out));
  const { sub, mul, div } = arithmetic;
  const width = 1 + 2 * channels;
  for (let s = 0; s < segments; s++) {
    const weight = (row: number) => weights[s * rows + row]!;
    const count = mul(sumInLanes(rows, weight, arithmetic), inner);
    out.fill(0, s * width, (s + 1) * width);
    if (count === 0) continue;
    out[s * width] = count;
    for (let c = 0; c < channels; c++) {
      const value = (i: number) => x[(s * rows * inner + i) * channels + c]!;
      const weightOf = (i: number) => weight(Math.floor(i / inner));
      const sum = sumInBlocks(rows * inner, (i) => mul(weightOf(i), value(i)), arithmetic);
      const mean = div(sum, count);
      const term = (i: number) => {
        const delta = sub(value(i), mean);
        return mul(weightOf(i), mul(delta, delta));
      };
      out[s * width + 1 + c] = mean;
      out[s * width + 1 + channels + c] = sumInBlocks(rows * inner, term, arithmetic);
    }
  }
}

interface Moments {
  readonly count: number;
  readonly mean: number;
  readonly squares: number;
}

/** Chan, Golub and LeVeque's pairwise update. */
function combine(a: Moments, b: Moments, { add, sub, mul, div }: Arithmetic): Moments {
  if (b.count === 0) return a;
  if (a.count === 0) return b;
  const count = add(a.count, b.count);
  const share = div(b.count, count);
  const delta = sub(b.mean, a.mean);
  return {
    count,
    mean: add(a.mean, mul(delta, share)),
    squares: add(add(a.squares, b.squares), mul(mul(delta, delta), mul(a.count, share))),
  };
}

export function treeMoments(
  out: TypedArray,
  x: TypedArray,
  attrs: { segments: number; channels: number },
): void {
  const { segments, channels } = attrs;
  const arithmetic = arithmeticOf('treeMoments', dtypeOf(out));
  const width = 1 + 2 * channels;
  const { add } = arithmetic;
  out[0] = treeCombine(
    'treeMoments',
    segments,
    (s) => x[s * width]!,
    (a, b) => (b === 0 ? a : a === 0 ? b : add(a, b)),
  );
  for (let c = 0; c < channels; c++) {
    const leaf = (s: number): Moments => ({
      count: x[s * width]!,
      mean: x[s * width + 1 + c]!,
      squares: x[s * width + 1 + channels + c]!,
    });
    const total = treeCombine('treeMoments', segments, leaf, (a, b) => combine(a, b, arithmetic));
    out[1 + c] = total.mean;
    out[1 + channels + c] = total.squares;
  }
}
