/** The histograms of one parameter over steps, as a drawing has them: columns of steps, rows of values. */
import {
  binOf,
  type HistogramKind,
  type HistogramStep,
  lowerEdgeOf,
  type Part,
  partsOf,
  quantileOf,
} from './histograms.ts';
import { numberScale, type Tick, tickText } from './sweep/scale.ts';

/** Places are from 0 at the least value to 1 at the greatest. */
export interface Heat {
  readonly steps: readonly number[];
  /** Of each step the share of the elements in each row, from the least values to the greatest. */
  readonly shares: readonly (readonly number[])[];
  /** Of each step the values below which 5%, 50% and 95% of the elements are; null where none is finite. */
  readonly quantiles: readonly (readonly [number, number, number] | null)[];
  readonly numRows: number;
  readonly place: (value: number) => number;
  readonly ticks: (count: number) => readonly Tick[];
  /** Steps with elements that are not finite. */
  readonly broken: readonly number[];
}

type Rows = Pick<Heat, 'numRows' | 'place' | 'ticks'> & {
  /** Adds the share of a part to the rows that it covers. */
  readonly add: (shares: number[], part: Part) => void;
};

/**
 * Of one parameter; undefined where no step has it. Rows have equal heights of values, or with `isLog` are the bins, of which those in
 * the middle with few elements are one.
 */
export function heatOf(
  steps: readonly HistogramStep[],
  kind: HistogramKind,
  name: string,
  isLog: boolean,
): Heat | undefined {
  const found = steps.flatMap((step) => {
    const row = Object.hasOwn(step[kind], name) ? step[kind][name] : undefined;
    return row === undefined ? [] : [{ step: step.step, row, parts: partsOf(row) }];
  });
  if (found.length === 0) return undefined;
  const all = found.map(({ parts }) => parts);
  const { add, ...rows } = isLog ? binRows(all) : evenRows(all);
  return {
    ...rows,
    steps: found.map(({ step }) => step),
    shares: all.map((parts) => {
      const shares = new Array<number>(rows.numRows).fill(0);
      for (const part of parts) add(shares, part);
      return shares;
    }),
    quantiles: all.map((parts) =>
      parts.length === 0 ? null : [quantileOf(parts, 0.05), quantileOf(parts, 0.5), quantileOf(parts, 0.95)],
    ),
    broken: found.filter(({ row }) => (row.nonFinite ?? 0) > 0).map(({ step }) => step),
  };
}

const numEvenRows = 56;

/** Of the elements this share at either end may lie outside, so that a few large ones do not flatten the others. */
const outside = 0.002;

function evenRows(all: readonly (readonly Part[])[]): Rows {
  const known = all.filter((parts) => parts.length > 0);
  const lo = Math.min(...known.map((parts) => quantileOf(parts, outside)));
  const hi = Math.max(...known.map((parts) => quantileOf(parts, 1 - outside)));
  if (!(hi > lo)) return evenRange(lo - (Math.abs(lo) * 0.1 || 1), lo + (Math.abs(lo) * 0.1 || 1));
  return evenRange(lo, hi);
}

function evenRange(lo: number, hi: number): Rows {
  const scale = numberScale({ lo, hi, log: false });
  const height = (hi - lo) / numEvenRows;
  const place = (value: number): number => (value - lo) / (hi - lo);
  const rowAt = (value: number): number => Math.floor((value - lo) / height);
  return {
    ...{ numRows: numEvenRows, place, ticks: scale.ticks },
    add(shares, { from, to, share }) {
      const [first, last] = [Math.max(0, rowAt(from)), Math.min(numEvenRows - 1, rowAt(to))];
      for (let row = first; row <= last; row++) {
        const [bottom, top] = [Math.max(from, lo + row * height), Math.min(to, lo + (row + 1) * height)];
        shares[row]! += to > from ? share * Math.max(0, (top - bottom) / (to - from)) : share;
      }
    },
  };
}

/** Magnitudes below which lie fewer elements than this share at every step are one row in the middle. */
const negligible = 0.1;

function binRows(all: readonly (readonly Part[])[]): Rows {
  const middle = middleOf(all);
  const bins = all.flatMap((parts) => parts.map(({ bin }) => bin));
  const [low, high] = [Math.min(-middle, ...bins), Math.max(middle, ...bins)];
  const numRows = high - low + 1 - 2 * middle;
  const rowOf = (bin: number): number => {
    if (bin < -middle) return bin - low;
    return bin <= middle ? -middle - low : bin - low - 2 * middle;
  };
  const place = (value: number): number => {
    const bin = binOf(value);
    if (Math.abs(bin) <= middle) return (rowOf(0) + 0.5) / numRows;
    const [from, to] = [lowerEdgeOf(bin), lowerEdgeOf(bin + 1)];
    return (rowOf(bin) + (value - from) / (to - from)) / numRows;
  };
  return {
    ...{ numRows, place, ticks: () => powersOfTen(low, high, middle, place) },
    add(shares, { bin, share }) {
      shares[rowOf(bin)]! += share;
    },
  };
}

/** The greatest bin k for which bins −k to k have a negligible share at every step. */
function middleOf(all: readonly (readonly Part[])[]): number {
  const least = all.map((parts) => {
    let seen = 0;
    for (const { bin, share } of [...parts].sort((a, b) => Math.abs(a.bin) - Math.abs(b.bin))) {
      seen += share;
      if (seen > negligible) return Math.abs(bin) - 1;
    }
    return Number.POSITIVE_INFINITY;
  });
  const middle = Math.min(...least);
  return Number.isFinite(middle) ? Math.max(0, middle) : 0;
}

function powersOfTen(
  low: number,
  high: number,
  middle: number,
  place: (value: number) => number,
): readonly Tick[] {
  const ticks: Tick[] = [{ place: place(0), text: '0' }];
  for (let power = -12; power <= 38; power++) {
    const value = Number(`1e${power}`);
    const bin = binOf(value);
    if (bin <= middle + 1) continue;
    if (bin <= high) ticks.push({ place: place(value), text: tickText(value) });
    if (-bin >= low) ticks.push({ place: place(-value), text: tickText(-value) });
  }
  return ticks.sort((a, b) => a.place - b.place);
}
