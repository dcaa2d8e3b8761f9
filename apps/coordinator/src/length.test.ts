/** A coordinator that resumes a run whose length was changed. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { createRun, lengthChanged, type Run } from '@lockstep/tracking';
import { pino } from 'pino';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { startCoordinator } from './coordinator.ts';
import { joinFakeWorker } from './fixtures/fake-worker.ts';
import { readHistory } from './run-log.ts';

let root: string;
const open: { close(graceMs?: number): Promise<void> }[] = [];
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'lockstep-length-'));
});
afterEach(async () => {
  for (const one of open.splice(0).reverse()) await one.close(0);
  await rm(root, { recursive: true });
});

const change = (step: number) => ({
  step,
  epochs: null,
  steps: 9,
  before: { epochs: null, steps: 3 },
  time: 't',
});

async function runOf(...changes: readonly object[]): Promise<Run> {
  const run = await createRun({ root, name: 'tiny', manifest: changes.length === 0 ? {} : { changes } });
  open.push(run);
  return run;
}

async function serve(run: Run) {
  const coordinator = await startCoordinator({
    ...{
      run,
      bind: 'tcp://127.0.0.1:0',
      version: '0.1.0',
      build: 'b1',
      config: {},
      numShards: 8,
      minWorkers: 1,
    },
    ...{ profile: 'auto', logger: pino({ level: 'silent' }) },
    experiment: { name: 'tiny', bundle: new Uint8Array(1) },
  });
  open.push(coordinator);
  return coordinator;
}

it.each([
  [[], ''],
  [[change(0)], '~1'],
  [[change(0), change(0)], '~2'],
])('gives a run with the changes %j an id of its own', async (changes, suffix) => {
  const run = await runOf(...changes);
  const worker = await joinFakeWorker((await serve(run)).endpoint, 'w0');
  open.push(worker);
  const { message } = await worker.next('welcome');
  expect(message.run).toBe(`${basename(run.folder)}${suffix}`);
});

it('does not start from a checkpoint before the last change', async () => {
  await expect(serve(await runOf(change(0), change(4)))).rejects.toMatchObject({
    code: 'checkpoint',
    message: expect.stringMatching(
      /its length was changed after step 4, and the newest checkpoint .* is of step 0/,
    ),
  });
});

it('logs steps again that are repeated with the new length', async () => {
  const run = await runOf();
  await run.journal({ type: 'started', incarnation: 1 });
  for (const step of [1, 2, 3]) run.appendMetrics({ kind: 'step', step });
  run.appendMetrics({ kind: 'evaluation', step: 3, final: true });
  const before = { progressStep: 3, finalEvaluated: true };
  expect((await readHistory(run.folder, 2)).recovered).toMatchObject(before);
  run.appendMetrics({ kind: lengthChanged, ...change(2) });
  const after = { progressStep: 2, finalEvaluated: false };
  expect((await readHistory(run.folder, 2)).recovered).toMatchObject(after);
});
