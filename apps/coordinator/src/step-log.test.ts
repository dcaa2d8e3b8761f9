import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { StepRecord } from '@lockstep/protocol';
import {
  createRun,
  openStepRecord,
  type RecordForm,
  type Run,
  readLog,
  readStepRecord,
} from '@lockstep/tracking';
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Coordinator, startCoordinator } from './coordinator.ts';
import { type FakeWorker, joinFakeWorker } from './fixtures/fake-worker.ts';
import type { CoordinatorHooks } from './served-run.ts';
import { createStepLog } from './step-log.ts';

let root: string;
const open: { close(graceMs?: number): Promise<void> }[] = [];
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'lockstep-steps-'));
});
afterEach(async () => {
  for (const one of open.splice(0).reverse()) await one.close(0);
  await rm(root, { recursive: true });
});

const form: RecordForm = { exchanges: [['params/kernel', 'sums']], replica: ['params/kernel'] };

/** What members share, and the digests of a block: places in the order of the form. */
const shared = [11n, 12n, 13n];
const ofBlock = [21n, 22n, 23n, 24n];

const record = (rank: number, digests: readonly bigint[], names = true): StepRecord => ({
  ...{ rank, shards: { start: 4 * rank, count: 4 }, blocks: [{ start: 4 * rank, count: 4 }] },
  ...{ form: 5, digests: new Uint8Array(BigUint64Array.from(digests).buffer) },
  ...(names && { names: JSON.stringify(form) }),
});

async function serve(run: Run, hooks?: CoordinatorHooks): Promise<Coordinator> {
  const coordinator = await startCoordinator({
    ...{ run, bind: 'tcp://127.0.0.1:0', version: '0.1.0', build: 'b1', config: {}, numShards: 8 },
    ...{ experiment: { name: 'tiny', bundle: new Uint8Array(1) }, minWorkers: 2, profile: 'portable' },
    ...{ logger: pino({ level: 'silent' }), ...(hooks && { hooks }) },
  });
  open.push(coordinator);
  return coordinator;
}

/** Two members in their first generation. */
async function twoMembers(mode: string, hooks?: CoordinatorHooks) {
  const run = await createRun({ root, name: 'tiny', manifest: { record: mode } });
  open.push(run);
  const coordinator = await serve(run, hooks);
  const workers: FakeWorker[] = [];
  const configs: unknown[] = [];
  for (const id of ['a', 'b']) {
    const worker = await joinFakeWorker(coordinator.endpoint, id);
    open.push(worker);
    const { message } = await worker.next('welcome');
    configs.push(message.config);
    worker.send({ type: 'loaded' });
    workers.push(worker);
  }
  const [a, b] = workers as [FakeWorker, FakeWorker];
  const [{ message }] = await Promise.all([a.joinAt(-1), b.joinAt(-1)]);
  const commit = (worker: FakeWorker, step: number, digest: string, of: StepRecord): void =>
    worker.send({ type: 'committed', generation: message.generation, step, digest, record: of, report: {} });
  const finish = (step: number): void => {
    for (const worker of [a, b]) {
      const { generation } = message;
      worker.send({ type: 'finished', generation, step, fingerprint: 'f', result: {} });
    }
  };
  return { run, coordinator, a, b, commit, finish, config: configs[0] };
}

