import { alignedSubtrees, type ShardRange } from '@lockstep/collectives';
import { fromArrays } from '@lockstep/data';
import { createWasmKernels, MIN_SCRATCH_BYTES, referenceKernels } from '@lockstep/kernels';
import {
  batchNorm,
  conv2d,
  dense,
  dropout,
  flatten,
  relu,
  sequential,
  softmaxCrossEntropy,
} from '@lockstep/nn';
import { adam } from '@lockstep/optim';
import { layoutWorker, trainingSlot, viewer } from '@lockstep/run';
import type { TypedArray } from '@lockstep/tensor';
import { describe, expect, it } from 'vitest';
import type { ComputedRecord } from './computed-record.ts';
import { defineExperiment } from './define-experiment.ts';
import type { ExecutorHooks } from './executor.ts';
import { createLocalWorker, type LocalWorkerOptions } from './local-worker.ts';
import { compilePrograms } from './programs.ts';
import { resolveConfig } from './resolve-config.ts';

const rows = 22;
const experiment = defineExperiment({
  name: 'recorded',
  data: fromArrays(
    {
      x: Array.from({ length: rows }, (_, i) =>
        Array.from({ length: 6 }, (_row, r) =>
          Array.from({ length: 6 }, (_, c) => [((7 * i + 5 * r + c) % 11) / 7]),
        ),
      ),
      y: Array.from({ length: rows }, (_, i) => i % 3),
    },
    { name: 'rows', dtypes: { y: 'int32' } },
  ),
  model: sequential(conv2d(2, 3), batchNorm(), relu, flatten, dense(4), batchNorm(), dropout(0.2), dense(3)),
  loss: softmaxCrossEntropy(),
  optimizer: adam(0.01),
  batch: { size: 12, shards: 8 },
  epochs: 2,
});
const config = resolveConfig(experiment);
const dataset = await experiment.data.load();
const programs = compilePrograms(experiment, dataset, config, 4);

const whole: ShardRange = { start: 0, count: 8 };

type Options = Pick<LocalWorkerOptions, 'ranges' | 'record' | 'hooks' | 'createKernels'>;

/** The worker after some steps, with the record of each. */
function train(options: Options, numSteps = 3) {
  const worker = createLocalWorker({ dataset, config, record: true, ...options }, programs);
  worker.initialize();
  const records: ComputedRecord[] = [];
  for (let step = 1; step <= numSteps; step++) {
    worker.runSegments(step);
    worker.update(step);
    records.push(worker.recorded());
  }
  return { worker, records };
}

const layoutFor = (threads: readonly ShardRange[]) =>
  layoutWorker({
    ...{ programs, threads, scratchBytes: MIN_SCRATCH_BYTES, evaluationSamples: 0 },
    ...{ batchSize: config.batchSize, record: 'full' },
  });

const reference = referenceKernels('portable');

function digestOf(...arrays: readonly TypedArray[]): bigint {
  const words = new Uint32Array(2 * arrays.length);
  for (const [i, array] of arrays.entries()) reference.digest(words.subarray(2 * i, 2 * i + 2), array);
  return new BigUint64Array(words.buffer)[0]!;
}

/** The digest of the digests of arrays. */
const together = (...arrays: readonly TypedArray[]): bigint =>
  digestOf(new Uint32Array(BigUint64Array.from(arrays.map((array) => digestOf(array))).buffer));

