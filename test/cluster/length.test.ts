/** A run that is made longer: its result follows from where its length was changed, whoever computes it. */
import { cp, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { adam, where } from 'lockstep';
import { expect, it } from 'vitest';
import { rate } from './experiments/cosine.ts';
import { temporaryFolder } from './harness/cluster.ts';
import { startCommand } from './harness/command.ts';
import { loadExperiment, trainInOneProcess } from './harness/experiment.ts';

const file = 'test/cluster/experiments/cosine.ts';

/** One run of 24 steps whose rate is, up to step 10, that of a run of 10. */
async function expectedOfChange(): Promise<string> {
  const loaded = await loadExperiment('cosine', { steps: 24 });
  const optimizer = adam((step, total) => where(step.less(10), rate(step, 10), rate(step, total)));
  return (await trainInOneProcess({ ...loaded, experiment: { ...loaded.experiment, optimizer } }))
    .fingerprint;
}

async function resumed(...args: string[]) {
  const command = startCommand(['resume', ...args, '--json']);
  const done = await command.event('done');
  const note = args.includes('--steps') ? await command.event('note') : undefined;
  expect(await command.exited).toBe(0);
  return { done, note };
}

it('a finished run goes on with the new length, to the same bytes on any workers', async () => {
  const root = await temporaryFolder();
  const trained = startCommand(['train', file, '--workers', '2', '--run-root', root, '--json']);
  const first = await trained.event('done');
  expect(await trained.exited).toBe(0);
  const run = `${first.run}`;
  await cp(run, join(root, 'copy'), { recursive: true });

  const expected = await expectedOfChange();
  const fromStart = (await trainInOneProcess(await loadExperiment('cosine', { steps: 24 }))).fingerprint;
  const longer = await resumed(run, '--steps', '24', '--workers', '1');
  expect(longer.done).toMatchObject({ steps: 24, fingerprint: expected });
  expect(longer.note).toMatchObject({
    message: expect.stringMatching(/^the length changes after step 10, from 10 steps to 24/),
  });
  // The rate of the first ten steps was that of a run of ten.
  expect(expected).not.toBe(fromStart);
  const other = await resumed(join(root, 'copy'), '--steps', '24', '--workers', '3');
  expect(other.done).toMatchObject({ steps: 24, fingerprint: expected });

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

  // It has finished again; and cannot become shorter than it is.
  expect((await resumed(run)).done).toMatchObject({ steps: 24, fingerprint: expected });
  const short = startCommand(['resume', run, '--steps', '12']);
  expect(await short.exited).toBe(2);
  expect(short.errors()).toContain(`--steps 12: that is 12 steps in all, and ${run} has done 24`);

  // Without the checkpoints since the change, its steps before could not be done again as they were.
  await rm(join(run, 'checkpoints'), { recursive: true });
  await rm(join(run, 'events.jsonl'));
  const lost = startCommand(['resume', run]);
  expect(await lost.exited).toBe(1);
  expect(lost.errors()).toContain('its length was changed after step 10');
});
