/** Whole workers in one process, over an in-memory network: the parameters are those of one process, whoever computes. */
import { decodeSafetensors } from '@lockstep/checkpoint';
import { defaultChunkRules, expectedBytes } from '@lockstep/collectives';
import { constant, sgd } from '@lockstep/optim';
import type { JournalEntry } from '@lockstep/protocol';
import { createSchedule } from '@lockstep/run';
import {
  compilePrograms,
  type Experiment,
  type LocalResult,
  type RunOverrides,
  resolveConfig,
  trainLocally,
} from '@lockstep/training';
import { beforeAll, describe, expect, it } from 'vitest';
import { type Cluster, type ClusterEnd, startCluster } from './fixtures/cluster.ts';
import type { Disk } from './fixtures/coordinator.ts';
import { brokenUpdate, logarithm, small, wide } from './fixtures/experiments.ts';

async function trainInOneProcess(experiment: Experiment, overrides: RunOverrides = {}): Promise<LocalResult> {
  return trainLocally({
    experiment,
    dataset: await experiment.data.load(),
    config: resolveConfig(experiment, overrides),
  });
}

const overrides: RunOverrides = { fingerprintEvery: 1 };

let expected: LocalResult;
beforeAll(async () => {
  expected = await trainInOneProcess(small, overrides);
});

/** The generations in which a worker has exchanged steps directly. */
const directGenerations = (cluster: Cluster, worker: number): (number | undefined)[] =>
  cluster
    .log(worker)
    .filter(({ msg }) => msg === 'steps are exchanged directly')
    .map(({ generation }) => generation);

const isGeneration = (number: number, entry: JournalEntry): boolean =>
  entry.type === 'generation' && entry.generation === number;

const generationsOf = ({ journal }: Disk) =>
  journal.flatMap((entry) => (entry.type === 'generation' ? [entry] : []));

/** The run has finished with parameters, optimizer state and metrics of one process. */
function expectSame(cluster: Cluster, { outcome }: ClusterEnd): void {
  expect(outcome).toMatchObject({
    ...{ reason: 'finished', step: expected.steps, fingerprint: expected.fingerprint },
    result: { metrics: expected.metrics },
  });
  const { tensors } = decodeSafetensors(cluster.disk.checkpoints.get(expected.steps)!.file);
  for (const [name, values] of Object.entries(expected.optState)) {
    expect(tensors[`optimizer/${name}`]!.data, name).toEqual(values);
  }
}

const unreachable = { isReachable: () => false };

describe.each([
  { way: 'directly', options: {}, isDirect: true },
  { way: 'through their main threads', options: unreachable, isDirect: false },
])('workers that exchange $way', ({ options, isDirect }) => {
  it.each([
    { workers: 1, threads: 1 },
    { workers: 1, threads: 3 },
    { workers: 2, threads: 2 },
    { workers: 3, threads: 1 },
    // Ten threads for eight shards: two have none.
    { workers: 5, threads: 2 },
  ])('$workers workers of $threads threads give the bits of one process', async ({ workers, threads }) => {
    const cluster = startCluster({
      experiment: small,
      overrides,
      workers,
      threads: () => threads,
      ...options,
    });
    const end = await cluster.end();
    expectSame(cluster, end);
    expect(end.exits).toEqual(Array(workers).fill({ type: 'exit', reason: 'finished' }));
    for (let worker = 0; worker < workers; worker++) {
      expect(directGenerations(cluster, worker)).toEqual(isDirect ? [1] : []);
    }
  });

  it.each([2, 3, 4, 5, 6])(
    'four workers give the same bits in any order of arrival (seed %i)',
    async (seed) => {
      const threads = (worker: number) => 1 + (worker % 2);
      const cluster = startCluster({ experiment: small, overrides, workers: 4, threads, seed, ...options });
      expectSame(cluster, await cluster.end());
    },
  );

  // From the first exchange to the last.
  it.each([1, 4, 9, 20, 33, 51, 70, 92, 101, 110])(
    'two workers go on when a third is killed at its frame %i',
    async (dieAt) => {
      const cluster = startCluster({
        ...{ experiment: small, overrides, workers: 3, seed: dieAt, ...options },
        onFrame: (worker, frame, { kill }) => {
          if (worker === dieAt % 3 && frame === dieAt) kill(worker);
        },
      });
      const end = await cluster.end();
      expectSame(cluster, end);
      expect(end.exits.filter((exit) => exit === undefined)).toHaveLength(1);
      expect(generationsOf(cluster.disk).map(({ members }) => members.length)).toEqual([3, 2]);
    },
  );

  it.each([1, 2, 3])('a worker that joins in mid-run fetches the state (seed %i)', async (seed) => {
    let held = (): void => {};
    const isHeld = new Promise<void>((resolve) => {
      held = resolve;
    });
    const cluster = startCluster({
      ...{ experiment: small, overrides, workers: 2, seed, ...options },
      // The run waits for the newcomer.
      onFrame(worker, frame, { hold }) {
        if (worker !== 1 || frame !== 40) return;
        hold(1);
        held();
      },
    });
    const agreed = cluster.next((effect) => effect.type === 'journal' && isGeneration(2, effect.entry));
    await isHeld;
    cluster.add();
    await agreed;
    cluster.release();
    const end = await cluster.end();
    expectSame(cluster, end);
    const [first, second] = generationsOf(cluster.disk);
    expect([first!.members.length, second!.members.length]).toEqual([2, 3]);
    expect(second!.step).toBeGreaterThan(0);
    expect(second!.source).toHaveProperty('worker');
  });

  it('other workers go on from the checkpoint of an interrupted run', async () => {
    const first = startCluster({ experiment: small, overrides, workers: 3, ...options });
    await first.next((effect) => effect.type === 'progress' && effect.step === 5);
    first.interrupt();
    const { outcome, exits } = await first.end();
    expect(outcome).toMatchObject({ reason: 'interrupted' });
    expect(outcome.step).toBeGreaterThanOrEqual(5);
    expect(exits).toEqual(Array(3).fill({ type: 'exit', reason: 'interrupted' }));
    const { disk } = first;
    const second = startCluster({ experiment: small, overrides, workers: 2, disk, ...options });
    expectSame(second, await second.end());
    expect(generationsOf(disk).at(-1)).toMatchObject({ step: outcome.step, source: 'checkpoint' });
  });

  it('a new worker goes on from the newest checkpoint when all are killed', async () => {
    const cluster = startCluster({
      ...{
        experiment: small,
        overrides: { fingerprintEvery: 1, checkpointEvery: 3 },
        workers: 2,
        ...options,
      },
    });
    await cluster.next((effect) => effect.type === 'progress' && effect.step === 7);
    for (const worker of [0, 1]) cluster.kill(worker);
    cluster.add();
    expectSame(cluster, await cluster.end());
  });
});