describe('a coordinator of a recorded run', () => {
  it('asks workers for digests, writes them, and leaves a record that can be read', async () => {
    const { run, coordinator, a, b, commit, finish, config } = await twoMembers('full');
    expect(config).toEqual({ record: 'full' });
    const told: object[] = [];
    coordinator.onUpdate((update) => {
      if (update.type !== 'progress') return;
      const { form: names, replicated } = update.shared!;
      told.push({ step: update.step, names, replicated: [...replicated] });
    });
    for (const step of [1, 2]) {
      commit(a, step, 'd', record(0, [...shared, ...ofBlock], step === 1));
      commit(b, step, 'd', record(1, [...shared, ...ofBlock], step === 1));
    }
    finish(2);
    expect((await coordinator.done).reason).toBe('finished');
    await coordinator.close(0);
    const { steps, damaged, conflicts } = (await readStepRecord(run.folder))!;
    expect([damaged, conflicts]).toEqual([[], []]);
    const replicated = [...new Uint8Array(BigUint64Array.from(shared).buffer)];
    expect(told).toEqual([1, 2].map((step) => ({ step, names: form, replicated })));
    const member = (worker: string, rank: number) => ({
      ...{ worker, rank, shards: { start: 4 * rank, count: 4 }, results: [[11n, 12n]], replica: [13n] },
      blocks: [{ shards: { start: 4 * rank, count: 4 }, samples: 21n, columns: 22n, partials: [[23n, 24n]] }],
    });
    expect(steps).toEqual(
      [1, 2].map((step) => ({ step, generation: 1, form, members: [member('a', 0), member('b', 1)] })),
    );
    // The metrics of a step do not repeat what the record has.
    const { records } = await readLog(run.folder, 'metrics');
    expect(records.filter(({ kind }) => kind === 'step')).toEqual(
      [1, 2].map((step) => ({ kind: 'step', step })),
    );
  });

  it('names step, workers and the first value when members differ', async () => {
    const { run, coordinator, a, b, commit } = await twoMembers('full');
    commit(a, 1, 'd', record(0, [...shared, ...ofBlock]));
    commit(b, 1, 'e', record(1, [...shared.with(2, 99n), ...ofBlock]));
    const outcome = await coordinator.done;
    expect(outcome).toMatchObject({
      reason: 'failed',
      error: {
        code: 'internal',
        message: expect.stringMatching(
          /^step 1: worker a on here has the digest d, worker b on here has the digest e, .*; the first value that differs is params\/kernel in the replica after the update$/,
        ),
        facts: { step: 1, workers: ['a', 'b'], part: 'replica', variable: 'params/kernel' },
      },
    });
    await coordinator.close(0);
    const { records } = await readLog(run.folder, 'events');
    expect(records.find(({ type }) => type === 'diverged')).toMatchObject({
      ...{ step: 1, of: 'digest', workers: ['a', 'b'], hashes: { a: 'd', b: 'e' } },
      ...{ part: 'replica', variable: 'params/kernel' },
    });
    const { steps } = (await readStepRecord(run.folder))!;
    expect(steps[0]!.members.map(({ replica }) => replica)).toEqual([[13n], [99n]]);
  });

  it('goes on when members differ, where a test asks for that', async () => {
    const { run, coordinator, a, b, commit, finish } = await twoMembers('full', { compares: false });
    commit(a, 1, 'd', record(0, [...shared, ...ofBlock]));
    commit(b, 1, 'e', record(1, [...shared.with(0, 99n), ...ofBlock]));
    finish(1);
    expect((await coordinator.done).reason).toBe('finished');
    await coordinator.close(0);
    const { steps } = (await readStepRecord(run.folder))!;
    expect(steps[0]!.members.map(({ results }) => results[0]![0])).toEqual([11n, 99n]);
  });

  it('drops a record that does not fit its names, and keeps the step', async () => {
    const { run, coordinator, a, b, commit, finish } = await twoMembers('full');
    commit(a, 1, 'd', record(0, [...shared, ...ofBlock, 1n]));
    commit(b, 1, 'd', { ...record(1, [...shared, ...ofBlock]), form: 6, names: '[1]' });
    finish(1);
    expect((await coordinator.done).reason).toBe('finished');
    await coordinator.close(0);
    expect((await readStepRecord(run.folder))!.steps).toEqual([]);
    const { records } = await readLog(run.folder, 'events');
    expect(records.filter(({ type }) => type === 'badFrame').map(({ reason }) => reason)).toEqual([
      'the record of step 1 has another number of digests than names',
      'the record of step 1 has digests without names',
    ]);
  });

  it('has no record without the setting, and asks for none', async () => {
    const { run, coordinator, config } = await twoMembers('off');
    expect(config).toEqual({});
    await coordinator.close(0);
    expect(await readStepRecord(run.folder)).toBeUndefined();
  });
});

describe('a step log', () => {
  const message = (step: number, rank: number, digests: readonly bigint[], names = true) =>
    ({
      ...{ type: 'committed' as const, generation: 1, step, report: {} },
      record: record(rank, digests, names),
    }) as const;

  it('knows the names from the file, after the coordinator was started again', async () => {
    for (const [step, names] of [
      [1, true],
      [2, false],
    ] as const) {
      const { writer } = await openStepRecord(root);
      const log = createStepLog(writer, () => expect.fail('the disk is not full'));
      expect(log.write('a', message(step, 0, [...shared, ...ofBlock], names))).toBeUndefined();
      log.close();
    }
    expect((await readStepRecord(root))!.steps.map(({ step }) => step)).toEqual([1, 2]);
  });

  it('compares members without a file too, for the latest steps', () => {
    const log = createStepLog(undefined, () => undefined);
    for (let step = 1; step <= 6; step++) {
      log.write('a', message(step, 0, [...shared, ...ofBlock]));
      log.write('b', message(step, 1, [...shared.with(1, 9n).with(2, 9n), ...ofBlock]));
      log.write('c', message(step, 0, [...shared, ...ofBlock]));
    }
    const sums = { part: 'result', variable: 'sums' };
    expect(log.differing(6, ['b'])).toEqual(sums);
    expect(log.differing(6, ['a', 'b', 'c'])).toEqual(sums);
    expect(log.differing(6, ['a'])).toEqual(sums);
    expect(log.differing(1, ['b'])).toBeUndefined();
    expect(log.gap()).toBeUndefined();
  });
});
