/**
 * Histograms of parameters, gradients and updates over steps. Bins are those of the run folder: two in each power of two. A positive bin
 * k begins at 2⁻⁴⁰ · 2^((k − 1) / 2), with 1.5 for the half; bin −k mirrors bin k, and bin 0 has what is smaller.
 */
import { lowerBound } from './curve.ts';

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

/** The lower edges of the positive bins: 2⁻⁴⁰, 1.5 · 2⁻⁴⁰, 2⁻³⁹, … up to what float32 has. Doubling is exact. */
const edges = edgesFrom(1 / 1_024 / 1_024 / 1_024 / 1_024);

function edgesFrom(least: number): readonly number[] {
  const found: number[] = [];
  for (let power = least; power < 1e39; power *= 2) found.push(power, 1.5 * power);
  return found;
}

/** The lower edge of a bin; that of the next one is its upper edge. */
export const lowerEdgeOf = (bin: number): number => (bin > 0 ? edgeOf(bin) : -edgeOf(1 - bin));

const edgeOf = (bin: number): number => edges[bin - 1] ?? Number.POSITIVE_INFINITY;

/** The bin of a number. */
export function binOf(value: number): number {
  if (value < 0) return 0 - binOf(-value);
  const at = lowerBound(edges, value);
  return edges[at] === value ? at + 1 : at;
}

/** A bin with elements, as far as the least and the greatest element reach. */
export interface Part {
  readonly bin: number;
  readonly from: number;
  readonly to: number;
  /** Of the finite elements. */
  readonly share: number;
}

export function partsOf({ first, counts, min, max }: HistogramRow): readonly Part[] {
  const total = counts.reduce((sum, count) => sum + count, 0);
  return counts.flatMap((count, i): Part[] => {
    const bin = first + i;
    const [from, to] = [Math.max(min, lowerEdgeOf(bin)), Math.min(max, lowerEdgeOf(bin + 1))];
    return count === 0 ? [] : [{ bin, from, to: Math.max(from, to), share: count / total }];
  });
}

/** The value below which lies a share of the elements, as if each bin were evenly filled. */
export function quantileOf(parts: readonly Part[], share: number): number {
  let sum = 0;
  for (const part of parts) {
    if (sum + part.share >= share - 1e-12)
      return part.from + ((share - sum) / part.share) * (part.to - part.from);
    sum += part.share;
  }
  return parts.at(-1)?.to ?? Number.NaN;
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
