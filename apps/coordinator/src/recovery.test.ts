/** Coordinators that start in a run folder left behind by a crash or a full disk. */
import { existsSync } from 'node:fs';
import { appendFile, mkdtemp, readdir, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { checkpointFolder, encodeSafetensors, saveCheckpoint } from '@lockstep/checkpoint';
import { LockstepError } from '@lockstep/errors';
import { createRun, openRun, type Run, readLog } from '@lockstep/tracking';
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Coordinator, type CoordinatorOptions, startCoordinator } from './coordinator.ts';
import { type FakeWorker, joinFakeWorker } from './fixtures/fake-worker.ts';
import type { Notice } from './notices.ts';
import { readLastStart } from './run-log.ts';

const tensors = { 'params/w': { dtype: 'float32', shape: [2], data: Float32Array.of(1, 2) } } as const;
const bytes = encodeSafetensors(tensors);

let root: string;
const open: { close(graceMs?: number): Promise<void> }[] = [];
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'lockstep-recovery-'));
});
afterEach(async () => {
  for (const one of open.splice(0).reverse()) await one.close(0);
  await rm(root, { recursive: true });
});

async function serve(
  run: Run,
  options: Partial<CoordinatorOptions> = {},
): Promise<Coordinator & { readonly told: readonly Notice[] }> {
  const coordinator = await startCoordinator({
    run,
    bind: 'tcp://127.0.0.1:0',
    version: '0.1.0',
    build: 'b1',
    experiment: { name: 'tiny', bundle: new Uint8Array(1) },
    config: {},
    numShards: 8,
    minWorkers: 1,
    profile: 'portable',
    logger: pino({ level: 'silent' }),
    ...options,
  });
  open.push(coordinator);
  const told: Notice[] = [];
  coordinator.onUpdate((update) => {
    if (update.type === 'notice') told.push(update.notice);
  });
  return { ...coordinator, told };
}

async function newRun(): Promise<Run> {
  const run = await createRun({ root, name: 'tiny', manifest: {} });
  open.push(run);
  return run;
}

async function admit({ endpoint }: Coordinator, id: string): Promise<FakeWorker> {
  const worker = await joinFakeWorker(endpoint, id);
  open.push(worker);
  await worker.next('welcome');
  worker.send({ type: 'loaded' });
  return worker;
}

/** A run in which a coordinator was killed after a generation of workers `a` and `b`, with checkpoints of these steps. */
async function killedRun(...steps: readonly number[]): Promise<string> {
  const run = await newRun();
  const shards = { start: 0, count: 4 };
  const members = ['a', 'b'].map((worker, rank) => ({ worker, rank, endpoint: 'tcp://127.0.0.1:9', shards }));
  await run.journal({
    type: 'started',
    incarnation: 1,
    bind: 'tcp://127.0.0.1:0',
    endpoint: 'tcp://127.0.0.1:5',
  });
  await run.journal({ type: 'profile', profile: 'portable' });
  await run.journal({ type: 'generation', generation: 1, step: 0, source: 'init', members });
  run.appendMetrics({ kind: 'step', step: 25 });
  for (const step of steps) {
    await saveCheckpoint(checkpointFolder(run.folder), { step, header: {}, tensors });
    await run.journal({ type: 'checkpoint', step });
  }
  await run.close();
  return run.folder;
}

const checkpointFile = (folder: string, step: number, ending: string): string =>
  join(checkpointFolder(folder), `step-${String(step).padStart(8, '0')}.${ending}`);

