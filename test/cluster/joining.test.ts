/** Refused workers and a worker that stood still do not change the result of a run. */
import { expect, it } from 'vitest';
import { type Cluster, fingerprintOf, happened, startCluster } from './harness/cluster.ts';
import { loadExperiment, trainInOneProcess } from './harness/experiment.ts';
import { readGenerations } from './harness/run-log.ts';

const stopped = { code: 0, signal: null };
const refused = { code: 3, signal: null };

/** Starts a worker and returns why the coordinator refused it. */
async function refusalOfNext(cluster: Cluster): Promise<string> {
  const coming = cluster.next(happened('refused'));
  cluster.addWorker();
  const { event } = await coming;
  return event.type === 'refused' ? `${event.code}: ${event.message}` : '';
}

it('newcomers without the data or with another learning rate are refused with the reason', async () => {
  const experiment = await loadExperiment('hidden');
  const own: Readonly<Record<string, string>>[] = [
    {},
    {},
    { LOCKSTEP_TEST_NO_DATA: '1' },
    { LOCKSTEP_TEST_RATE: '0.5' },
  ];
  // One of the two workers holds its frames back until both newcomers have been refused.
  const cluster = await startCluster({
    experiment,
    workers: 2,
    env: (worker) => own[worker] ?? {},
    faults: (worker) => (worker === 1 ? { holdAtFrame: 4 } : undefined),
  });
  await cluster.workers[1]!.held();
  expect(await refusalOfNext(cluster)).toMatch(/^failed: loading failed on \S+: ENOENT: no such file/);
  expect(await refusalOfNext(cluster)).toMatch(/^programs: .*programs on \S+ differ .*\(update\)/);
  cluster.workers[1]!.release();
  const end = await cluster.end();
  expect(fingerprintOf(end)).toBe((await trainInOneProcess(experiment)).fingerprint);
  expect(end.exits).toEqual([stopped, stopped, refused, refused]);
});

it('a worker that stood still is reported lost, comes back and takes part', async () => {
  const experiment = await loadExperiment('hidden');
  const cluster = await startCluster({
    experiment,
    workers: 3,
    faults: (worker) => (worker === 2 ? { holdAtFrame: 8 } : undefined),
  });
  await cluster.workers[2]!.held();
  const lost = cluster.next(happened('lost'));
  cluster.workers[1]!.kill('SIGSTOP');
  await lost;
  const back = cluster.next(happened('loaded'));
  cluster.workers[1]!.kill('SIGCONT');
  await back;
  cluster.workers[2]!.release();
  const end = await cluster.end();
  expect(fingerprintOf(end)).toBe((await trainInOneProcess(experiment)).fingerprint);
  expect(end.exits).toEqual([stopped, stopped, stopped]);
  const generations = await readGenerations(cluster.folder);
  expect(generations.at(-1)!.members).toHaveLength(3);
});
