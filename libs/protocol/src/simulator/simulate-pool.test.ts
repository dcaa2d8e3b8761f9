import { describe, expect, it } from 'vitest';
import { createRandom } from './random.ts';
import { simulate } from './simulate.ts';
import {
  type PooledRunOptions,
  type PoolFaults,
  type PoolSimulationOptions,
  type PoolSimulationResult,
  simulatePool,
} from './simulate-pool.ts';

const quiet: PoolFaults = {
  withinMs: 3_000,
  numCrashes: 0,
  numJoins: 0,
  numPauses: 0,
  numFreezes: 0,
  numBadNewcomers: 0,
  numPartlyBad: 0,
  numBrokenLinks: 0,
  numCoordinatorRestarts: 0,
  numInterrupts: 0,
  numFullDisks: 0,
  numErrors: 0,
};

const run: PooledRunOptions = {
  seed: 1,
  numShards: 8,
  numSteps: 12,
  numSegments: 2,
  evaluateEvery: 5,
  checkpointEvery: 4,
  fingerprintEvery: 3,
  finalEvaluation: true,
  stopFrom: Number.POSITIVE_INFINITY,
  atMs: 0,
  minWorkers: 1,
  maxWorkers: 8,
};

const runs = (count: number): readonly PooledRunOptions[] =>
  Array.from({ length: count }, (_, i) => ({ ...run, seed: i + 1 }));

const base: PoolSimulationOptions = {
  seed: 1,
  numWorkers: 3,
  runs: runs(5),
  encodeMessages: false,
  faults: quiet,
};

/** Random schedules: all of them in `npm run test:thorough`. */
const numSchedules = process.env.LOCKSTEP_THOROUGH === '1' ? 10_000 : 200;

function drawnRun(random: ReturnType<typeof createRandom>, seed: number): PooledRunOptions {
  const upTo = (most: number) => random.below(most + 1);
  const numSteps = 2 + upTo(12);
  return {
    ...{ seed, numSteps, numShards: 1 << upTo(3), numSegments: 1 + upTo(2) },
    ...{ evaluateEvery: 2 + upTo(4), checkpointEvery: 1 + upTo(6), fingerprintEvery: 1 + upTo(3) },
    finalEvaluation: random.chance(0.5),
    stopFrom: random.chance(0.2) ? 6 : Number.POSITIVE_INFINITY,
    atMs: random.between(0, 3_000),
    minWorkers: 1 + upTo(2),
    maxWorkers: 1 + upTo(5),
    ...(random.chance(0.3) && { pauses: pausesIn(random, numSteps) }),
    ...(random.chance(0.1) && { nonFinite: { cause: 'step', step: 1 + upTo(numSteps - 1), shownAt: 0 } }),
  };
}

/** One or two steps of a run, the last one among them. */
function pausesIn(random: ReturnType<typeof createRandom>, numSteps: number): readonly number[] {
  const drawn = [1 + random.below(numSteps), 1 + random.below(numSteps)];
  return [...new Set(drawn)].sort((a, b) => a - b);
}

/** Draws all options of a pool from one number. */
function drawn(seed: number): PoolSimulationOptions {
  const random = createRandom(seed ^ 0x2c1b3c6d);
  const upTo = (most: number) => random.below(most + 1);
  return {
    seed,
    numWorkers: 1 + upTo(4),
    runs: Array.from({ length: 1 + upTo(5) }, (_, i) => drawnRun(random, 100 * seed + i)),
    encodeMessages: random.chance(0.05),
    faults: {
      withinMs: random.between(300, 4_000),
      numCrashes: upTo(3),
      numJoins: upTo(3),
      numPauses: upTo(2),
      numFreezes: random.chance(0.2) ? 1 : 0,
      numBadNewcomers: random.chance(0.2) ? 1 : 0,
      numPartlyBad: random.chance(0.3) ? 1 + upTo(1) : 0,
      numBrokenLinks: upTo(2),
      numCoordinatorRestarts: random.chance(0.2) ? 1 + upTo(1) : 0,
      numInterrupts: random.chance(0.3) ? 1 + upTo(1) : 0,
      numFullDisks: random.chance(0.3) ? 1 + upTo(1) : 0,
      numErrors: random.chance(0.2) ? 1 : 0,
    },
  };
}

function simulateDrawn(seed: number): PoolSimulationResult {
  try {
    return simulatePool(drawn(seed));
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    throw new Error(`schedule ${seed}: ${message}`, { cause: error });
  }
}

describe('simulatePool', () => {
  it('gives every run the result that it has alone, at any number of workers', () => {
    const faults = { ...quiet, numReweighs: 0, interrupt: false };
    const alone = base.runs.map(
      (one) => simulate({ ...one, numWorkers: 1, encodeMessages: false, faults }).outcomes,
    );
    for (const numWorkers of [1, 2, 3, 7]) {
      const { outcomes, numUsed } = simulatePool({ ...base, numWorkers, encodeMessages: numWorkers === 2 });
      expect(outcomes).toEqual(alone);
      expect(numUsed).toBe(numWorkers);
    }
  });

  it('keeps every promise over random schedules of faults', () => {
    let numAssignments = 0;
    let numMoves = 0;
    const ends = { finished: 0, paused: 0, nonFinite: 0, interrupted: 0, failed: 0 };
    for (let seed = 1; seed <= numSchedules; seed++) {
      const result = simulateDrawn(seed);
      numAssignments += result.numAssignments;
      numMoves += result.numMoves;
      for (const { reason } of result.outcomes.flat()) ends[reason] += 1;
    }
    // The schedules reach what they are to show.
    expect(numAssignments).toBeGreaterThan(4 * numSchedules);
    expect(numMoves).toBeGreaterThan(numSchedules / 2);
    expect(Math.min(...Object.values(ends))).toBeGreaterThan(numSchedules / 20);
  }, 600_000);
});