describe('a run whose newest checkpoint was cut short', () => {
  it.each([
    ['has no header', (of: string) => rm(`${of}.json`), 'step-00000020.json is missing'],
    ['has no tensors', (of: string) => rm(`${of}.safetensors`), 'step-00000020.safetensors is missing'],
    ['has half its tensors', (of: string) => truncate(`${of}.safetensors`, bytes.length >> 1), 'checksum'],
    ['has empty tensors', (of: string) => truncate(`${of}.safetensors`, 0), 'checksum (0 bytes)'],
    ['has an empty header', (of: string) => truncate(`${of}.json`, 0), 'it is empty'],
    ['has half a header', (of: string) => truncate(`${of}.json`, 30), 'is not what was written'],
  ])(
    'goes on from the one before, and from the seed where there is none: it %s',
    async (_what, damage, why) => {
      for (const [steps, begin, instead] of [
        [[10, 20], { step: 10, source: 'checkpoint' }, 'the checkpoint of step 10 is used instead'],
        [
          [20],
          { step: 0, source: 'init' },
          'the initial state, which follows from the seed, is used instead',
        ],
      ] as const) {
        const folder = await killedRun(...steps);
        await damage(checkpointFile(folder, 20, 'json').replace('.json', ''));
        const coordinator = await serve(await openRun(folder));
        const reason = expect.stringContaining(why);
        const message = expect.stringMatching(`step 20 is skipped: .*; ${instead}, unless a worker`);
        expect(coordinator.notices).toMatchObject([
          { type: 'checkpointSkipped', message, facts: { step: 20, reason } },
        ]);
        const { records } = await readLog(folder, 'events');
        expect(records).toMatchObject([
          { type: 'checkpointSkipped', step: 20, path: expect.any(String), message },
        ]);
        const worker = await admit(coordinator, 'new');
        expect((await worker.joinAt(-1)).message).toMatchObject(begin);
      }
    },
  );

  it('goes on from a worker that holds a newer state', async () => {
    const folder = await killedRun(20);
    await rm(checkpointFile(folder, 20, 'json'));
    const coordinator = await serve(await openRun(folder), { awaited: ['a', 'b'] });
    // The new worker is ready first, and waits for the workers of before.
    const newcomer = await admit(coordinator, 'new');
    const a = await admit(coordinator, 'a');
    coordinator.absent('b');
    const [begin] = await Promise.all([newcomer.joinAt(-1), a.joinAt(25)]);
    expect(begin.message).toMatchObject({ step: 25, source: { worker: 'a' } });
  });

  it('skips a checkpoint that is damaged while the run goes on', async () => {
    const folder = await killedRun(10, 20);
    const coordinator = await serve(await openRun(folder));
    await rm(checkpointFile(folder, 20, 'safetensors'));
    const worker = await admit(coordinator, 'new');
    expect((await worker.joinAt(-1)).message).toMatchObject({ step: 20, source: 'checkpoint' });
    expect((await worker.joinAt(-1)).message).toMatchObject({ step: 10, source: 'checkpoint' });
    await worker.next('restore');
    expect(coordinator.told).toMatchObject([{ type: 'checkpointSkipped', facts: { step: 20 } }]);
  });
});

it('removes temporary files of incomplete checkpoints', async () => {
  const folder = await killedRun(10);
  const names = await readdir(checkpointFolder(folder));
  await writeFile(join(checkpointFolder(folder), '.step-00000020.safetensors.tmp'), 'half');
  await serve(await openRun(folder));
  expect(await readdir(checkpointFolder(folder))).toEqual(names);
});

it('gives no generation number twice when lines of its journal are damaged', async () => {
  const folder = await killedRun(10);
  // The damaged line may have been another start and another generation.
  await appendFile(join(folder, 'journal.jsonl'), '{"type":"star\n{"type":"gene');
  const coordinator = await serve(await openRun(folder));
  expect(coordinator.notices.map(({ type, facts }) => [type, facts?.line])).toEqual([
    ['lineDamaged', 5],
    ['lineDamaged', 6],
  ]);
  const worker = await joinFakeWorker(coordinator.endpoint, 'new');
  open.push(worker);
  expect((await worker.next('welcome')).message.incarnation).toBe(3);
  worker.send({ type: 'loaded' });
  expect((await worker.joinAt(-1)).message).toMatchObject({ generation: 3, step: 10 });
});

it('resumes without its journal from checkpoint and metrics', async () => {
  const folder = await killedRun(10);
  await appendFile(join(folder, 'metrics.jsonl'), '{"kind":"work","step":12,"generation":4,"worker":"a"}\n');
  await rm(join(folder, 'journal.jsonl'));
  const coordinator = await serve(await openRun(folder));
  const worker = await joinFakeWorker(coordinator.endpoint, 'new');
  open.push(worker);
  expect((await worker.next('welcome')).message).toMatchObject({ incarnation: 5, step: 25 });
  worker.send({ type: 'loaded' });
  expect((await worker.joinAt(-1)).message).toMatchObject({ generation: 5, step: 10, source: 'checkpoint' });
});

