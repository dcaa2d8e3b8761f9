/** Coordinators of branches: the steps up to the first one are those of another run. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { checkpointFolder, encodeSafetensors, listCheckpoints, saveCheckpoint } from '@lockstep/checkpoint';
import { createRun, type Run, readLog } from '@lockstep/tracking';
import { pino } from 'pino';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { type Coordinator, startCoordinator } from './coordinator.ts';
import { type FakeWorker, joinFakeWorker } from './fixtures/fake-worker.ts';

let root: string;
const open: { close(graceMs?: number): Promise<void> }[] = [];
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'lockstep-branch-'));
});
afterEach(async () => {
  for (const one of open.splice(0).reverse()) await one.close(0);
  await rm(root, { recursive: true });
});

/** A branch that begins after step 5, and has the checkpoint of this step, without a journal. */
async function newBranch(): Promise<Run> {
  const parent = { run: '2026-11-30-tiny-0001', step: 5, chain: 'c' };
  const run = await createRun({ root, name: 'tiny', manifest: { parent } });
  open.push(run);
  const tensors = { 'params/w': { dtype: 'float32', shape: [2], data: Float32Array.of(1, 2) } } as const;
  await saveCheckpoint(checkpointFolder(run.folder), { step: 5, header: {}, tensors });
  return run;
}

async function serve(run: Run): Promise<Coordinator> {
  const coordinator = await startCoordinator({
    ...{ run, bind: 'tcp://127.0.0.1:0', version: '0.1.0', build: 'b1', config: {}, numShards: 8 },
    ...{ minWorkers: 1, profile: 'portable', logger: pino({ level: 'silent' }) },
    experiment: { name: 'tiny', bundle: new Uint8Array(1) },
  });
  open.push(coordinator);
  return coordinator;
}

async function admit({ endpoint }: Coordinator, id: string): Promise<FakeWorker> {
  const worker = await joinFakeWorker(endpoint, id);
  open.push(worker);
  await worker.next('welcome');
  worker.send({ type: 'loaded' });
  return worker;
}

it('begins with the checkpoint, and logs no evaluation of the state that the parent has evaluated', async () => {
  const run = await newBranch();
  const coordinator = await serve(run);
  const worker = await admit(coordinator, 'a');
  const { generation } = (await worker.joinAt(-1)).message;
  const evaluated = { type: 'evaluated', generation, final: false, report: {} } as const;
  worker.send({ ...evaluated, step: 5 });
  worker.send({ type: 'committed', generation, step: 6, report: {} });
  worker.send({ ...evaluated, step: 6 });
  await new Promise<void>((resolve) => {
    coordinator.onUpdate(({ type }) => type === 'evaluation' && resolve());
  });
  const { records } = await readLog(run.folder, 'metrics');
  expect(records.flatMap(({ kind, step }) => (kind === 'work' ? [] : [[kind, step]]))).toEqual([
    ['step', 6],
    ['evaluation', 6],
  ]);
});

it('keeps its first checkpoint', async () => {
  const run = await newBranch();
  const coordinator = await serve(run);
  const worker = await admit(coordinator, 'a');
  await worker.joinAt(-1);
  const bytes = encodeSafetensors({ w: { dtype: 'float32', shape: [1], data: Float32Array.of(1) } });
  for (const step of [6, 7, 8, 9]) {
    worker.send({ type: 'checkpoint', step, header: {}, frames: [bytes.length] }, [bytes]);
  }
  await new Promise<void>((resolve) => {
    coordinator.onUpdate((update) => update.type === 'checkpoint' && update.step === 9 && resolve());
  });
  const steps = (await listCheckpoints(checkpointFolder(run.folder))).map(({ step }) => step);
  expect(steps).toContain(5);
});

it('does not start from the seed where its first checkpoint is missing', async () => {
  const run = await newBranch();
  await rm(checkpointFolder(run.folder), { recursive: true });
  await expect(serve(run)).rejects.toMatchObject({
    code: 'checkpoint',
    message: expect.stringMatching(/it branched from 2026-11-30-tiny-0001 after step 5, and none of its/),
  });
});

it('ends where its first checkpoint is lost while it runs, and does not begin from the seed', async () => {
  const run = await newBranch();
  const coordinator = await serve(run);
  await rm(checkpointFolder(run.folder), { recursive: true });
  const worker = await admit(coordinator, 'a');
  expect((await worker.joinAt(-1)).message).toMatchObject({ step: 5, source: 'checkpoint' });
  expect(await coordinator.done).toMatchObject({ reason: 'failed', error: { code: 'checkpoint' } });
  expect(worker.heard).not.toContain('restore');
});
