/** Runs whose length the command changes. */
import { adam, where } from 'lockstep';
import { expect } from 'vitest';
import { rate } from '../experiments/cosine.ts';
import { temporaryFolder } from './cluster.ts';
import { type JsonEvent, startCommand } from './command.ts';
import { loadExperiment, trainInOneProcess } from './experiment.ts';

const file = 'test/cluster/experiments/cosine.ts';

/** The fingerprint of a run of 24 steps whose learning rate up to step 10 is that of a run of 10 steps. */
export async function expectedOfChange(): Promise<string> {
  const loaded = await loadExperiment('cosine', { steps: 24 });
  const optimizer = adam((step, total) => where(step.less(10), rate(step, 10), rate(step, total)));
  return (await trainInOneProcess({ ...loaded, experiment: { ...loaded.experiment, optimizer } }))
    .fingerprint;
}

/** Resumes a run until it ends. `note` reports the change of length. */
export async function resumed(...args: string[]): Promise<{ done: JsonEvent; note: JsonEvent | undefined }> {
  const command = startCommand(['resume', ...args, '--json']);
  const done = await command.event('done');
  const note = args.includes('--steps') ? await command.event('note') : undefined;
  expect(await command.exited).toBe(0);
  return { done, note };
}

/** Trains a run of 10 steps and returns its folder. */
export async function tenSteps(): Promise<string> {
  const root = await temporaryFolder();
  const trained = startCommand(['train', file, '--workers', '2', '--run-root', root, '--json']);
  const { run } = await trained.event('done');
  expect(await trained.exited).toBe(0);
  return `${run}`;
}