it('knows its last address, and which workers may come back', async () => {
  const folder = await killedRun();
  expect(await readLastStart(folder)).toMatchObject({
    ...{ bind: 'tcp://127.0.0.1:0', endpoint: 'tcp://127.0.0.1:5', members: ['a', 'b'] },
  });
  const coordinator = await serve(await openRun(folder));
  expect(await readLastStart(folder)).toMatchObject({
    ...{ bind: 'tcp://127.0.0.1:0', endpoint: coordinator.endpoint, keys: false, members: ['a', 'b'] },
  });
  // Workers that were told to stop do not come back.
  coordinator.interrupt();
  await coordinator.done;
  await coordinator.close(0);
  expect((await readLastStart(folder))?.members).toEqual([]);
});

const noSpace = (path: string) =>
  new LockstepError('file', `${path} cannot be written: no space`, { path, errno: 'ENOSPC', freeBytes: 0 });

describe.skipIf(process.platform === 'win32')('a checkpoint that cannot be written', () => {
  /** A file in place of the folder, so that nobody can write there, not even root. */
  const blocked = async () => {
    const run = await newRun();
    await writeFile(checkpointFolder(run.folder), '');
    const coordinator = await serve(run);
    const worker = await admit(coordinator, 'a');
    await worker.joinAt(-1);
    return { run, coordinator, worker };
  };
  const send = (worker: FakeWorker, step: number): void => {
    worker.send({ type: 'committed', generation: 1, step, report: {} });
    worker.send({ type: 'checkpoint', step, header: {}, frames: [bytes.length] }, [bytes]);
  };
  const until = (coordinator: Coordinator, type: string): Promise<void> =>
    new Promise((resolve) => {
      const stop = coordinator.onUpdate((update) => {
        const found = update.type === 'notice' ? update.notice.type : update.type;
        if (found !== type) return;
        stop();
        resolve();
      });
    });

  it('causes a notice, and the next checkpoint is tried', async () => {
    const { run, coordinator, worker } = await blocked();
    const failed = until(coordinator, 'checkpointFailed');
    send(worker, 5);
    await failed;
    expect(coordinator.told).toMatchObject([
      {
        type: 'checkpointFailed',
        message: expect.stringMatching(
          /^no checkpoint of step 5: .*checkpoints cannot be written: .* \(E\w+, [\d,]+ bytes are free\); .*; the run goes on/,
        ),
        facts: { step: 5, path: expect.stringContaining('checkpoints'), freeBytes: expect.any(Number) },
      },
    ]);
    await rm(checkpointFolder(run.folder));
    const saved = until(coordinator, 'checkpoint');
    send(worker, 10);
    await saved;
    expect(await readdir(checkpointFolder(run.folder))).toEqual([
      'step-00000010.json',
      'step-00000010.safetensors',
    ]);
  });

  it('does not create a run folder again that somebody removed', async () => {
    const run = await newRun();
    const coordinator = await serve(run);
    const worker = await admit(coordinator, 'a');
    await worker.joinAt(-1);
    await rm(run.folder, { recursive: true });
    const failed = until(coordinator, 'checkpointFailed');
    send(worker, 5);
    await failed;
    expect(coordinator.told.at(-1)).toMatchObject({ facts: { errno: 'ENOENT', step: 5 } });
    expect(existsSync(run.folder)).toBe(false);
  });

  it('ends the run with an error if it is the last checkpoint, because the result is not saved', async () => {
    const { coordinator, worker } = await blocked();
    send(worker, 5);
    worker.send({ type: 'finished', generation: 1, step: 5, fingerprint: 'f'.repeat(64), result: {} });
    expect(await coordinator.done).toMatchObject({
      reason: 'failed',
      step: 5,
      error: {
        code: 'file',
        message: expect.stringMatching(
          /^the state of step 5 is not saved: .*, then go on with `lockstep resume`$/,
        ),
      },
    });
    expect((await worker.next('stop')).message.reason).toBe('failed');
  });

  it('ends an interrupted run with an error', async () => {
    const { coordinator, worker } = await blocked();
    worker.send({ type: 'committed', generation: 1, step: 7, report: {} });
    await until(coordinator, 'progress');
    coordinator.interrupt();
    const { generation } = (await worker.next('prepare')).message;
    worker.send({ type: 'ready', generation, step: 7 });
    await worker.next('save');
    send(worker, 7);
    expect(await coordinator.done).toMatchObject({ reason: 'failed', error: { code: 'file' } });
  });
});

