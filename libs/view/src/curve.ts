/**
 * Curves that are thinned for a screen. A column is a range of `width` steps that begins at a multiple of `width`, a power of two:
 * columns of all curves are aligned, and two columns of one width are one of twice the width. So a curve that was thinned can be
 * thinned again, and points can be added to it, with the same result as thinning all points at once.
 */

/** Steps ascend; each has one value, which may be NaN or infinite. */
export interface Points {
  readonly steps: ArrayLike<number>;
  readonly values: ArrayLike<number>;
}

export interface Curve {
  /** Steps of a column, a power of two. With 1 every point is there. */
  readonly width: number;
  /**
   * Of each column the first and last point, the least, the greatest, and the first that is not finite. A line through them covers
   * the same pixels as the line through all points where a column is no wider than a pixel (M4: Jugel et al., 2014).
   */
  readonly steps: Float64Array;
  readonly values: Float64Array;
  /** Of each column with finite values their number, their mean, and the mean of their steps. */
  readonly means: Means;
}

export interface Means {
  readonly steps: Float64Array;
  readonly values: Float64Array;
  readonly counts: Float64Array;
}

export const emptyCurve: Curve = {
  width: 1,
  steps: new Float64Array(),
  values: new Float64Array(),
  means: { steps: new Float64Array(), values: new Float64Array(), counts: new Float64Array() },
};

/** The least width with which the steps from `from` to `to` are at most `columns` columns. */
export function widthFor(from: number, to: number, columns: number): number {
  let width = 1;
  while (Math.floor(to / width) - Math.floor(from / width) + 1 > columns) width *= 2;
  return width;
}

/** A range of steps, both included. */
export interface Window {
  readonly from: number;
  readonly to: number;
}

/** Thins points to columns. With a window, to those in it and the nearest on either side, so that a line reaches the edges. */
export function thin({ steps, values }: Points, width: number, window?: Window): Curve {
  const begin = window === undefined ? 0 : Math.max(0, lowerBound(steps, window.from) - 1);
  const end =
    window === undefined ? steps.length : Math.min(steps.length, lowerBound(steps, window.to + 1) + 1);
  const range: Range = { begin, end };
  return {
    width,
    ...thinPoints({ steps, values }, range, width),
    means: meansOf({ steps, values }, range, width),
  };
}

/**
 * Adds later points to a thinned curve, in columns of at least its width. Points at steps that the curve has are left out: a step
 * that was computed again has the same value.
 */
export function extend(curve: Curve, added: Points, width: number = curve.width): Curve {
  const last = curve.steps.at(-1) ?? Number.NEGATIVE_INFINITY;
  const begin = lowerBound(added.steps, last + 1);
  if (begin === added.steps.length && width === curve.width) return curve;
  const range = { begin, end: added.steps.length };
  const steps = joined(curve.steps, added.steps, range);
  const values = joined(curve.values, added.values, range);
  const fresh = meansOf(added, range, curve.width);
  return {
    width,
    ...thinPoints({ steps, values }, { begin: 0, end: steps.length }, width),
    means: merged(curve.means, fresh, width),
  };
}

/** A curve whose means were left out because every point is there. */
export const withMeans = (curve: Curve): Curve => (curve.width === 1 ? thin(curve, 1) : curve);

interface Range {
  readonly begin: number;
  readonly end: number;
}

function thinPoints(
  { steps, values }: Points,
  { begin, end }: Range,
  width: number,
): Pick<Curve, 'steps' | 'values'> {
  const kept: number[] = [];
  for (let first = begin; first < end; ) {
    const last = lastOfColumn(steps, first, end, width);
    let least = -1;
    let greatest = -1;
    let broken = -1;
    for (let i = first; i <= last; i++) {
      const value = values[i]!;
      if (!Number.isFinite(value)) {
        if (broken === -1) broken = i;
        continue;
      }
      if (least === -1 || value < values[least]!) least = i;
      if (greatest === -1 || value > values[greatest]!) greatest = i;
    }
    const chosen = [first, least, greatest, broken, last].filter((i) => i !== -1).sort((a, b) => a - b);
    for (const [at, i] of chosen.entries()) if (i !== chosen[at - 1]) kept.push(i);
    first = last + 1;
  }
  return {
    steps: Float64Array.from(kept, (i) => steps[i]!),
    values: Float64Array.from(kept, (i) => values[i]!),
  };
}

function meansOf({ steps, values }: Points, { begin, end }: Range, width: number): Means {
  const found: [step: number, value: number, count: number][] = [];
  for (let first = begin; first < end; ) {
    const last = lastOfColumn(steps, first, end, width);
    let [step, value, count] = [0, 0, 0];
    for (let i = first; i <= last; i++) {
      if (!Number.isFinite(values[i]!)) continue;
      count++;
      step += (steps[i]! - step) / count;
      value += (values[i]! - value) / count;
    }
    if (count > 0) found.push([step, value, count]);
    first = last + 1;
  }
  return tableOf(found);
}

/** Means of two curves that follow each other; a column that both have is one. */
function merged(a: Means, b: Means, width: number): Means {
  const found: [step: number, value: number, count: number][] = [];
  let column = Number.NaN;
  for (const { steps, values, counts } of [a, b]) {
    for (let i = 0; i < steps.length; i++) {
      const [step, value, count] = [steps[i]!, values[i]!, counts[i]!];
      const last = found.at(-1);
      const at = Math.floor(step / width);
      if (last !== undefined && at === column) {
        const total = last[2] + count;
        last[0] += ((step - last[0]) * count) / total;
        last[1] += ((value - last[1]) * count) / total;
        last[2] = total;
      } else {
        found.push([step, value, count]);
        column = at;
      }
    }
  }
  return tableOf(found);
}

const tableOf = (rows: readonly (readonly [step: number, value: number, count: number])[]): Means => ({
  steps: Float64Array.from(rows, ([step]) => step),
  values: Float64Array.from(rows, ([, value]) => value),
  counts: Float64Array.from(rows, ([, , count]) => count),
});

function lastOfColumn(steps: ArrayLike<number>, first: number, end: number, width: number): number {
  const next = (Math.floor(steps[first]! / width) + 1) * width;
  let last = first;
  while (last + 1 < end && steps[last + 1]! < next) last++;
  return last;
}

/** The index of the first step that is not less than `step`. */
export function lowerBound(steps: ArrayLike<number>, step: number): number {
  let [low, high] = [0, steps.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (steps[middle]! < step) low = middle + 1;
    else high = middle;
  }
  return low;
}

function joined(head: Float64Array, tail: ArrayLike<number>, { begin, end }: Range): Float64Array {
  const all = new Float64Array(head.length + end - begin);
  all.set(head);
  for (let i = begin; i < end; i++) all[head.length + i - begin] = tail[i]!;
  return all;
}
