/** Each family of layers and a loss of one's own in more divisions than the tests of every day have time for. */
import { offeredProfiles } from '@lockstep/kernels';
import { beforeAll, describe, expect, it } from 'vitest';
import { committed, fingerprintOf, startCluster } from '../cluster/harness/cluster.ts';
import { type LoadedExperiment, loadExperiment, trainInOneProcess } from '../cluster/harness/experiment.ts';

const timeout = 5 * 60_000;
const families = ['transformer', 'recurrent', 'autoencoder', 'tiles', 'structured'];
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