describe('a log that cannot be written', () => {
  // Linux has a device that is always full.
  it.runIf(existsSync('/dev/full'))(
    'is told of where it is the trace, and the run goes on without',
    async () => {
      const coordinator = await serve(await newRun(), { trace: '/dev/full' });
      const worker = await admit(coordinator, 'a');
      await worker.joinAt(-1);
      const span = { name: 'step 1', track: 'steps', startMs: 1, durationMs: 1, step: 1 };
      for (const step of [1, 2]) {
        const report = { trace: { rank: 0, spans: [{ ...span, step }], numDropped: 0 } };
        worker.send({ type: 'committed', generation: 1, step, report });
      }
      worker.send({ type: 'finished', generation: 1, step: 2, fingerprint: 'f'.repeat(64), result: {} });
      expect(await coordinator.done).toMatchObject({ reason: 'finished' });
      expect(coordinator.told).toMatchObject([
        { type: 'traceFailed', message: expect.stringMatching(/^\/dev\/full cannot be written: no space/) },
      ]);
    },
  );

  it('ends the run if the log is the journal, and announces nothing that the journal lacks', async () => {
    const run = await newRun();
    const journal = run.journal.bind(run);
    const error = noSpace('journal.jsonl');
    run.journal = (record) => (record.type === 'generation' ? Promise.reject(error) : journal(record));
    const coordinator = await serve(run);
    const worker = await admit(coordinator, 'a');
    const { generation } = (await worker.next('prepare')).message;
    worker.send({ type: 'ready', generation, step: -1 });
    expect(await coordinator.done).toMatchObject({
      reason: 'failed',
      error: { code: 'file', message: error.message, facts: { path: 'journal.jsonl', freeBytes: 0 } },
    });
    expect((await worker.next('stop')).message.reason).toBe('failed');
    expect(worker.heard.filter((type) => type !== 'heartbeat')).toEqual(['welcome', 'prepare', 'stop']);
  });

  it('saves the state before it ends a run whose journal cannot be written', async () => {
    const run = await newRun();
    const journal = run.journal.bind(run);
    const error = noSpace('journal.jsonl');
    let isFull = false;
    run.journal = (record) => (isFull ? Promise.reject(error) : journal(record));
    const coordinator = await serve(run);
    const a = await admit(coordinator, 'a');
    await a.joinAt(-1);
    a.send({ type: 'committed', generation: 1, step: 3, report: {} });
    isFull = true;
    const b = await admit(coordinator, 'b');
    const park = async (worker: FakeWorker, step: number): Promise<void> => {
      const { generation } = (await worker.next('prepare')).message;
      worker.send({ type: 'ready', generation, step });
    };
    await park(a, 3);
    await park(b, -1);
    await park(a, 3);
    await park(b, -1);
    await a.next('save');
    a.send({ type: 'checkpoint', step: 3, header: {}, frames: [bytes.length] }, [bytes]);
    expect(await coordinator.done).toMatchObject({ reason: 'failed', step: 3, error: { code: 'file' } });
    expect(await readdir(checkpointFolder(run.folder))).toContain('step-00000003.safetensors');
    expect((await b.next('stop')).message.reason).toBe('failed');
    // No worker may know of a generation that is not in the journal.
    expect(b.heard).not.toContain('begin');
  });

  it('causes one notice if it holds metrics, and another about missing lines at the end', async () => {
    const run = await newRun();
    const path = join(run.folder, 'metrics.jsonl');
    let numLost = 0;
    run.appendMetrics = () => {
      numLost++;
      return false;
    };
    run.gaps = () => [{ path, numLost, steps: [1, 2], error: noSpace(path) }];
    const coordinator = await serve(run);
    const worker = await admit(coordinator, 'a');
    await worker.joinAt(-1);
    for (const step of [1, 2]) worker.send({ type: 'committed', generation: 1, step, report: {} });
    worker.send({ type: 'finished', generation: 1, step: 2, fingerprint: 'f'.repeat(64), result: {} });
    expect(await coordinator.done).toMatchObject({ reason: 'finished' });
    expect(coordinator.told.map(({ type }) => type)).toEqual(['logFailed', 'logIncomplete']);
    expect(coordinator.told.at(-1)?.message).toBe(
      `${path} lacks 4 records, of steps 1 to 2, which could not be written`,
    );
  });
});