it('all workers exchange through their main threads if one cannot be reached through memory', async () => {
  const isReachable = (worker: number) => worker !== 1;
  const cluster = startCluster({ experiment: small, overrides, workers: 3, isReachable });
  expectSame(cluster, await cluster.end());
  for (const worker of [0, 1, 2]) expect(directGenerations(cluster, worker)).toEqual([]);
});

it.each([true, false])(
  'gradients of several buckets, sent early, give the same bits (directly: %s)',
  async (isDirect) => {
    const { fingerprint } = await trainInOneProcess(wide);
    for (const workers of [1, 2, 3]) {
      const isReachable = () => isDirect;
      const cluster = startCluster({ experiment: wide, workers, threads: () => 2, isReachable });
      expect((await cluster.end()).outcome).toMatchObject({ reason: 'finished', fingerprint });
    }
  },
);

it('workers report every shard once a step, and the bytes of the formula', async () => {
  const config = resolveConfig(small, overrides);
  const dataset = await small.data.load();
  const { totalSteps } = createSchedule(config, dataset.splits.train.size, true);
  const exchanges = compilePrograms(small, dataset, config, totalSteps).shard(1).exchanges.flat();
  for (const isReachable of [() => true, () => false]) {
    const cluster = startCluster({ experiment: small, overrides, workers: 3, isReachable });
    await cluster.end();
    const { reports } = cluster.disk;
    const { members } = generationsOf(cluster.disk)[0]!;
    const ranges = members.map(({ shards }) => shards);
    expect(reports).toHaveLength(3 * totalSteps);
    for (const { worker, report } of reports) {
      const { rank, shards } = members.find((member) => member.worker === worker)!;
      const bytes = exchanges.map(({ op, size }) => expectedBytes(op, size, rank, ranges, defaultChunkRules));
      expect(report.work).toMatchObject({
        ...{ rank, shards: shards.count },
        sentBytes: bytes.reduce((sum, { sent }) => sum + sent, 0),
        receivedBytes: bytes.reduce((sum, { received }) => sum + received, 0),
      });
    }
  }
});

describe('what is not finite', () => {
  /** The newest checkpoint is the state of a run that ends with its step. */
  async function expectSaved({ checkpoints }: Disk, experiment: Experiment, step: number): Promise<void> {
    const { fingerprint } = await trainInOneProcess(experiment, { steps: step });
    expect(Math.max(...checkpoints.keys())).toBe(step);
    expect(checkpoints.get(step)!.header).toMatchObject({ step, fingerprint });
  }

  it('a loss stops the run before the update, and its operation is named', async () => {
    const cluster = startCluster({ experiment: logarithm, workers: 2 });
    const { outcome, exits } = await cluster.end();
    expect(outcome).toMatchObject({
      ...{ reason: 'nonFinite', step: 4, found: { cause: 'step', step: 4, what: ['loss'] } },
      message: expect.stringContaining('log makes 1 NaN in 1 element'),
    });
    expect(exits).toMatchObject([{ reason: 'nonFinite' }, { reason: 'nonFinite' }]);
    await expectSaved(cluster.disk, logarithm, 3);
  });

  it('a parameter that no loss shows is found by a look at each update, which is taken back', async () => {
    const cluster = startCluster({ experiment: brokenUpdate, workers: 2 });
    const { outcome } = await cluster.end();
    expect(cluster.disk.events).toContainEqual({
      ...{ type: 'nonFiniteState', step: 8, what: ['parameter unused'], from: 0 },
    });
    expect(outcome).toMatchObject({
      ...{ reason: 'nonFinite', step: 3, found: { cause: 'update', step: 3, what: ['parameter unused'] } },
    });
    await expectSaved(cluster.disk, brokenUpdate, 2);
  });
});

it('an evaluation that early stopping watches ends the run where one process ends it', async () => {
  const earlyStopping = { metric: 'validation/loss', patience: 1 };
  const stopping = { ...small, earlyStopping, optimizer: sgd(constant(1)), epochs: 40 };
  const { steps, fingerprint, progress } = await trainInOneProcess(stopping);
  expect(progress.stopped).toBe(true);
  const cluster = startCluster({ experiment: stopping, workers: 3 });
  expect((await cluster.end()).outcome).toMatchObject({ reason: 'finished', step: steps, fingerprint });
});
