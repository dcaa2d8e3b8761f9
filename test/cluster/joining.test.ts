/** Workers that must not take part, and one that stood still: the others go on to the bytes of one process. */
import { expect, it, vi } from 'vitest';
import { type Cluster, fingerprintOf, happened, startCluster, temporaryFolder } from './harness/cluster.ts';
import { startCommand } from './harness/command.ts';
import { loadExperiment, trainInOneProcess } from './harness/experiment.ts';
import { readGenerations } from './harness/run-log.ts';

const stopped = { code: 0, signal: null };
const refused = { code: 3, signal: null };

/** What the coordinator says when it turns the next newcomer away. */
async function turnedAway(cluster: Cluster): Promise<string> {
  const coming = cluster.next(happened('refused'));
  cluster.addWorker();
  const { event } = await coming;
  return event.type === 'refused' ? `${event.code}: ${event.message}` : '';
}

it('newcomers without the data or with another rate are turned away by name', async () => {
  const experiment = await loadExperiment('hidden');
  const own: Readonly<Record<string, string>>[] = [
    {},
    {},
    { LOCKSTEP_TEST_NO_DATA: '1' },
    { LOCKSTEP_TEST_RATE: '0.5' },
  ];
  // The run waits for the newcomers: one of the two holds its frames back.
  const cluster = await startCluster({
    experiment,
    workers: 2,
    env: (worker) => own[worker] ?? {},
    faults: (worker) => (worker === 1 ? { holdAtFrame: 4 } : undefined),
  });
  await cluster.workers[1]!.held();
  expect(await turnedAway(cluster)).toMatch(/^failed: loading failed on \S+: ENOENT: no such file/);
  expect(await turnedAway(cluster)).toMatch(/^programs: .*programs on \S+ differ .*\(update\)/);
  cluster.workers[1]!.release();
  const end = await cluster.end();
  expect(fingerprintOf(end)).toBe((await trainInOneProcess(experiment)).fingerprint);
  expect(end.exits).toEqual([stopped, stopped, refused, refused]);
});

it('a run is not resumed with another rate, and goes on with its own', async () => {
  const file = 'test/cluster/experiments/hidden.ts';
  const folder = await temporaryFolder();
  const options = ['--epochs', '400', '--checkpoint-every', '20', '--run-root', folder, '--json'];
  const command = startCommand(['train', file, ...options]);
  const { run } = await command.event('started');
  await command.event('checkpoint');
  command.interrupt();
  await command.event('interrupted');
  await command.exited;

  vi.stubEnv('LOCKSTEP_TEST_RATE', '0.5');
  const other = startCommand(['resume', `${run}`, '--json']);
  expect(await other.event('failed')).toMatchObject({
    code: 'refused',
    message: expect.stringContaining('(update)'),
  });
  expect(await other.exited).toBe(3);

  vi.unstubAllEnvs();
  const experiment = await loadExperiment('hidden', { epochs: 400 });
  const again = startCommand(['resume', `${run}`, '--json']);
  const { fingerprint } = await trainInOneProcess(experiment);
  expect(await again.event('done')).toMatchObject({ fingerprint });
  expect(await again.exited).toBe(0);
});

it('a worker that stood still is taken for lost, comes back and takes part', async () => {
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
