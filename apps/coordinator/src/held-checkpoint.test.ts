/** A coordinator keeps a checkpoint in memory until all members have reported its step. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { checkpointFolder, encodeSafetensors, listCheckpoints, loadCheckpoint } from '@lockstep/checkpoint';
import { createRun } from '@lockstep/tracking';
import { pino } from 'pino';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { startCoordinator } from './coordinator.ts';
import { type FakeWorker, joinFakeWorker } from './fixtures/fake-worker.ts';
import type { Update } from './updates.ts';

const bytes = encodeSafetensors({ w: { dtype: 'float32', shape: [1], data: Float32Array.of(7) } });

let root: string;
const open: { close(graceMs?: number): Promise<void> }[] = [];
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'lockstep-held-'));
});
afterEach(async () => {
  for (const one of open.splice(0).reverse()) await one.close(0);
  await rm(root, { recursive: true });
});

/** Two members, of which the first has sent the checkpoint of step 1. */
async function held() {
  const run = await createRun({ root, name: 'tiny', manifest: {} });
  open.push(run);
  const coordinator = await startCoordinator({
    ...{ run, bind: 'tcp://127.0.0.1:0', version: '0.1.0', build: 'b1', config: {} },
    ...{ numShards: 8, minWorkers: 2, profile: 'portable' },
    experiment: { name: 'tiny', bundle: new Uint8Array(1) },
    logger: pino({ level: 'silent' }),
  });
  open.push(coordinator);
  const when = (type: Update['type']) =>
    new Promise<void>((resolve) => {
      coordinator.onUpdate((update) => {
        if (update.type === type) resolve();
      });
    });
  const [isSaved, isHere] = [when('checkpoint'), when('evaluation')];
  const workers: FakeWorker[] = [];
  for (const id of ['a', 'b']) {
    const worker = await joinFakeWorker(coordinator.endpoint, id);
    open.push(worker);
    workers.push(worker);
    await worker.next('welcome');
    worker.send({ type: 'loaded' });
  }
  await Promise.all(workers.map((worker) => worker.joinAt(-1)));
  const commit = (worker: FakeWorker, stateHash: string): void =>
    worker.send({ type: 'committed', generation: 1, step: 1, stateHash, report: {} });
  const [a, b] = workers as [FakeWorker, FakeWorker];
  commit(a, 'right');
  a.send({ type: 'checkpoint', step: 1, header: { stateHash: 'right' }, frames: [bytes.length] }, [bytes]);
  // What comes behind the checkpoint shows that it is here.
  a.send({ type: 'evaluated', generation: 1, step: 1, final: false, report: {} });
  await isHere;
  return { coordinator, folder: checkpointFolder(run.folder), isSaved, commit, b };
}

it('a checkpoint is stored, as it came, when the others have reported the same state', async () => {
  const { folder, isSaved, commit, b } = await held();
  expect(await listCheckpoints(folder)).toEqual([]);
  commit(b, 'right');
  await isSaved;
  const { tensors, header } = (await loadCheckpoint(folder, 1))!;
  expect([[...tensors.w!.data], header]).toEqual([[7], { stateHash: 'right' }]);
});

it('a checkpoint at which another member differs is never on the disk', async () => {
  const { coordinator, folder, commit, b } = await held();
  commit(b, 'wrong');
  expect(await coordinator.done).toMatchObject({ reason: 'failed', error: { facts: { of: 'stateHash' } } });
  await coordinator.close(0);
  expect(await listCheckpoints(folder)).toEqual([]);
});
