/** A run whose workers crash or join has the result of one process. */
import { foldIn, keyFromSeed, randomUint } from '@lockstep/rng';
import { beforeAll, expect, it } from 'vitest';
import { fingerprintOf, happened, startCluster } from './harness/cluster.ts';
import { type LoadedExperiment, loadExperiment, trainInOneProcess } from './harness/experiment.ts';
import { readGenerations } from './harness/run-log.ts';

let experiment: LoadedExperiment;
let expected: string;
beforeAll(async () => {
  experiment = await loadExperiment('cnn', { limitSamples: 950, fingerprintEvery: 1 });
  expected = (await trainInOneProcess(experiment)).fingerprint;
});

const killed = { code: null, signal: 'SIGKILL' };
const stopped = { code: 0, signal: null };

it('one of three is killed in mid-step', async () => {
  const key = foldIn(keyFromSeed(1), 'kill');
  const victim = randomUint(key, 0, 3);
  // Each of 30 steps has three exchanges with two peers, so the worker dies within an exchange.
  const dieAtFrame = randomUint(key, 1, 180);
  const cluster = await startCluster({
    experiment,
    workers: 3,
    faults: (worker) => (worker === victim ? { dieAtFrame } : undefined),
  });
  const end = await cluster.end();
  expect(fingerprintOf(end)).toBe(expected);
  expect(end.exits).toEqual([0, 1, 2].map((worker) => (worker === victim ? killed : stopped)));
  const generations = await readGenerations(cluster.folder);
  expect(generations.map(({ members }) => members.length)).toEqual([3, 2]);
});

it('a worker joins in mid-run', async () => {
  // One of the two workers holds its frames back until the newcomer has joined.
  const cluster = await startCluster({
    experiment,
    workers: 2,
    faults: (worker) => (worker === 1 ? { holdAtFrame: 40 } : undefined),
  });
  await cluster.workers[1]!.held();
  const joined = cluster.next(happened('generation'));
  cluster.addWorker();
  await joined;
  cluster.workers[1]!.release();
  const end = await cluster.end();
  expect(fingerprintOf(end)).toBe(expected);
  expect(end.exits).toEqual([stopped, stopped, stopped]);
  const [first, second] = await readGenerations(cluster.folder);
  expect([first!.members.length, second!.members.length]).toEqual([2, 3]);
  expect(second!.step).toBeGreaterThan(0);
});
