import { foldIn, keyFromSeed, permutation } from '@lockstep/rng';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { evaluationSamples, type ShardSamples, stepSamples, stepsPerEpoch } from './sampling.ts';

const size = fc.integer({ min: 1, max: 60 });
const specs = fc.record({
  numSamples: size,
  batchSize: size,
  numShards: fc.constantFrom(1, 2, 4, 8, 16),
});

/** Samples with weight 1, in the order of shards and rows. */
function realSamples(shards: readonly ShardSamples[]): number[] {
  return shards.flatMap(({ indices, weights }) => [...indices].filter((_, row) => weights[row] === 1));
}

describe('stepSamples', () => {
  it('takes every sample exactly once per epoch, with weight 1', () => {
    fc.assert(
      fc.property(specs, fc.nat(), fc.nat(3), (spec, seed, epoch) => {
        const numSteps = stepsPerEpoch(spec.numSamples, spec.batchSize);
        const seen = Array.from({ length: numSteps }, (_, k) => {
          const samples = stepSamples({ ...spec, seed, step: epoch * numSteps + k });
          expect(samples.epoch).toBe(epoch);
          return realSamples(samples.shards);
        }).flat();
        const order = permutation(foldIn(foldIn(keyFromSeed(seed), 'shuffle'), epoch), spec.numSamples);
        expect(seen).toEqual([...order]);
      }),
    );
  });

  it('pads every shard to the same number of rows with samples of the step at weight 0', () => {
    fc.assert(
      fc.property(specs, fc.nat(), fc.nat(200), (spec, seed, step) => {
        const { shards } = stepSamples({ ...spec, seed, step });
        const real = new Set(realSamples(shards));
        expect(shards).toHaveLength(spec.numShards);
        for (const { indices, weights } of shards) {
          expect(indices).toHaveLength(Math.ceil(spec.batchSize / spec.numShards));
          expect(weights).toHaveLength(indices.length);
          expect(weights.every((weight) => weight === 0 || weight === 1)).toBe(true);
          expect([...indices].every((index) => real.has(index))).toBe(true);
        }
      }),
    );
  });

  it('depends only on its arguments, not on the order of calls', () => {
    const at = (seed: number, step: number) =>
      stepSamples({ seed, step, numSamples: 20, batchSize: 8, numShards: 2 });
    const forwards = [at(1, 0), at(1, 4), at(2, 0), at(1, 1)];
    const backwards = [at(1, 1), at(2, 0), at(1, 4), at(1, 0)].reverse();
    expect(forwards).toEqual(backwards);
    expect(at(1, 0)).not.toEqual(at(2, 0));
    expect(at(1, 0).shards).not.toEqual(at(1, 3).shards);
  });

  it('gives each shard a contiguous slice: 5 remaining samples for 4 shards of 2 rows', () => {
    const { shards } = stepSamples({ seed: 3, step: 1, numSamples: 13, batchSize: 8, numShards: 4 });
    expect(shards.map(({ weights }) => [...weights])).toEqual([
      [1, 1],
      [1, 1],
      [1, 0],
      [0, 0],
    ]);
  });

  it('counts epochs from the step at which their length changed', () => {
    fc.assert(
      fc.property(specs, fc.nat(50), fc.nat(3), fc.nat(100), (spec, step, epoch, later) => {
        const epochsFrom = { step, epoch };
        const numSteps = stepsPerEpoch(spec.numSamples, spec.batchSize);
        const whole = { ...spec, seed: 1 };
        expect(stepSamples({ ...whole, step: step + later, epochsFrom })).toEqual(
          stepSamples({ ...whole, step: epoch * numSteps + later }),
        );
      }),
    );
    const spec = { seed: 1, numSamples: 4, batchSize: 2, numShards: 2, epochsFrom: { step: 5, epoch: 2 } };
    expect(() => stepSamples({ ...spec, step: 4 })).toThrow('step -1 is not an integer of 0 or more');
  });

  it.each([{ step: -1 }, { step: 0.5 }, { numSamples: 0 }, { batchSize: 0 }, { numShards: 1.5 }])(
    'refuses %o',
    (wrong) => {
      const spec = { seed: 1, step: 0, numSamples: 4, batchSize: 2, numShards: 2, ...wrong };
      expect(() => stepSamples(spec)).toThrow(expect.objectContaining({ code: 'argument' }));
    },
  );
});

describe('evaluationSamples', () => {
  it('goes once through the samples in the order of the file', () => {
    fc.assert(
      fc.property(specs, (spec) => {
        const numSteps = stepsPerEpoch(spec.numSamples, spec.batchSize);
        const seen = Array.from({ length: numSteps }, (_, step) =>
          realSamples(evaluationSamples({ ...spec, step }).shards),
        ).flat();
        expect(seen).toEqual(Array.from({ length: spec.numSamples }, (_, i) => i));
        expect(() => evaluationSamples({ ...spec, step: numSteps })).toThrow(
          'evaluationSamples: there is no step',
        );
      }),
    );
  });
});
