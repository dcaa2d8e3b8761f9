import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import { runCluster, scenarios } from './fixtures/cluster.ts';
import type { CombinePair, NodePartial } from './tree.ts';

/** The mistake this library exists to avoid: partials are added as they arrive. */
function combineAsTheyCame(
  parts: Iterable<NodePartial>,
  _numShards: number,
  combine: CombinePair,
): Float32Array {
  return [...parts]
    .map(({ data }) => data)
    .reduce((left, right) => {
      const out = new Float32Array(left.length);
      combine(out, left, right);
      return out;
    });
}

vi.mock(import('./tree.ts'), async (original) => ({ ...(await original()), combineTree: combineAsTheyCame }));

describe('sums in order of arrival', () => {
  it('fail the test of the all-reduce', () => {
    const { failed, counterexample } = fc.check(
      fc.property(scenarios, (scenario) => runCluster(scenario).length === 0),
      { numRuns: 300 },
    );
    expect(failed).toBe(true);
    const faults = runCluster(counterexample![0]);
    expect(faults.every((fault) => fault.endsWith('other bits'))).toBe(true);
  });
});
