/** A pool over real sockets, with scripted workers. */
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { checkpointFolder, encodeSafetensors } from '@lockstep/checkpoint';
import { createRun, openRun, type Run, readLog } from '@lockstep/tracking';
import { pino } from 'pino';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { type FakeWorker, joinFakeWorker } from './fixtures/fake-worker.ts';
import { type Pool, type PooledRun, type PooledRunOptions, type PoolUpdate, startPool } from './pool.ts';

const fingerprint = 'f'.repeat(64);
const bundle = new TextEncoder().encode('export default 1;\n');

let root: string;
const open: { close(graceMs?: number): Promise<void> }[] = [];
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'lockstep-pool-'));
});
afterEach(async () => {
  for (const one of open.splice(0).reverse()) await one.close(0);
  await rm(root, { recursive: true });
});

async function newPool(): Promise<Pool> {
  const pool = await startPool({
    ...{ bind: 'tcp://127.0.0.1:0', version: '0.1.0', build: 'b1', logger: pino({ level: 'silent' }) },
  });
  open.push(pool);
  return pool;
}

async function newRun(name: string, durability: Run['durability'] = 'trial'): Promise<Run> {
  const run = await createRun({ root, name, manifest: {}, durability });
  open.push(run);
  return run;
}

async function train(pool: Pool, run: Run, options: Partial<PooledRunOptions> = {}): Promise<PooledRun> {
  return pool.train({
    ...{ run, experiment: { name: run.folder, bundle }, config: { run: { seed: 1 } }, numShards: 8 },
    ...options,
  });
}

/** Resolves with the first future update that is accepted. */
const next = (pool: Pool, accept: (update: PoolUpdate) => boolean): Promise<PoolUpdate> =>
  new Promise((resolve) => {
    const stop = pool.onUpdate((update) => {
      if (!accept(update)) return;
      stop();
      resolve(update);
    });
  });

/** Serves a run to its end after one step, as its only worker, and says hello again. */
async function serve(worker: FakeWorker): Promise<string> {
  const { run, config } = (await worker.next('welcome')).message;
  worker.send({ type: 'loaded', run, dataHash: 'data' });
  const { generation } = (await worker.next('prepare')).message;
  worker.send({ type: 'ready', run, generation, step: -1 });
  await worker.next('begin');
  const report = { metrics: { loss: 1 }, chain: 'c', totalSteps: 1, work: { rank: 0 } };
  worker.send({ type: 'committed', run, generation, step: 1, fingerprint, report });
  if (config.finalCheckpoint !== false) {
    const file = encodeSafetensors({ w: { dtype: 'float32', shape: [1], data: Float32Array.of(1) } });
    worker.send({ type: 'checkpoint', run, step: 1, header: {}, frames: [file.byteLength] }, [file]);
  }
  worker.send({ type: 'finished', run, generation, step: 1, fingerprint, result: {} });
  expect((await worker.next('stop')).message).toMatchObject({ run, reason: 'finished' });
  worker.greet();
  return run;
}

it('gives one worker to one run after the other, and tells it to stop when the pool closes', async () => {
  const pool = await newPool();
  const folders = [await newRun('a'), await newRun('b')];
  const runs = [await train(pool, folders[0]!), await train(pool, folders[1]!)];
  const joined = next(pool, (update) => update.type === 'event' && update.event.type === 'joined');
  const worker = await joinFakeWorker(pool.endpoint, 'w');
  open.push(worker);
  const served = [await serve(worker), await serve(worker)];
  expect(served).toEqual(folders.map(({ folder }) => basename(folder)));
  for (const run of runs) expect(await run.done).toMatchObject({ reason: 'finished', step: 1 });
  await joined;
  expect(pool.numWorkers()).toBe(1);
  const closed = pool.close();
  expect((await worker.next('stop')).message).toEqual({ type: 'stop', reason: 'finished' });
  await worker.close();
  await closed;
});

it('a trial writes its logs and no last checkpoint, unless that is asked for', async () => {
  const pool = await newPool();
  const worker = await joinFakeWorker(pool.endpoint, 'w');
  open.push(worker);
  const cases = [
    { durability: 'trial', options: {}, isSaved: false },
    { durability: 'trial', options: { finalCheckpoint: true }, isSaved: true },
    { durability: 'full', options: {}, isSaved: true },
  ] as const;
  for (const { durability, options, isSaved } of cases) {
    const folder = await newRun(durability, durability);
    const run = await train(pool, folder, options);
    await serve(worker);
    await run.done;
    await run.close();
    const { records } = await readLog(folder.folder, 'journal');
    expect(records.map(({ type }) => type)).toEqual([
      ...['started', 'data', 'profile', 'generation', ...(isSaved ? ['checkpoint'] : []), 'done', 'sealed'],
    ]);
    const saved = await readdir(checkpointFolder(folder.folder)).catch(() => []);
    expect(saved.length > 0).toBe(isSaved);
    // Another process may go on with it.
    await (await openRun(folder.folder)).close();
  }
});

it('refuses a run of a name that it has, and a worker of another build', async () => {
  const pool = await newPool();
  const folder = await newRun('a');
  await train(pool, folder);
  await expect(train(pool, folder)).rejects.toMatchObject({ code: 'argument' });
  const worker = await joinFakeWorker(pool.endpoint, 'w', { hello: { build: 'b2' } });
  open.push(worker);
  expect((await worker.next('refused')).message).toMatchObject({ code: 'build' });
  expect(pool.numWorkers()).toBe(0);
});

it('fails the runs that have not ended when it closes', async () => {
  const pool = await newPool();
  const run = await train(pool, await newRun('a'));
  const worker = await joinFakeWorker(pool.endpoint, 'w');
  open.push(worker);
  await worker.next('welcome');
  const closed = pool.close();
  expect(await run.done).toMatchObject({ reason: 'failed', error: { code: 'lost' } });
  await worker.next('stop');
  worker.greet();
  await worker.next('stop');
  await worker.close();
  await closed;
  await run.close();
});

it('hands a worker that is interrupted in its run back to others', async () => {
  const pool = await newPool();
  const first = await train(pool, await newRun('a'));
  const worker = await joinFakeWorker(pool.endpoint, 'w');
  open.push(worker);
  const { run } = (await worker.next('welcome')).message;
  worker.send({ type: 'loaded', run });
  await worker.next('prepare');
  first.interrupt();
  first.interrupt();
  expect(await first.done).toMatchObject({ reason: 'interrupted' });
  expect((await worker.next('stop')).message).toMatchObject({ run, reason: 'interrupted' });
  await first.close();
  const second = await train(pool, await newRun('b'));
  worker.greet();
  await serve(worker);
  expect(await second.done).toMatchObject({ reason: 'finished' });
});
