import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import { runCluster, scenarios } from './fixtures/cluster.ts';
import type { Combination, NodePartial, TreeNode } from './tree.ts';

/** The mistake that this library exists to avoid: it adds partials in the order of arrival. */
function combineInOrderOfArrival(
  _root: TreeNode,
  partials: Iterable<NodePartial>,
  { op, combine }: Combination,
  out: Float32Array,
): void {
  const [first, ...others] = [...partials].map(({ data }) => data);
  out.set(first!);
  for (const next of others) combine[op](out, out.slice(), next);
}

vi.mock(import('./tree.ts'), async (original) => ({
  ...(await original()),
  combineAt: combineInOrderOfArrival,
}));

describe('sums in order of arrival', () => {
  it('fail the test of the all-reducer', () => {
    const { failed, counterexample } = fc.check(
      fc.property(scenarios, (scenario) => runCluster(scenario).length === 0),
      { numRuns: 300 },
    );
    expect(failed).toBe(true);
    const faults = runCluster(counterexample![0]);
    expect(faults.every((fault) => fault.endsWith('other bits'))).toBe(true);
  });
});
