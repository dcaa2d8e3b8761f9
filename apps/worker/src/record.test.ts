/** What whole workers report of each step: the digests of one process, whoever computes what. */
import type { StepRecord } from '@lockstep/protocol';
import { createSchedule } from '@lockstep/run';
import {
  blockDigests,
  parseForm,
  type RecordedBlock,
  replicatedBytes,
  replicatedDigests,
} from '@lockstep/tracking';
import {
  type ComputedRecord,
  compilePrograms,
  createLocalWorker,
  type Experiment,
  type PlantedFault,
  resolveConfig,
} from '@lockstep/training';
import { describe, expect, it } from 'vitest';
import { type ClusterOptions, startCluster } from './fixtures/cluster.ts';
import type { Disk } from './fixtures/coordinator.ts';
import { small, wide } from './fixtures/experiments.ts';

interface Reported extends Omit<ComputedRecord, 'form' | 'blocks' | 'model'> {
  readonly worker: string;
  readonly step: number;
  readonly generation: number;
  readonly blocks: readonly RecordedBlock[];
}

/** The records of all members in the order in which they arrived. */
function recordsOf({ reports }: Disk): Reported[] {
  const [{ record: first }] = reports as [Disk['reports'][number]];
  const form = parseForm(first!.names!)!;
  return reports.map(({ worker, step, generation, record }) => {
    const { digests, blocks } = record as StepRecord;
    const shared = replicatedBytes(form);
    return {
      ...{ worker, step, generation, ...replicatedDigests(form, digests.subarray(0, shared)) },
      blocks: blockDigests(form, blocks, digests.subarray(shared)),
    };
  });
}

type Ranges = readonly { readonly start: number; readonly count: number }[];

/** The records of a run in one process, with the shards divided in this way. */
async function expectedOf(experiment: Experiment, ranges: Ranges): Promise<ComputedRecord[]> {
  const dataset = await experiment.data.load();
  const config = resolveConfig(experiment);
  const { totalSteps } = createSchedule(
    config,
    dataset.splits.train.size,
    dataset.splits.validation !== undefined,
  );
  const programs = compilePrograms(experiment, dataset, config, totalSteps);
  const worker = createLocalWorker({ dataset, config, ranges, record: true }, programs);
  worker.initialize();
  return Array.from({ length: totalSteps }, (_, i) => {
    worker.runSegments(i + 1);
    worker.update(i + 1);
    return worker.recorded();
  });
}

const run = async (options: Omit<ClusterOptions, 'experiment'> & { readonly experiment?: Experiment }) => {
  const cluster = startCluster({ experiment: small, record: 'full', ...options });
  return { ...(await cluster.end()), ...cluster };
};

/** Shards 0 to 7 cut at these places. */
const cut = (...starts: readonly number[]): Ranges =>
  starts.map((start, i) => ({ start, count: (starts[i + 1] ?? 8) - start }));