describe('the record of a step', () => {
  it('names exchanges by results, batch norms and the order of the backward pass', () => {
    const { form } = train({}, 1).records[0]!;
    expect(form.exchanges).toEqual([
      ['moments 1'],
      ['moments 5'],
      [
        'sums',
        'params/7/bias',
        'params/7/kernel',
        'params/5/beta',
        'params/5/gamma',
        'cotangent of moments 5',
      ],
      ['params/4/bias', 'params/4/kernel', 'params/1/beta', 'params/1/gamma', 'cotangent of moments 1'],
      ['params/0/bias', 'params/0/kernel'],
    ]);
    const params = ['0', '1', '4', '5', '7'].flatMap((layer) =>
      (layer === '1' || layer === '5' ? ['beta', 'gamma'] : ['bias', 'kernel']).map(
        (name) => `${layer}/${name}`,
      ),
    );
    const state = ['1/mean', '1/variance', '5/mean', '5/variance'].map((name) => `state/${name}`);
    expect(form.replica.slice(0, 14)).toEqual([...params.map((name) => `params/${name}`), ...state]);
    expect(form.replica.slice(14).every((name) => name.startsWith('optimizer/'))).toBe(true);
  });

  it('has the digests of what lies in memory', () => {
    const ranges = [
      { start: 0, count: 4 },
      { start: 4, count: 4 },
    ];
    const { worker, records } = train({ ranges });
    const record = records.at(-1)!;
    const view = viewer(worker.replica[0]!.buffer);
    expect(record.replica).toEqual(worker.replica.map((array) => digestOf(array)));
    const { blocks, results } = layoutFor(ranges);
    for (const [i, { batches, arena }] of blocks.entries()) {
      const { columns, indices, weights, keys } = batches[trainingSlot(3)];
      const { partials, ...block } = record.blocks[i]!;
      expect(block).toEqual({
        shards: ranges[i],
        samples: together(...[indices, weights, keys].map(view)),
        columns: together(...columns.map(view)),
      });
      // The first exchange has one value in one bucket.
      const { size, byteOffset } = programs.shard(4).exchanges[0]![0]!;
      const first = view({ dtype: 'float32', shape: [size], byteOffset: arena + byteOffset });
      expect(partials[0]).toEqual([digestOf(first)]);
    }
    // The last one has a bias of 2 and a kernel of 18 elements.
    const [bucket] = results.at(-1)!.map(view);
    expect(record.results.at(-1)).toEqual([
      digestOf(bucket!.subarray(0, 2)),
      digestOf(bucket!.subarray(2, 20)),
    ]);
  });

  it('has the same results, replica and nodes for every division of the shards, also in one block', () => {
    const expected = train({}).records;
    const byNode = new Map<string, unknown>();
    const divisions = [[8], [4, 4], [3, 5], [1, 6, 1], [1, 1, 1, 1, 1, 1, 1, 1]];
    for (const sizes of divisions) {
      let start = 0;
      const ranges = sizes.map((count) => {
        start += count;
        return { start: start - count, count };
      });
      const { records } = train({ ranges });
      for (const [i, { results, replica, blocks, form }] of records.entries()) {
        expect(form).toEqual(expected[i]!.form);
        expect(results).toEqual(expected[i]!.results);
        expect(replica).toEqual(expected[i]!.replica);
        const nodes = ranges.flatMap((range) => alignedSubtrees(range));
        expect(blocks.map(({ shards }) => shards)).toEqual(
          nodes.map(({ level, index }) => ({ start: index * 2 ** level, count: 2 ** level })),
        );
        for (const { shards, ...digests } of blocks) {
          const key = `${i} ${shards.start} ${shards.count}`;
          expect(digests).toEqual(byNode.get(key) ?? digests);
          byNode.set(key, digests);
        }
      }
    }
    const [one] = train({ ranges: [whole] }).records;
    expect(one!.blocks[0]!.partials).toEqual(one!.results);
  });

  it('is the same in every backend', () => {
    const { records } = train({});
    for (const createKernels of [() => reference, createWasmKernels]) {
      expect(train({ createKernels }).records).toEqual(records);
    }
  });

  it('differs from step to step in every digest', () => {
    const all = train({}).records.flatMap(({ blocks, results, replica }) => [
      ...blocks.flatMap(({ samples, columns }) => [samples, columns]),
      ...results.flat(),
      ...replica,
    ]);
    expect(new Set(all).size).toBe(all.length);
  });

  it('has one digest of parameters and model state in `chain`, and does not exist without being asked for', () => {
    const { worker, records } = train({ record: 'chain' });
    const { params, state } = programs;
    const model = worker.replica.slice(0, params.length + state.length);
    expect(records.at(-1)).toEqual({
      ...{ form: { exchanges: [], replica: ['model'] }, results: [], blocks: [] },
      ...{ replica: [together(...model)], model: together(...model) },
    });
    expect(train({}).records.at(-1)!.model).toBe(together(...model));
    expect(() => train({ record: false }, 1)).toThrow(/a worker that records its steps has a record/);
  });
});

