/** A coordinator that seals its run when the run has ended in order. */
import { appendFile, mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { checkpointFolder, encodeSafetensors } from '@lockstep/checkpoint';
import { checkSeal, createRun, openRun, type Run, readLog } from '@lockstep/tracking';
import { pino } from 'pino';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { type Coordinator, startCoordinator } from './coordinator.ts';
import { type FakeWorker, joinFakeWorker } from './fixtures/fake-worker.ts';
import type { Notice } from './notices.ts';

const bytes = encodeSafetensors({ w: { dtype: 'float32', shape: [1], data: Float32Array.of(1) } });

let root: string;
const open: { close(graceMs?: number): Promise<void> }[] = [];
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'lockstep-seals-'));
});
afterEach(async () => {
  for (const one of open.splice(0).reverse()) await one.close(0);
  await rm(root, { recursive: true });
});

async function newRun(): Promise<Run> {
  const files = { 'experiment.mjs': Buffer.from('export default 1;\n') };
  const run = await createRun({ root, name: 'tiny', manifest: {}, files });
  open.push(run);
  return run;
}

interface Served extends Coordinator {
  readonly worker: FakeWorker;
  readonly told: readonly Notice[];
}

/** `step`: of the state from which the worker goes on. */
async function serve(run: Run, step = -1): Promise<Served> {
  const coordinator = await startCoordinator({
    ...{ run, bind: 'tcp://127.0.0.1:0', version: '0.1.0', build: 'b1', config: {} },
    ...{ numShards: 8, minWorkers: 1, profile: 'portable', sealedFiles: ['experiment.mjs'] },
    experiment: { name: 'tiny', bundle: new Uint8Array(1) },
    logger: pino({ level: 'silent' }),
  });
  open.push(coordinator);
  const told: Notice[] = [];
  coordinator.onUpdate((update) => {
    if (update.type === 'notice') told.push(update.notice);
  });
  const worker = await joinFakeWorker(coordinator.endpoint, 'a');
  open.push(worker);
  await worker.next('welcome');
  worker.send({ type: 'loaded' });
  await worker.joinAt(step);
  return { ...coordinator, worker, told };
}

/** Trains one step and ends the run with its checkpoint. */
async function finish({ done, worker, close }: Served, generation: number, step: number): Promise<void> {
  worker.send({ type: 'committed', generation, step, report: { metrics: { loss: 1 } } });
  worker.send({ type: 'checkpoint', step, header: {}, frames: [bytes.length] }, [bytes]);
  worker.send({ type: 'finished', generation, step, fingerprint: 'f', result: {} });
  expect(await done).toMatchObject({ reason: 'finished' });
  await worker.close();
  await close();
}

it('a run that has finished is sealed, and so is what it adds when it goes on', async () => {
  const run = await newRun();
  await finish(await serve(run), 1, 1);
  const first = await checkSeal(run.folder);
  expect(first).toMatchObject({ state: 'sealed', findings: [], removed: [] });
  expect([...first.intact].sort()).toEqual([
    ...['checkpoints/step-00000001.json', 'checkpoints/step-00000001.safetensors'],
    ...['events.jsonl', 'experiment.mjs', 'journal.jsonl', 'manifest.json', 'metrics.jsonl'],
  ]);
  const resumed = await serve(await openRun(run.folder), 1);
  expect(await checkSeal(run.folder)).toMatchObject({ state: 'resumed', findings: [] });
  await finish(resumed, 2, 2);
  const { state, intact, findings } = await checkSeal(run.folder);
  expect({ state, findings }).toEqual({ state: 'sealed', findings: [] });
  expect(intact.filter((file) => file.includes('step-'))).toHaveLength(4);
});

it('an interrupted run is sealed', async () => {
  const run = await newRun();
  const { done, worker, interrupt, close } = await serve(run);
  interrupt();
  const { generation } = (await worker.next('prepare')).message;
  worker.send({ type: 'ready', generation, step: 4 });
  await worker.next('save');
  worker.send({ type: 'checkpoint', step: 4, header: {}, frames: [bytes.length] }, [bytes]);
  expect(await done).toEqual({ reason: 'interrupted', step: 4 });
  await worker.close();
  await close();
  expect(await checkSeal(run.folder)).toMatchObject({ state: 'sealed', findings: [] });
  const [file] = await readdir(checkpointFolder(run.folder));
  await appendFile(join(checkpointFolder(run.folder), file!), ' ');
  expect((await checkSeal(run.folder)).findings).toMatchObject([{ file: `checkpoints/${file}` }]);
});

it('a run that has failed, and one whose coordinator is closed before its end, have no seal', async () => {
  const failed = await newRun();
  const { done, worker, close } = await serve(failed);
  worker.send({ type: 'failed', error: { code: 'shape', message: 'matmul', facts: {} } });
  expect(await done).toMatchObject({ reason: 'failed' });
  await worker.close();
  await close();
  const cutShort = await newRun();
  await (await serve(cutShort)).close(0);
  for (const { folder } of [failed, cutShort]) expect((await checkSeal(folder)).state).toBe('unsealed');
});

it('a run whose files cannot be read has its result, and a notice', async () => {
  const run = await newRun();
  const served = await serve(run);
  await rm(join(run.folder, 'experiment.mjs'));
  await mkdir(join(run.folder, 'experiment.mjs'));
  await finish(served, 1, 1);
  expect(served.told).toMatchObject([{ type: 'sealFailed', message: expect.stringContaining('EISDIR') }]);
  expect((await readLog(run.folder, 'events')).records.at(-1)).toMatchObject({ type: 'sealFailed' });
});
