import { describe, expect, it } from 'vitest';
import { createRandom } from './random.ts';
import { type Faults, type SimulationOptions, type SimulationResult, simulate } from './simulate.ts';

const quiet: Faults = {
  withinMs: 3_000,
  numCrashes: 0,
  numJoins: 0,
  numPauses: 0,
  numFreezes: 0,
  numBadNewcomers: 0,
  numBrokenLinks: 0,
  numReweighs: 0,
  numCoordinatorRestarts: 0,
  interrupt: false,
  numFullDisks: 0,
  numErrors: 0,
};

const base: SimulationOptions = {
  seed: 1,
  numWorkers: 3,
  numShards: 8,
  numSteps: 20,
  numSegments: 2,
  evaluateEvery: 5,
  checkpointEvery: 4,
  fingerprintEvery: 3,
  finalEvaluation: true,
  stopFrom: Number.POSITIVE_INFINITY,
  encodeMessages: false,
  faults: quiet,
};

/** Random schedules of a kind: all of them in `npm run test:thorough`. */
const numSchedules = process.env.LOCKSTEP_THOROUGH === '1' ? 2_000 : 400;

/** Draws all options of a run from one number. */
function drawn(seed: number): SimulationOptions {
  const random = createRandom(seed ^ 0x5bd1e995);
  const upTo = (most: number) => random.below(most + 1);
  return {
    seed,
    numWorkers: 1 + upTo(3),
    numShards: 1 << upTo(3),
    numSteps: 5 + upTo(15),
    numSegments: 1 + upTo(2),
    evaluateEvery: 2 + upTo(4),
    checkpointEvery: 1 + upTo(6),
    fingerprintEvery: 1 + upTo(3),
    finalEvaluation: random.chance(0.5),
    stopFrom: random.chance(0.2) ? 6 : Number.POSITIVE_INFINITY,
    encodeMessages: random.chance(0.05),
    faults: {
      withinMs: random.between(300, 3_000),
      numCrashes: upTo(4),
      numJoins: upTo(4),
      numPauses: upTo(2),
      numFreezes: random.chance(0.2) ? 1 : 0,
      numBadNewcomers: random.chance(0.3) ? 1 + upTo(1) : 0,
      numBrokenLinks: upTo(2),
      numReweighs: upTo(2),
      numCoordinatorRestarts: random.chance(0.2) ? 1 + upTo(1) : 0,
      interrupt: random.chance(0.2),
      numFullDisks: random.chance(0.3) ? 1 + upTo(1) : 0,
      numErrors: random.chance(0.2) ? 1 : 0,
    },
  };
}

/** A run that is long enough to reach the planted fault. */
const lengths = { numSteps: 20, evaluateEvery: 5, stopFrom: Number.POSITIVE_INFINITY };

function simulateDrawn(options: SimulationOptions, seed: number): SimulationResult {
  try {
    return simulate(options);
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    throw new Error(`schedule ${seed}: ${message}`, { cause: error });
  }
}

describe('simulate', () => {
  it('finishes in one generation without faults', () => {
    const { outcomes, numGenerations } = simulate({ ...base, encodeMessages: true });
    expect(outcomes.map(({ reason }) => reason)).toEqual(['finished']);
    expect(numGenerations).toBe(1);
  });

  it('ends at the same state on any number of workers', () => {
    const ends = [1, 2, 3, 5, 8, 11].map((numWorkers) => simulate({ ...base, numWorkers }).outcomes);
    for (const outcomes of ends) expect(outcomes).toEqual(ends[0]);
  });

  it('ends at the same state after crashes, joins and restarts', () => {
    const [undisturbed] = simulate(base).outcomes;
    const faults = { ...quiet, withinMs: 1_000, numCrashes: 3, numJoins: 2, numCoordinatorRestarts: 1 };
    const { outcomes, numGenerations } = simulate({ ...base, faults });
    expect(outcomes.at(-1)).toEqual(undisturbed);
    expect(numGenerations).toBeGreaterThan(1);
  });

  it('ends at the same state after pauses of minutes', () => {
    const faults = { ...quiet, withinMs: 1_000, numFreezes: 2 };
    for (let seed = 1; seed <= 20; seed++) {
      const { outcomes } = simulate({ ...base, seed, faults });
      expect(outcomes).toEqual(simulate({ ...base, seed }).outcomes);
    }
  });

  it('ends at the same state when newcomers fail to load', () => {
    const faults = { ...quiet, withinMs: 1_000, numBadNewcomers: 3 };
    for (let seed = 1; seed <= 20; seed++) {
      const { outcomes } = simulate({ ...base, seed, faults });
      expect(outcomes).toEqual(simulate({ ...base, seed }).outcomes);
    }
  });

  it('continues after an interrupt', () => {
    const { outcomes } = simulate({ ...base, faults: { ...quiet, withinMs: 600, interrupt: true } });
    expect(outcomes.map(({ reason }) => reason)).toEqual(['interrupted', 'finished']);
  });

  it('ends at the same state after errors and full disks', () => {
    const faults = { ...quiet, withinMs: 600, numErrors: 1, numFullDisks: 1 };
    let numFailed = 0;
    for (let seed = 1; seed <= 50; seed++) {
      const { outcomes } = simulateDrawn({ ...base, seed, faults }, seed);
      numFailed += outcomes.filter(({ reason }) => reason === 'failed').length;
      expect(outcomes.at(-1)).toEqual(simulate({ ...base, seed }).outcomes.at(-1));
    }
    expect(numFailed).toBeGreaterThan(25);
  });

  describe.each([
    ['a step', { cause: 'step', step: 7, shownAt: 7 }],
    ['the first step', { cause: 'step', step: 1, shownAt: 1 }],
    ['an update that the next step reveals', { cause: 'update', step: 7, shownAt: 8 }],
    ['an update that a checkpoint reveals', { cause: 'update', step: 7, shownAt: Number.POSITIVE_INFINITY }],
    ['the last update', { cause: 'update', step: 20, shownAt: Number.POSITIVE_INFINITY }],
  ] as const)('a non-finite value in %s', (_name, nonFinite) => {
    it('ends the run there and saves the state before it', () => {
      const { outcomes } = simulate({ ...base, nonFinite, encodeMessages: true });
      expect(outcomes).toEqual([
        {
          ...{ reason: 'nonFinite', step: nonFinite.step },
          found: { cause: nonFinite.cause, step: nonFinite.step, what: ['w'] },
          message: nonFinite.cause === 'step' ? 'log' : 'the update made the state non-finite',
        },
      ]);
    });

    it('ends the run in the same way over random schedules of faults', () => {
      for (let seed = 1; seed <= numSchedules / 10; seed++)
        simulateDrawn({ ...base, ...drawn(seed), ...lengths, nonFinite }, seed);
    });
  });

  it('keeps every promise over random schedules of faults', () => {
    let numGenerations = 0;
    for (let seed = 1; seed <= numSchedules; seed++) {
      numGenerations += simulateDrawn(drawn(seed), seed).numGenerations;
    }
    expect(numGenerations).toBeGreaterThan(2 * numSchedules);
  });
});
