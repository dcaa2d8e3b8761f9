/** Compares early and late measurements of memory. */
export interface Growth {
  /** Medians of the second and of the last quarter of the measurements, in MB. */
  readonly second: number;
  readonly last: number;
  readonly growth: number;
}

/** The first quarter is ignored, because caches fill and code is compiled in it. */
export function growthOf(bytes: readonly number[]): Growth {
  const quarter = Math.floor(bytes.length / 4);
  const second = median(bytes.slice(quarter, 2 * quarter)) / 1e6;
  const last = median(bytes.slice(-quarter)) / 1e6;
  return { second, last, growth: last - second };
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)]!;
}
