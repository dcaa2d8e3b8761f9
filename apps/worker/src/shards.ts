/** A range of shards over the compute threads: contiguous, sizes differing by at most one, none empty. */
export function divide(
  range: { readonly start: number; readonly count: number },
  numThreads: number,
): { readonly start: number; readonly count: number }[] {
  const parts = Math.min(numThreads, range.count);
  return Array.from({ length: parts }, (_, i) => {
    const from = Math.floor((i * range.count) / parts);
    const to = Math.floor(((i + 1) * range.count) / parts);
    return { start: range.start + from, count: to - from };
  });
}
