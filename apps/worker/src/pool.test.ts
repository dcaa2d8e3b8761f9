/** Whole workers that go from run to run in one process: each run has the bits of one process. */
import type { Outcome } from '@lockstep/protocol';
import { type Experiment, type RunOverrides, resolveConfig, trainLocally } from '@lockstep/training';
import { describe, expect, it } from 'vitest';
import type { Disk } from './fixtures/coordinator.ts';
import { logarithm, small, wide } from './fixtures/experiments.ts';
import { startPoolCluster } from './fixtures/pool-cluster.ts';

/** Random orders of arrival: all of them in `npm run test:thorough`. */
const seeds = process.env.LOCKSTEP_THOROUGH === '1' ? [1, 2, 3, 4, 5, 6] : [1];

const known = new Map<string, ReturnType<typeof computeAlone>>();

/** What one process computes. */
function expectedOf(experiment: Experiment, overrides: RunOverrides) {
  const key = JSON.stringify([experiment.name, overrides]);
  const expected = known.get(key) ?? computeAlone(experiment, overrides);
  known.set(key, expected);
  return expected;
}

async function computeAlone(experiment: Experiment, overrides: RunOverrides) {
  const config = resolveConfig(experiment, overrides);
  const { fingerprint, steps } = await trainLocally({
    ...{ experiment, dataset: await experiment.data.load(), config },
  });
  return { reason: 'finished', step: steps, fingerprint };
}

/** Five runs, of different programs, seeds and lengths. */
const trials: readonly (readonly [Experiment, RunOverrides])[] = [
  [small, { fingerprintEvery: 1 }],
  [wide, {}],
  [small, { seed: 7, steps: 6, epochs: 2 }],
  [wide, { seed: 3, steps: 2 }],
  [small, { steps: 3 }],
];

describe.each([true, false])('a pool whose workers exchange directly: %s', (isReachable) => {
  it.each(seeds)('of two workers serves five runs (seed %i)', async (seed) => {
    const pool = startPoolCluster({ workers: 2, threads: 2, isReachable, seed });
    const runs = trials.map(([experiment, overrides]) => pool.train(experiment, overrides));
    for (const [i, [experiment, overrides]] of trials.entries())
      expect(await runs[i]!.outcome).toMatchObject(await expectedOf(experiment, overrides));
    expect(await pool.close()).toEqual(Array(2).fill({ type: 'exit', reason: 'finished' }));
    expect(pool.events.filter(({ type }) => type === 'assigned')).toHaveLength(5);
  });

  it.each(seeds)('moves a worker to a run that is added, and both go on (seed %i)', async (seed) => {
    const pool = startPoolCluster({ workers: 3, isReachable, seed });
    const first = pool.train(small, {}, { minWorkers: 3 });
    const second = new Promise<ReturnType<typeof pool.train>>((resolve) => {
      // When the first run has computed a part.
      const look = () => (first.disk.progressStep >= 3 ? resolve(pool.train(wide)) : setImmediate(look));
      look();
    });
    expect(await (await second).outcome).toMatchObject(await expectedOf(wide, {}));
    expect(await first.outcome).toMatchObject(await expectedOf(small, {}));
    expect(pool.events.filter(({ type }) => type === 'moved')).toMatchObject([{ from: 'r0' }]);
    await pool.close();
  });
});

it('a run that ends with an error or a value that is not finite leaves its workers to others', async () => {
  const pool = startPoolCluster({ workers: 2 });
  const broken = { ...small, data: { name: 'none', load: () => Promise.reject(new Error('no such file')) } };
  const runs = [pool.train(logarithm), pool.train(broken), pool.train(small), pool.train(wide)];
  const outcomes = await Promise.all(runs.map(({ outcome }) => outcome));
  expect(outcomes).toMatchObject([
    { reason: 'nonFinite', step: 4 },
    { reason: 'failed', error: { message: 'no such file' } },
    await expectedOf(small, {}),
    await expectedOf(wide, {}),
  ]);
  expect(await pool.close()).toEqual(Array(2).fill({ type: 'exit', reason: 'finished' }));
});

it('a run goes on when a worker of the pool is killed, and so do those that wait', async () => {
  const pool = startPoolCluster({ workers: 3 });
  const first = pool.train(small, {}, { minWorkers: 3 });
  await new Promise<void>((resolve) => {
    const look = () => (first.disk.progressStep >= 2 ? resolve() : setImmediate(look));
    look();
  });
  pool.kill(1);
  const second = pool.train(wide);
  expect(await first.outcome).toMatchObject(await expectedOf(small, {}));
  expect(await second.outcome).toMatchObject(await expectedOf(wide, {}));
  expect(await pool.close()).toEqual([
    { type: 'exit', reason: 'finished' },
    undefined,
    { type: 'exit', reason: 'finished' },
  ]);
});

it('a run that pauses twice has the bits of one that does not', async () => {
  const pool = startPoolCluster({ workers: 2 });
  const needs = { minWorkers: 2 };
  const settings = { fingerprintEvery: 2, steps: 6, epochs: 2 };
  const whole = await pool.train(small, settings, needs).outcome;
  let disk: Disk | undefined;
  for (const step of [1, 5]) {
    const stage = pool.train(small, settings, needs, {
      ...(disk && { disk }),
      pause: { step, split: 'validation' },
    });
    const outcome = await stage.outcome;
    expect(outcome).toMatchObject({
      ...{ reason: 'paused', step },
      result: { metrics: { 'validation/loss': expect.any(Number) } },
    });
    disk = stage.disk;
    expect([...disk.checkpoints.keys()].at(-1)).toBe(step);
    expect(disk.journal.at(-1)).toEqual({ type: 'done', reason: 'interrupted', step });
  }
  const last = await pool.train(small, settings, needs, { disk: disk! }).outcome;
  expect(last).toMatchObject({ reason: 'finished', step: 6 });
  const bitsOf = (outcome: Outcome) =>
    outcome.reason === 'finished' && [outcome.fingerprint, outcome.result.chain, outcome.result.metrics];
  expect(bitsOf(last)).toEqual(bitsOf(whole));
  await pool.close();
});