describe('hooks of an executor', () => {
  const ranges = [
    { start: 0, count: 4 },
    { start: 4, count: 4 },
  ];
  /** The next float32 number away from 0. */
  const bump = (array: TypedArray, i = 0): void => {
    new Uint32Array(array.buffer, array.byteOffset, array.length)[i]!++;
  };

  /** The records of a run with hooks, which are given the memory, and of the run without them. */
  function withHooks(hooksOf: (at: { readonly buffer: () => ArrayBufferLike }) => ExecutorHooks) {
    const made: { buffer?: ArrayBufferLike } = {};
    const hooks = hooksOf({ buffer: () => made.buffer! });
    const worker = createLocalWorker({ dataset, config, record: true, ranges, hooks }, programs);
    made.buffer = worker.replica[0]!.buffer;
    worker.initialize();
    worker.runSegments(1);
    worker.update(1);
    return { found: worker.recorded(), right: train({ ranges }, 1).records[0]! };
  }

  const { blocks, replica } = layoutFor(ranges);

  it('put a fault into a batch before its digest', () => {
    const { found, right } = withHooks(({ buffer }) => ({
      onFilled: (_step, slot) => {
        const column = viewer(buffer())(blocks[1]!.batches[slot].columns[0]!);
        // The first thread is asked first, when the batch of the second one is not filled.
        if (column.some((value) => value !== 0)) column[40]! += 1;
      },
    }));
    // The partials of the other block differ from the second exchange on.
    expect(found.blocks[0]!.columns).toBe(right.blocks[0]!.columns);
    expect(found.blocks[0]!.partials[0]).toEqual(right.blocks[0]!.partials[0]);
    expect(found.blocks[1]!.samples).toBe(right.blocks[1]!.samples);
    expect(found.blocks[1]!.columns).not.toBe(right.blocks[1]!.columns);
    expect(found.results[0]).not.toEqual(right.results[0]);
  });

  it('put a fault into a partial before its digest and its exchange', () => {
    let isPlanted = false;
    const { found, right } = withHooks(({ buffer }) => ({
      onRan: (_step, segment) => {
        if (segment !== 0 || isPlanted) return;
        isPlanted = true;
        const { arena, numShards } = blocks[0]!;
        const { byteOffset, size } = programs.shard(numShards).exchanges[0]![0]!;
        bump(viewer(buffer())({ dtype: 'float32', shape: [size], byteOffset: arena + byteOffset }), 1);
      },
    }));
    const [a, b] = [found, right].map(({ blocks: [first] }) => first!);
    expect(a!.columns).toBe(b!.columns);
    expect(a!.partials[0]).not.toEqual(b!.partials[0]);
    expect(found.blocks[1]!.partials[0]).toEqual(right.blocks[1]!.partials[0]);
    expect(found.results[0]).not.toEqual(right.results[0]);
  });

  it('put a fault into the replica before its digest', () => {
    const { found, right } = withHooks(({ buffer }) => ({
      onUpdated: (_step, copy) => bump(viewer(buffer())(replica[copy][3]!)),
    }));
    expect(found.blocks).toEqual(right.blocks);
    expect(found.results).toEqual(right.results);
    expect(found.replica.flatMap((digest, i) => (digest === right.replica[i] ? [] : [i]))).toEqual([3]);
  });
});