describe.each([
  { way: 'directly', options: {} },
  { way: 'through their main threads', options: { isReachable: () => false } },
])('workers that exchange $way', ({ options }) => {
  it.each([
    { workers: 1, threads: 1, blocks: cut(0) },
    { workers: 1, threads: 2, blocks: cut(0, 4) },
    { workers: 2, threads: 1, blocks: cut(0, 4) },
    { workers: 2, threads: 2, blocks: cut(0, 2, 4, 6) },
    { workers: 3, threads: 1, blocks: cut(0, 2, 3, 4, 6) },
  ])('$workers workers of $threads threads report the digests of one process', async (shape) => {
    const { workers, threads, blocks } = shape;
    const { disk, outcome } = await run({ workers, threads: () => threads, ...options });
    expect(outcome.reason).toBe('finished');
    const expected = await expectedOf(small, blocks);
    const records = recordsOf(disk);
    expect(records).toHaveLength(workers * expected.length);
    for (const [i, { results, replica, blocks: right }] of expected.entries()) {
      const ofStep = records.filter(({ step }) => step === i + 1);
      for (const record of ofStep) expect(record).toMatchObject({ results, replica });
      const found = ofStep.flatMap((record) => record.blocks);
      expect(found.sort((a, b) => a.shards.start - b.shards.start)).toEqual(right);
    }
    const named = disk.reports.filter(({ record }) => record!.names !== undefined);
    expect(named.map(({ step }) => step)).toEqual(Array(workers).fill(1));
    expect(new Set(disk.reports.map(({ record }) => record!.form)).size).toBe(1);
  });

  it('report what a bucket held that left before its segment ended', async () => {
    const { disk } = await run({ experiment: wide, workers: 2, ...options });
    const expected = await expectedOf(wide, cut(0, 2).slice(0, 1).concat({ start: 2, count: 2 }));
    for (const { step, results, replica } of recordsOf(disk)) {
      expect({ results, replica }).toEqual({
        results: expected[step - 1]!.results,
        replica: expected[step - 1]!.replica,
      });
    }
  });

  it('report one digest of the model in `chain`, the same on all', async () => {
    const { disk, outcome } = await run({ workers: 2, record: 'chain', ...options });
    expect(outcome.reason).toBe('finished');
    for (const { record, digest } of disk.reports) {
      expect(record!.digests).toHaveLength(8);
      expect(record!.blocks).toEqual([]);
      expect(digest).toMatch(/^[0-9a-f]{16}$/);
    }
    expect(new Set(disk.reports.map(({ step, digest }) => `${step} ${digest}`)).size).toBe(
      disk.reports.length / 2,
    );
  });

  const fault: PlantedFault = { step: 3, part: 'replica', variable: 'params/4/kernel', element: 1 };

  it('are named at the step in which their replica differs', async () => {
    const { outcome, disk } = await run({ workers: 3, fault: { ...fault, worker: 1 }, ...options });
    expect(outcome).toMatchObject({
      reason: 'failed',
      error: { facts: { step: 3, of: 'digest', workers: ['w1'] } },
    });
    const [right, wrong] = ['w0', 'w1'].map((worker) =>
      recordsOf(disk).find((record) => record.worker === worker && record.step === 3),
    );
    expect(wrong!.results).toEqual(right!.results);
    const { record } = disk.reports[0]!;
    const { replica } = parseForm(record!.names!)!;
    expect(replica.filter((_, i) => wrong!.replica[i] !== right!.replica[i])).toEqual([fault.variable]);
  });

  // At elements where the last bit survives the sums.
  it.each<PlantedFault>([
    { step: 3, part: 'partial', variable: 'params/4/kernel', element: 7 },
    { step: 3, part: 'batch', variable: 'x', element: 0 },
  ])(
    'agree on a result that a fault in a $part has changed, and the record has the block',
    async (planted) => {
      const { outcome, disk } = await run({ workers: 2, fault: { ...planted, worker: 1 }, ...options });
      expect(outcome.reason).toBe('finished');
      const expected = await expectedOf(small, cut(0, 4));
      const at = (step: number, worker: string) =>
        recordsOf(disk).find((record) => record.worker === worker && record.step === step)!;
      for (const [block, worker] of ['w0', 'w1'].entries()) {
        expect(at(2, worker).blocks).toEqual([expected[1]!.blocks[block]]);
        const [found] = at(3, worker).blocks;
        const right = expected[2]!.blocks[block]!;
        expect(found!.samples).toBe(right.samples);
        if (worker === 'w0') expect(found!.columns).toBe(right.columns);
        else if (planted.part === 'batch') expect(found!.columns).not.toBe(right.columns);
        else expect(found!.partials).not.toEqual(right.partials);
      }
      expect(at(3, 'w0').results).not.toEqual(expected[2]!.results);
      expect(at(3, 'w0').replica).toEqual(at(3, 'w1').replica);
    },
  );
});

it('a worker that is killed leaves a record without gaps, of the same digests', async () => {
  const { disk, outcome } = await run({
    workers: 3,
    onFrame: (worker, frame, { kill }) => {
      if (worker === 1 && frame === 40) kill(1);
    },
  });
  expect(outcome.reason).toBe('finished');
  const expected = await expectedOf(small, cut(0));
  const records = recordsOf(disk);
  expect(new Set(records.map(({ generation }) => generation)).size).toBe(2);
  for (const [i, { results, replica }] of expected.entries()) {
    const ofStep = records.filter(({ step }) => step === i + 1);
    expect(ofStep.length).toBeGreaterThan(1);
    for (const record of ofStep) expect(record).toMatchObject({ results, replica });
  }
});

it('nothing is reported without being asked for', async () => {
  const { disk } = await run({ workers: 2, record: 'off' });
  for (const { record, digest } of disk.reports) expect([record, digest]).toEqual([undefined, undefined]);
});
