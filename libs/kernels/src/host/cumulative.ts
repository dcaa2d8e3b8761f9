/** Running sums and extremes along an axis. */
import type { TypedArray } from '@lockstep/tensor';
import type { ReduceAttrs } from '../kernels.ts';

/** An array seen as `[outer, size, inner]`, visited along the middle axis, with `reverse` from its end. */
export interface RunningAttrs extends ReduceAttrs {
  readonly reverse: boolean;
}

/** Calls `visit` with each place in order; `isFirst` is true at the start of a run. */
function forEachPlace(
  { outer, size, inner, reverse }: RunningAttrs,
  visit: (place: number, index: number, isFirst: boolean) => void,
): void {
  for (let o = 0; o < outer; o++) {
    for (let j = 0; j < inner; j++) {
      for (let step = 0; step < size; step++) {
        const index = reverse ? size - 1 - step : step;
        visit((o * size + index) * inner + j, index, step === 0);
      }
    }
  }
}

/** out[i] = x[0] + … + x[i] in this order, added in doubles and rounded once; integers wrap. */
export function runningSum(out: TypedArray, x: TypedArray, attrs: RunningAttrs): void {
  let sum = 0;
  forEachPlace(attrs, (place, _index, isFirst) => {
    sum = isFirst ? x[place]! : sum + x[place]!;
    out[place] = sum;
  });
}

/** out[i] = the index along the axis of the extreme of x[0] … x[i]: the last of equal ones; NaN counts as most extreme. */
export function runningExtreme(op: 'max' | 'min', out: Int32Array, x: TypedArray, attrs: RunningAttrs): void {
  let best = 0;
  let at = 0;
  forEachPlace(attrs, (place, index, isFirst) => {
    const value = x[place]!;
    if (isFirst || Number.isNaN(value) || (op === 'max' ? value >= best : value <= best)) {
      best = value;
      at = index;
    }
    out[place] = at;
  });
}
