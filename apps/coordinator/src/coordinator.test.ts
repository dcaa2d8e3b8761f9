import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import {
  type CheckpointFiles,
  checkpointFolder,
  decodeSafetensors,
  encodeSafetensors,
  listCheckpoints,
} from '@lockstep/checkpoint';
import type { Outcome } from '@lockstep/protocol';
import { soundBytes } from '@lockstep/tensorboard';
import {
  createRun,
  type Manifest,
  openRun,
  type Run,
  readLog,
  readManifest,
  sha256,
} from '@lockstep/tracking';
import { generateKeys } from '@lockstep/transport';
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Coordinator, type CoordinatorOptions, startCoordinator } from './coordinator.ts';
import { type FakeWorker, joinFakeWorker } from './fixtures/fake-worker.ts';
import type { Update } from './updates.ts';

const fingerprint = 'f'.repeat(64);
const bundle = new TextEncoder().encode('export default 1;\n');
const checkpointBytes = encodeSafetensors({
  'params/w': { dtype: 'float32', shape: [2], data: Float32Array.of(1, 2) },
});

let root: string;
const open: { close(graceMs?: number): Promise<void> }[] = [];
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'lockstep-coordinator-'));
});
afterEach(async () => {
  for (const one of open.splice(0).reverse()) await one.close(0);
  await rm(root, { recursive: true });
});

interface Started extends Coordinator {
  readonly updates: Update[];
}

async function serve(run: Run, options: Partial<CoordinatorOptions> = {}): Promise<Started> {
  const coordinator = await startCoordinator({
    run,
    bind: 'tcp://127.0.0.1:0',
    version: '0.1.0',
    build: 'b1',
    experiment: { name: 'tiny', bundle },
    config: { run: { seed: 1 } },
    numShards: 8,
    minWorkers: 1,
    profile: 'auto',
    logger: pino({ level: 'silent' }),
    ...options,
  });
  open.push(coordinator);
  const updates: Update[] = [];
  coordinator.onUpdate((update) => updates.push(update));
  return { ...coordinator, updates };
}

async function newRun(manifest: Manifest = {}): Promise<Run> {
  const run = await createRun({ root, name: 'tiny', manifest });
  // Closing twice does nothing. This closes a run whose coordinator did not start.
  open.push(run);
  return run;
}

async function admit(coordinator: Coordinator, id: string): Promise<FakeWorker> {
  const worker = await joinFakeWorker(coordinator.endpoint, id);
  open.push(worker);
  await worker.next('welcome');
  worker.send({ type: 'loaded', dataHash: 'data' });
  return worker;
}

function commit(worker: FakeWorker, generation: number, step: number): void {
  const work = { rank: 0, shards: 4, computeMs: 1 };
  const report = { metrics: { loss: 1 / step }, chain: 'c', work };
  worker.send({ type: 'committed', generation, step, fingerprint, report });
}

/** In one frame or in several: a large checkpoint exceeds the limit of a frame. */
function sendCheckpoint(worker: FakeWorker, step: number, ...parts: readonly Uint8Array[]): void {
  const frames = parts.map((part) => part.byteLength);
  worker.send({ type: 'checkpoint', step, header: { seed: 1 }, frames }, parts);
}

async function until(coordinator: Started, isIt: (update: Update) => boolean): Promise<void> {
  if (coordinator.updates.some(isIt)) return;
  await new Promise<void>((resolve) => {
    const stop = coordinator.onUpdate((update) => {
      if (!isIt(update)) return;
      stop();
      resolve();
    });
  });
}

