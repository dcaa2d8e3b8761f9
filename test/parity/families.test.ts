/** Experiments with each family of layers and with a custom loss, with many numbers of workers and threads. */
import { offeredProfiles } from '@lockstep/kernels';
import type { LocalResult } from '@lockstep/training';
import { beforeAll, describe, expect, it } from 'vitest';
import { committed, fingerprintOf, startCluster } from '../cluster/harness/cluster.ts';
import { type LoadedExperiment, loadExperiment, trainInOneProcess } from '../cluster/harness/experiment.ts';
import { expectSame, expectSameResumed, families, oneOrTwo } from '../cluster/harness/families.ts';
import { readGenerations } from '../cluster/harness/run-log.ts';

const timeout = 5 * 60_000;
const cases = families.flatMap((name) => offeredProfiles().map((profile) => ({ name, profile })));

describe.each(cases)('$name in profile $profile', ({ name, profile }) => {
  let experiment: LoadedExperiment;
  let expected: string;
  beforeAll(async () => {
    experiment = await loadExperiment(name, { epochs: 4, checkpointEvery: 3, fingerprintEvery: 1 });
    expected = (await trainInOneProcess(experiment, { profile })).fingerprint;
  }, timeout);

  it.each([
    { workers: 1, threads: 1 },
    { workers: 1, threads: 8 },
    { workers: 2, threads: 1 },
    { workers: 3, threads: 2 },
    { workers: 5, threads: 1 },
  ])('$workers workers of $threads threads', { timeout }, async ({ workers, threads }) => {
    const cluster = await startCluster({ experiment, workers, threads, profile });
    expect(fingerprintOf(await cluster.end())).toBe(expected);
  });

  it('workers of different backends, whose messages are late at random', { timeout }, async () => {
    const cluster = await startCluster({
      experiment,
      workers: 3,
      profile,
      env: (worker) => (worker === 1 ? { LOCKSTEP_BACKEND: 'wasm' } : {}),
      faults: (worker) => ({ delays: { seed: worker, maxDelayMs: 10 } }),
    });
    expect(fingerprintOf(await cluster.end())).toBe(expected);
  });

  it.each([4, 8, 11])('three workers until step %i, all killed, then two', { timeout }, async (step) => {
    const cluster = await startCluster({ experiment, workers: 3, profile });
    await cluster.next(committed(step));
    for (const worker of cluster.workers) worker.kill('SIGKILL');
    await Promise.all(cluster.workers.map(({ exited }) => exited));
    for (let i = 0; i < 2; i++) cluster.addWorker();
    expect(fingerprintOf(await cluster.end())).toBe(expected);
  });
});

describe.each(families)('%s and the state of its optimizer', (name) => {
  let experiment: LoadedExperiment;
  let expected: LocalResult;
  beforeAll(async () => {
    experiment = await loadExperiment(name);
    expected = await trainInOneProcess(experiment);
  });

  it('are the same of one worker whose threads have unequal parts', async () => {
    await expectSame(await startCluster({ experiment, workers: 1, threads: 3 }), expected);
  });

  it('are the same when one of three is killed in mid-step', async () => {
    const faults = (worker: number) => (worker === 1 ? { dieAtFrame: 15 } : undefined);
    const cluster = await startCluster({ experiment, workers: 3, threads: oneOrTwo, faults });
    const { exits } = await expectSame(cluster, expected);
    expect(exits[1]).toEqual({ code: null, signal: 'SIGKILL' });
    const generations = await readGenerations(cluster.folder);
    expect(generations.map(({ members }) => members.length)).toEqual([3, 2]);
    expect(generations[1]!.step).toBeGreaterThan(0);
  });

  it('are the same when it is stopped between two updates and resumed by others', async () => {
    await expectSameResumed(experiment, expected);
  });
});
