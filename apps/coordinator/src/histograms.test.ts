/** A coordinator of a run that takes histograms. */
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { encodeSafetensors } from '@lockstep/checkpoint';
import { histogram } from '@lockstep/tensor';
import {
  checkSeal,
  createRun,
  type Manifest,
  openRun,
  type Run,
  readHistograms,
  readLog,
} from '@lockstep/tracking';
import { pino } from 'pino';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { startCoordinator } from './coordinator.ts';
import { joinFakeWorker } from './fixtures/fake-worker.ts';
import type { Update } from './updates.ts';

const bytes = encodeSafetensors({ w: { dtype: 'float32', shape: [1], data: Float32Array.of(1) } });

let root: string;
const open: { close(graceMs?: number): Promise<void> }[] = [];
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'lockstep-histograms-'));
});
afterEach(async () => {
  for (const one of open.splice(0).reverse()) await one.close(0);
  await rm(root, { recursive: true });
});

async function newRun(manifest: Manifest): Promise<Run> {
  const run = await createRun({ root, name: 'tiny', manifest });
  open.push(run);
  return run;
}

/** A worker that goes on from `step`. */
async function serve(run: Run, step = -1) {
  const coordinator = await startCoordinator({
    ...{ run, bind: 'tcp://127.0.0.1:0', version: '0.1.0', build: 'b1', config: {} },
    ...{ numShards: 8, minWorkers: 1, profile: 'portable' },
    experiment: { name: 'tiny', bundle: new Uint8Array(1) },
    logger: pino({ level: 'silent' }),
  });
  open.push(coordinator);
  const updates: Update[] = [];
  coordinator.onUpdate((update) => updates.push(update));
  const worker = await joinFakeWorker(coordinator.endpoint, 'a');
  open.push(worker);
  const { config } = (await worker.next('welcome')).message;
  worker.send({ type: 'loaded' });
  await worker.joinAt(step);
  const commit = (generation: number, of: number, histograms?: unknown): void =>
    worker.send({
      ...{ type: 'committed', generation, step: of },
      report: { metrics: { loss: 1 }, ...(histograms !== undefined && { histograms }) },
    });
  const finish = async (generation: number, of: number): Promise<void> => {
    worker.send({ type: 'checkpoint', step: of, header: {}, frames: [bytes.length] }, [bytes]);
    worker.send({ type: 'finished', generation, step: of, fingerprint: 'f', result: {} });
    expect(await coordinator.done).toMatchObject({ reason: 'finished' });
    await worker.close();
    await coordinator.close();
  };
  return { config, updates, commit, finish };
}

const of = (value: number) => {
  const named = { w: histogram(new Float32Array([value, 0])) };
  return { params: named, gradients: named, updates: named };
};

it('workers are asked for them, and those of the first report of a step are written and sealed', async () => {
  const run = await newRun({ histograms: true });
  const { config, updates, commit, finish } = await serve(run);
  expect(config).toMatchObject({ histograms: true });
  commit(1, 1, of(1));
  commit(1, 1, of(7));
  commit(1, 2);
  commit(1, 3, of(3));
  await finish(1, 3);
  const steps = [
    { step: 1, ...of(1) },
    { step: 3, ...of(3) },
  ];
  expect(await readHistograms(run.folder)).toEqual({ steps, damaged: [] });
  const told = updates.flatMap((update) => (update.type === 'progress' ? [update.histograms] : []));
  expect(told).toEqual([steps[0], undefined, steps[1]]);
  const { records } = await readLog(run.folder, 'metrics');
  expect(records.filter((record) => 'histograms' in record)).toEqual([]);
  const { state, findings, intact } = await checkSeal(run.folder);
  expect({ state, findings }).toEqual({ state: 'sealed', findings: [] });
  expect(intact).toContain('histograms.jsonl');
});

it('a run that goes on adds to them, and what a worker sends instead of histograms is not written', async () => {
  const run = await newRun({ histograms: true });
  const first = await serve(run);
  first.commit(1, 1, of(1));
  await first.finish(1, 1);
  const second = await serve(await openRun(run.folder), 1);
  second.commit(2, 2, { params: { w: 'wide' } });
  second.commit(2, 3, of(3));
  await second.finish(2, 3);
  const { steps, damaged } = await readHistograms(run.folder);
  expect(steps.map(({ step }) => step)).toEqual([1, 3]);
  expect(damaged).toEqual([]);
});

it('other runs have no file, whatever workers report', async () => {
  const run = await newRun({});
  const { config, commit, finish } = await serve(run);
  expect(config).not.toHaveProperty('histograms');
  commit(1, 1, of(1));
  await finish(1, 1);
  expect(await readdir(run.folder)).not.toContain('histograms.jsonl');
});
