import type { ReduceAttrs } from '@lockstep/kernels';
import { describe, expect, it } from 'vitest';
import { FUSED, mayWriteOver } from './equation.ts';
import type { BroadcastPattern, Equation } from './program.ts';

/** x · b over twelve elements, and its sum. */
const chain = (pattern: BroadcastPattern | null, sum: ReduceAttrs): Equation => ({
  primitive: FUSED,
  attrs: { instructions: [{ op: 'mul', args: [0, 1] }], outputs: [2, 2], sums: [null, sum] },
  inputs: [0, 1],
  outputs: [2, 3],
  patterns: [null, pattern],
});

describe('a fused chain with sums', () => {
  const rows = { repeat: 3, period: 4 };
  it('may write over operands of another size than its sums', () => {
    expect(mayWriteOver(chain(rows, { outer: 1, size: 4, inner: 3 }))).toBe(true);
    expect(mayWriteOver(chain(null, { outer: 1, size: 12, inner: 1 }))).toBe(true);
  });
  it('keeps a pattern that it reads until its end apart from a sum of that size', () => {
    expect(mayWriteOver(chain(rows, { outer: 4, size: 3, inner: 1 }))).toBe(false);
    expect(mayWriteOver(chain(null, { outer: 12, size: 1, inner: 1 }))).toBe(false);
  });
});
