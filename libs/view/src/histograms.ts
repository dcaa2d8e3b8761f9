/**
 * Histograms of parameters, gradients and updates over steps. Bins are those of the run folder: two in each power of two. A positive bin
 * k begins at 2⁻⁴⁰ · 2^((k − 1) / 2), with 1.5 for the half; bin −k mirrors bin k, and bin 0 has what is smaller.
 */
import { tickText } from './sweep/scale.ts';

export const histogramKinds = ['params', 'gradients', 'updates'] as const;

export type HistogramKind = (typeof histogramKinds)[number];

export interface HistogramRow {
  readonly count: number;
  /** Absent if there are none. */
  readonly nonFinite?: number;
  readonly min: number;
  readonly max: number;
  readonly sum: number;
  readonly sumOfSquares: number;
  /** The bin of `counts[0]`. */
  readonly first: number;
  readonly counts: readonly number[];
}

/** Histograms of one step, by kind and by name of the parameter. */
export type HistogramStep = { readonly step: number } & Readonly<
  Record<HistogramKind, Readonly<Record<string, HistogramRow>>>
>;

/** The histograms of one parameter over steps, as rows from the least bin to the greatest. */
export interface Heat {
  readonly steps: readonly number[];
  /** Of each step the share of the elements in each row. */
  readonly shares: readonly (readonly number[])[];
  /** Of each step the rows below which 5%, 50% and 95% of the elements are; null where none is finite. */
  readonly quantiles: readonly (readonly [number, number, number] | null)[];
  /** Values at boundaries of rows; `at` counts rows from the bottom. */
  readonly ticks: readonly { readonly at: number; readonly text: string }[];
  readonly numRows: number;
  /** The value at a place among the rows, counted from the bottom. */
  readonly valueAt: (place: number) => number;
  /** Steps with elements that are not finite. */
  readonly broken: readonly number[];
}

/** Magnitudes below which lie fewer elements than this share at every step are one row in the middle. */
const negligible = 0.1;

/** Of one parameter; undefined where no step has it. */
export function heatOf(steps: readonly HistogramStep[], kind: HistogramKind, name: string): Heat | undefined {
  const found = steps.flatMap((step) => {
    const row = step[kind][name];
    return row === undefined ? [] : [{ step: step.step, row }];
  });
  if (found.length === 0) return undefined;
  const rows = found.map(({ row }) => row);
  const middle = middleOf(rows);
  const low = Math.min(-middle, ...rows.map(({ first }) => first));
  const high = Math.max(middle, ...rows.map(({ first, counts }) => first + counts.length - 1));
  const numRows = high - low + 1 - 2 * middle;
  /** The row of a bin. */
  const rowOf = (bin: number): number => {
    if (bin < -middle) return bin - low;
    return bin <= middle ? -middle - low : bin - low - 2 * middle;
  };
  const shares = rows.map((row) => sharesOf(row, rowOf, numRows));
  return {
    steps: found.map(({ step }) => step),
    shares,
    quantiles: shares.map(quantilesOf),
    ticks: ticksOf(low, high, middle, rowOf),
    numRows,
    valueAt: (place) => {
      const row = Math.max(0, Math.min(numRows - 1, Math.floor(place)));
      if (row === rowOf(0)) return 0;
      const bin = row < rowOf(0) ? row + low : row + low + 2 * middle;
      const [from, to] = [lowerEdgeOf(bin), lowerEdgeOf(bin + 1)];
      return from + (place - row) * (to - from);
    },
    broken: found.filter(({ row }) => (row.nonFinite ?? 0) > 0).map(({ step }) => step),
  };
}

/** The greatest bin k for which bins −k to k have a negligible share at every step. */
function middleOf(rows: readonly HistogramRow[]): number {
  const least = rows.map(({ first, counts }) => {
    const inside = new Map<number, number>();
    for (const [i, count] of counts.entries()) {
      const bin = Math.abs(first + i);
      inside.set(bin, (inside.get(bin) ?? 0) + count);
    }
    const total = counts.reduce((sum, count) => sum + count, 0);
    let seen = 0;
    for (const bin of [...inside.keys()].sort((a, b) => a - b)) {
      seen += inside.get(bin)!;
      if (seen > negligible * total) return bin - 1;
    }
    return Number.POSITIVE_INFINITY;
  });
  const middle = Math.min(...least);
  return Number.isFinite(middle) ? Math.max(0, middle) : 0;
}

function sharesOf(
  { first, counts }: HistogramRow,
  rowOf: (bin: number) => number,
  numRows: number,
): readonly number[] {
  const shares = new Array<number>(numRows).fill(0);
  const total = counts.reduce((sum, count) => sum + count, 0) || 1;
  for (const [i, count] of counts.entries()) shares[rowOf(first + i)]! += count / total;
  return shares;
}

function quantilesOf(shares: readonly number[]): readonly [number, number, number] | null {
  const at = (wanted: number): number => {
    let sum = 0;
    for (const [row, share] of shares.entries()) {
      if (share > 0 && sum + share >= wanted - 1e-12) return row + (wanted - sum) / share;
      sum += share;
    }
    return shares.length;
  };
  return shares.some((share) => share > 0) ? [at(0.05), at(0.5), at(0.95)] : null;
}

/** The lower edge of a positive bin. */
const edgeOf = (bin: number): number => 2 ** (-40 + Math.floor((bin - 1) / 2)) * (bin % 2 === 1 ? 1 : 1.5);

const lowerEdgeOf = (bin: number): number => (bin > 0 ? edgeOf(bin) : -edgeOf(1 - bin));

/** Powers of ten, and 0. */
function ticksOf(low: number, high: number, middle: number, rowOf: (bin: number) => number): Heat['ticks'] {
  const ticks = [{ at: rowOf(0) + 0.5, text: '0' }];
  for (let power = -12; power <= 38; power++) {
    const value = Number(`1e${power}`);
    const bin = Math.floor(2 * (Math.log2(value) + 40)) + 1;
    // The bin whose edges are around the value.
    const around = [bin - 1, bin, bin + 1].find((one) => edgeOf(one) <= value && value < edgeOf(one + 1))!;
    if (around <= middle + 1) continue;
    const inside = (value - edgeOf(around)) / (edgeOf(around + 1) - edgeOf(around));
    if (around <= high) ticks.push({ at: rowOf(around) + inside, text: tickText(value) });
    if (-around >= low) ticks.push({ at: rowOf(-around) + 1 - inside, text: tickText(-value) });
  }
  return ticks.sort((a, b) => a.at - b.at);
}

/** The names of parameters that have histograms of a kind, in the order in which they come first. */
export const namesIn = (steps: readonly HistogramStep[], kind: HistogramKind): readonly string[] => [
  ...new Set(steps.flatMap((step) => Object.keys(step[kind]))),
];

/** At most so many steps, evenly; the last one stays. */
export function fewer(steps: readonly HistogramStep[], most: number): readonly HistogramStep[] {
  if (steps.length <= most) return steps;
  const stride = Math.ceil(steps.length / most);
  return steps.filter((_, i) => (steps.length - 1 - i) % stride === 0);
}