describe('a coordinator', () => {
  it('hands out the experiment, logs steps and work, and ends when the members have finished', async () => {
    const run = await newRun();
    const observed: Update[] = [];
    const observer = (update: Update) => void observed.push(update);
    const coordinator = await serve(run, { minWorkers: 2, observer });
    const a = await joinFakeWorker(coordinator.endpoint, 'a');
    open.push(a);
    const welcome = await a.next('welcome');
    expect(welcome.message).toMatchObject({
      run: basename(run.folder),
      incarnation: 1,
      config: { run: { seed: 1 } },
    });
    expect(welcome.frames.map((frame) => Buffer.from(frame).toString())).toEqual(['export default 1;\n']);
    a.send({ type: 'loaded', dataHash: 'data' });
    await until(coordinator, (update) => update.type === 'event' && update.event.type === 'loaded');
    const b = await admit(coordinator, 'b');

    const [begin] = await Promise.all([a.joinAt(-1), b.joinAt(-1)]);
    const { generation, members, source, profile } = begin.message;
    expect({ generation, source, profile }).toEqual({ generation: 1, source: 'init', profile: 'portable' });
    expect(members.map(({ worker }) => worker)).toEqual(['a', 'b']);
    for (const worker of [a, b]) {
      commit(worker, generation, 1);
      // As after a lost connection.
      commit(worker, generation, 1);
      worker.send({
        type: 'evaluated',
        generation,
        step: 1,
        final: true,
        report: { metrics: { 'test/loss': 0.5 } },
      });
      worker.send({
        type: 'finished',
        generation,
        step: 1,
        fingerprint,
        result: { metrics: { 'test/loss': 0.5 } },
      });
    }
    const outcome: Outcome = await coordinator.done;
    expect(outcome).toEqual({
      reason: 'finished',
      step: 1,
      fingerprint,
      result: { metrics: { 'test/loss': 0.5 } },
    });
    expect((await a.next('stop')).message.reason).toBe('finished');
    expect((await b.next('stop')).message.reason).toBe('finished');

    const { records: metrics } = await readLog(run.folder, 'metrics');
    const byKind = (kind: string) => metrics.filter((line) => line.kind === kind);
    expect(byKind('step')).toEqual([
      { kind: 'step', step: 1, fingerprint, metrics: { loss: 1 }, chain: 'c' },
    ]);
    expect(byKind('evaluation')).toEqual([
      { kind: 'evaluation', step: 1, final: true, metrics: { 'test/loss': 0.5 } },
    ]);
    expect(byKind('work').sort((x, y) => (x.worker === 'a' ? -1 : 1) - (y.worker === 'a' ? -1 : 1))).toEqual(
      ['a', 'b'].map((worker) => ({
        kind: 'work',
        step: 1,
        generation: 1,
        worker,
        rank: 0,
        shards: 4,
        computeMs: 1,
      })),
    );
    // Who observes the run learns of each line, in the same order.
    const told = observed.flatMap((update) => (update.type === 'progress' ? 'step' : update.type));
    expect(told.filter((type) => ['step', 'evaluation', 'work'].includes(type))).toEqual(
      metrics.map(({ kind }) => kind),
    );
    const { records: journal } = await readLog(run.folder, 'journal');
    expect(journal.map(({ type }) => type)).toEqual(['started', 'data', 'profile', 'generation', 'done']);
    expect(await readManifest(run.folder)).toMatchObject({ profile: 'portable' });
    const { records: events } = await readLog(run.folder, 'events');
    expect(events.map(({ type }) => type)).toEqual(['joined', 'loaded', 'joined', 'loaded', 'generation']);
  });

  it('goes on without a lost worker', async () => {
    const coordinator = await serve(await newRun(), { minWorkers: 2 });
    const a = await admit(coordinator, 'a');
    const b = await admit(coordinator, 'b');
    await Promise.all([a.joinAt(-1), b.joinAt(-1)]);
    commit(a, 1, 1);
    await until(coordinator, ({ type }) => type === 'progress');
    await b.close();
    const { message } = await a.joinAt(1);
    expect(message).toMatchObject({ generation: 2, step: 1, source: { worker: 'a' } });
    expect(message.members.map(({ worker, shards }) => ({ worker, shards }))).toEqual([
      { worker: 'a', shards: { start: 0, count: 8 } },
    ]);
    expect(coordinator.updates).toContainEqual({
      type: 'event',
      event: { type: 'lost', worker: 'b', reason: 'disconnected' },
    });
  });

  it('counts and drops bad frames, and the run goes on', async () => {
    const run = await newRun();
    const coordinator = await serve(run);
    const worker = await admit(coordinator, 'a');
    await worker.joinAt(-1);
    worker.sendBytes([Buffer.from('nonsense')]);
    worker.sendBytes([Uint8Array.of(0x80)]);
    worker.sendBytes([Buffer.from('more nonsense'), Buffer.from('attached')]);
    worker.send({ type: 'checkpoint', step: 1, header: {}, frames: [3] }, [Buffer.from('four')]);
    worker.send({ type: 'finished', generation: 1, step: 0, fingerprint, result: {} });
    expect((await coordinator.done).reason).toBe('finished');
    const { records } = await readLog(run.folder, 'events');
    const bad = records.filter(({ type }) => type === 'badFrame');
    expect(bad.map(({ count }) => count)).toEqual([1, 2, 4]);
  });

  it('drops a worker that sends a checkpoint that cannot be read', async () => {
    const coordinator = await serve(await newRun());
    const worker = await admit(coordinator, 'a');
    await worker.joinAt(-1);
    sendCheckpoint(worker, 1, Buffer.from('not safetensors'));
    await until(coordinator, (update) => update.type === 'event' && update.event.type === 'lost');
    expect(coordinator.numWorkers()).toBe(0);
  });

  it('keeps as many checkpoints as the manifest says', async () => {
    const run = await newRun({ keep: 4 });
    const coordinator = await serve(run);
    const worker = await admit(coordinator, 'a');
    await worker.joinAt(-1);
    for (const step of [10, 20, 30, 40, 50, 60]) sendCheckpoint(worker, step, checkpointBytes);
    await until(coordinator, (update) => update.type === 'checkpoint' && update.step === 60);
    const steps = (await listCheckpoints(checkpointFolder(run.folder))).map(({ step }) => step);
    expect(steps).toEqual([10, 40, 50, 60]);
  });

  it('records the hashes of states: of a step in its metrics, of a checkpoint in the journal', async () => {
    const run = await newRun();
    const coordinator = await serve(run);
    const worker = await admit(coordinator, 'a');
    const { generation } = (await worker.joinAt(-1)).message;
    const stateHash = '5'.repeat(64);
    worker.send({ type: 'committed', generation, step: 1, stateHash, report: { chain: 'c' } });
    const parts = { header: { stateHash }, frames: [checkpointBytes.byteLength] };
    worker.send({ type: 'checkpoint', step: 1, ...parts }, [checkpointBytes]);
    worker.send({ type: 'finished', generation, step: 1, fingerprint, result: {} });
    expect((await coordinator.done).reason).toBe('finished');
    expect((await readLog(run.folder, 'metrics')).records[1]).toEqual({
      ...{ kind: 'step', step: 1, stateHash, chain: 'c' },
    });
    const [{ tensorsPath }] = (await listCheckpoints(checkpointFolder(run.folder))) as [CheckpointFiles];
    expect((await readLog(run.folder, 'journal')).records).toContainEqual({
      ...{ type: 'checkpoint', step: 1, stateHash, tensorsSha256: sha256(await readFile(tensorsPath)) },
    });
    expect(coordinator.updates).toContainEqual({
      ...{ type: 'progress', step: 1, stateHash, report: { chain: 'c' } },
    });
  });

  it.each([0, 2.5, 'most'])('does not start in a run whose manifest says to keep %s', async (keep) => {
    await expect(serve(await newRun({ keep }))).rejects.toMatchObject({
      code: 'checkpoint',
      message: expect.stringContaining(`manifest.json: keep is ${JSON.stringify(keep)}, not a whole number`),
    });
  });

  it('ends the run with the error of an experiment', async () => {
    const coordinator = await serve(await newRun());
    const worker = await admit(coordinator, 'a');
    const error = {
      code: 'shape',
      message: 'matmul: inner dimensions differ',
      facts: { op: 'matmul' },
    } as const;
    worker.send({ type: 'failed', error });
    expect(await coordinator.done).toEqual({ reason: 'failed', step: 0, error });
    expect((await worker.next('stop')).message).toMatchObject({ reason: 'failed', message: error.message });
  });

  it('saves the newest state before an error ends the run', async () => {
    const run = await newRun();
    const coordinator = await serve(run);
    const worker = await admit(coordinator, 'a');
    const { generation } = (await worker.joinAt(-1)).message;
    commit(worker, generation, 1);
    const error = { code: 'shape', message: 'matmul: inner dimensions differ', facts: {} } as const;
    worker.send({ type: 'failed', error });
    const { message: prepare } = await worker.next('prepare');
    worker.send({ type: 'ready', generation: prepare.generation, step: 1 });
    await worker.next('save');
    sendCheckpoint(worker, 1, checkpointBytes);
    expect(await coordinator.done).toEqual({ reason: 'failed', step: 1, error });
    expect(await readdir(checkpointFolder(run.folder))).toContain('step-00000001.safetensors');
  });

  it('keeps hashes of data and programs in journal and manifest, and refuses a worker with others', async () => {
    const run = await newRun();
    const first = await serve(run);
    const programs = { initialisation: 'i', step: 's', update: 'u', evaluation: 'e', settings: 'c' };
    const load = async ({ endpoint }: Coordinator, id: string, update: string, build = 'b1') => {
      const worker = await joinFakeWorker(endpoint, id, { hello: { build } });
      open.push(worker);
      await worker.next('welcome');
      worker.send({ type: 'loaded', dataHash: 'data', programs: { ...programs, update } });
      return worker;
    };
    await (await load(first, 'a', 'u')).joinAt(-1);
    await first.close(0);

    const second = await serve(await openRun(run.folder));
    expect((await (await load(second, 'b', 'v')).next('refused')).message).toMatchObject({
      code: 'programs',
      message: expect.stringContaining('(update)'),
    });
    await (await load(second, 'c', 'u')).joinAt(-1);
    await second.close(0);

    const later = await serve(await openRun(run.folder), { build: 'b2' });
    await (await load(later, 'd', 'v', 'b2')).joinAt(-1);
    await later.close(0);
    const { records } = await readLog(run.folder, 'events');
    expect(records).toContainEqual(
      expect.objectContaining({ type: 'buildDiffers', build: 'b2', began: 'b1', programs: ['update'] }),
    );
    expect((await readManifest(run.folder)).builds).toEqual(['b1', 'b2']);
  });

  it('frees its address when it is closed', async () => {
    const first = await serve(await newRun());
    await expect(serve(await newRun(), { bind: first.endpoint })).rejects.toMatchObject({ code: 'address' });
    await first.close();
    const second = await serve(await newRun(), { bind: first.endpoint });
    expect(second.endpoint).toBe(first.endpoint);
  });

  it('needs keys beyond loopback, and reports refused connections', async () => {
    await expect(serve(await newRun(), { bind: 'tcp://0.0.0.0:0' })).rejects.toMatchObject({
      code: 'credentials',
    });
    const keys = generateKeys();
    const coordinator = await serve(await newRun(), { keys: keys.server });
    const stranger = { ...generateKeys().client, serverKey: keys.server.publicKey };
    await expect(joinFakeWorker(coordinator.endpoint, 'x', { keys: stranger })).rejects.toMatchObject({
      code: 'credentials',
    });
    await until(coordinator, ({ type }) => type === 'turnedAway');
    const friend = await joinFakeWorker(coordinator.endpoint, 'y', { keys: keys.client });
    open.push(friend);
    await friend.next('welcome');
  });
});

