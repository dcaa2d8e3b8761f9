import { LockstepError } from '@lockstep/errors';

/**
 * Combines `leaf(0) … leaf(segments − 1)` over the fixed binary tree: neighbours first, then pairs of pairs.
 * @throws LockstepError `argument` unless `segments` is a power of two.
 */
export function treeCombine<T>(
  op: string,
  segments: number,
  leaf: (segment: number) => T,
  combine: (a: T, b: T) => T,
): T {
  requirePowerOfTwo(op, segments);
  const node = (start: number, count: number): T =>
    count === 1 ? leaf(start) : combine(node(start, count / 2), node(start + count / 2, count / 2));
  return node(0, segments);
}

export function requirePowerOfTwo(op: string, segments: number): void {
  if (Number.isInteger(segments) && segments > 0 && (segments & (segments - 1)) === 0) return;
  throw new LockstepError(
    'argument',
    `${op}: the number of segments must be a power of two, got ${segments}`,
    {
      op,
      segments,
    },
  );
}
