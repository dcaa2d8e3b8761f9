/** A lengthened run: its result depends on the step at which its length was changed, and on nothing else. */
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { startCommand } from '../cluster/harness/command.ts';
import { loadExperiment, trainInOneProcess } from '../cluster/harness/experiment.ts';
import { expectedOfChange, resumed, tenSteps } from '../cluster/harness/length.ts';

it('a finished run goes on with the new length', async () => {
  const run = await tenSteps();
  const expected = await expectedOfChange();
  const fromStart = (await trainInOneProcess(await loadExperiment('cosine', { steps: 24 }))).fingerprint;
  const { done, note } = await resumed(run, '--steps', '24', '--workers', '1');
  expect(done).toMatchObject({ steps: 24, fingerprint: expected });
  expect(note).toMatchObject({
    message: expect.stringMatching(/^the length changes after step 10, from 10 steps to 24/),
  });
  // The first ten steps used the learning rate of a run of ten steps.
  expect(expected).not.toBe(fromStart);

  const manifest = JSON.parse(await readFile(join(run, 'manifest.json'), 'utf8'));
  expect(manifest).toMatchObject({
    config: { steps: 24, epochs: null },
    changes: [{ step: 10, steps: 24, epochs: null, before: { steps: 10, epochs: null } }],
  });
  const metrics = (await readFile(join(run, 'metrics.jsonl'), 'utf8'))
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  const steps = metrics.flatMap(({ kind, step }) => (kind === 'step' ? [step] : []));
  expect(steps).toEqual(Array.from({ length: 24 }, (_, i) => i + 1));
  expect(metrics.flatMap(({ final, step }) => (final === true ? [step] : []))).toEqual([10, 24]);
});

it('a longer run has the same bytes on three workers, cannot become shorter, and needs its checkpoints', async () => {
  const run = await tenSteps();
  const expected = await expectedOfChange();
  const longer = await resumed(run, '--steps', '24', '--workers', '3');
  expect(longer.done).toMatchObject({ steps: 24, fingerprint: expected });

  expect((await resumed(run)).done).toMatchObject({ steps: 24, fingerprint: expected });
  const short = startCommand(['resume', run, '--steps', '12']);
  expect(await short.exited).toBe(2);
  expect(short.errors()).toContain(`--steps 12: that is 12 steps in all, and ${run} has done 24`);

  // The steps before the change cannot be repeated, because they had the learning rate of the shorter run.
  await rm(join(run, 'checkpoints'), { recursive: true });
  await rm(join(run, 'events.jsonl'));
  const lost = startCommand(['resume', run]);
  expect(await lost.exited).toBe(1);
  expect(lost.errors()).toContain('its length was changed after step 10');
});