describe('an event file', () => {
  const session = { hyperparameters: { rate: 0.1 }, metrics: [], group: 'g' };

  it('is written while the run goes on', async () => {
    const run = await newRun();
    const path = join(run.folder, 'events.out.tfevents.lockstep');
    const coordinator = await serve(run, { eventFile: { path, session } });
    const worker = await admit(coordinator, 'a');
    const { generation } = (await worker.joinAt(-1)).message;
    const before = (await readFile(path)).length;
    commit(worker, generation, 1);
    await until(coordinator, ({ type }) => type === 'progress');
    const events = await readFile(path);
    expect(soundBytes(events)).toBe(events.length);
    expect(events.subarray(before).includes('train/loss')).toBe(true);
  });

  it('that cannot be opened frees the address and leaves the run to the caller', async () => {
    const run = await newRun();
    const eventFile = { path: join(run.folder, 'none', 'x'), session };
    await expect(serve(run, { eventFile })).rejects.toMatchObject({ code: 'file' });
    await run.journal({ type: 'started', incarnation: 1 });
  });
});

describe('an interrupted run', () => {
  async function interrupted(): Promise<string> {
    const run = await newRun();
    const coordinator = await serve(run);
    const worker = await admit(coordinator, 'a');
    await worker.joinAt(-1);
    for (const step of [1, 2]) commit(worker, 1, step);
    await until(coordinator, (update) => update.type === 'progress' && update.step === 2);
    coordinator.interrupt();
    const { generation } = (await worker.next('prepare')).message;
    worker.send({ type: 'ready', generation, step: 2 });
    await worker.next('save');
    sendCheckpoint(worker, 2, checkpointBytes.subarray(0, 50), checkpointBytes.subarray(50));
    expect(await coordinator.done).toEqual({ reason: 'interrupted', step: 2 });
    expect((await worker.next('stop')).message.reason).toBe('interrupted');
    await worker.close();
    await coordinator.close();
    return run.folder;
  }

  it('is saved, and another coordinator resumes it from its checkpoint', async () => {
    const folder = await interrupted();
    expect(await readdir(checkpointFolder(folder))).toEqual([
      'step-00000002.json',
      'step-00000002.safetensors',
    ]);
    const coordinator = await serve(await openRun(folder));
    const worker = await joinFakeWorker(coordinator.endpoint, 'new');
    open.push(worker);
    expect((await worker.next('welcome')).message).toMatchObject({ incarnation: 2, step: 2 });
    worker.send({ type: 'loaded', dataHash: 'data' });
    const { message: begin } = await worker.joinAt(-1);
    expect(begin).toMatchObject({ step: 2, source: 'checkpoint', profile: 'portable' });
    expect(begin.generation).toBeGreaterThan(1);
    const { message, frames } = await worker.next('restore');
    expect(message).toMatchObject({ generation: begin.generation, step: 2, header: { seed: 1 } });
    expect(decodeSafetensors(frames[0]!).tensors['params/w']!.data).toEqual(Float32Array.of(1, 2));

    // Step 2 is in the metrics already and is not logged again; step 3 is new.
    for (const step of [2, 3]) commit(worker, begin.generation, step);
    await until(coordinator, (update) => update.type === 'progress' && update.step === 3);
    const { records } = await readLog(folder, 'metrics');
    expect(records.filter(({ kind }) => kind === 'step').map(({ step }) => step)).toEqual([1, 2, 3]);
  });

  it('refuses other data when it is resumed', async () => {
    const coordinator = await serve(await openRun(await interrupted()));
    const worker = await joinFakeWorker(coordinator.endpoint, 'new');
    open.push(worker);
    await worker.next('welcome');
    worker.send({ type: 'loaded', dataHash: 'other data' });
    expect((await worker.next('refused')).message.code).toBe('data');
  });

  it('stops at once when it is interrupted twice', async () => {
    const coordinator = await serve(await newRun());
    const worker = await admit(coordinator, 'a');
    await worker.joinAt(-1);
    coordinator.interrupt();
    coordinator.interrupt();
    expect(await coordinator.done).toEqual({ reason: 'interrupted', step: -1 });
    expect((await worker.next('stop')).message.reason).toBe('interrupted');
  });
});
