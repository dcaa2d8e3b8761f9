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
  it('may write values over operands of their size, but not a sum', () => {
    const rows = { repeat: 3, period: 4 };
    const chains = [
      chain(rows, { outer: 1, size: 4, inner: 3 }),
      chain(rows, { outer: 4, size: 3, inner: 1 }),
      chain(null, { outer: 12, size: 1, inner: 1 }),
    ];
    for (const equation of chains)
      expect([2, 3].map((output) => mayWriteOver(equation, output))).toEqual([true, false]);
  });
});
