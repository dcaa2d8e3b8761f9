/** Runs with values that are not finite, and the checkpoints that they leave. */
import { loadCheckpoint } from '@lockstep/checkpoint';
import { expect } from 'vitest';
import { temporaryFolder } from './cluster.ts';
import { type Command, startCommand } from './command.ts';
import { bestProfile, loadExperiment, trainInOneProcess } from './experiment.ts';

/** Trains an experiment of test/cluster/experiments on two workers. */
export const train = async (name: string): Promise<Command> => {
  const folder = ['--run-root', await temporaryFolder(), '--json'];
  return startCommand(['train', `test/cluster/experiments/${name}.ts`, '--workers', '2', ...folder]);
};

/** Expects the newest checkpoint to equal the state of a run that ends at that step. */
export async function expectSaved(run: unknown, name: string, step: number): Promise<void> {
  const shorter = await trainInOneProcess(await loadExperiment(name, { steps: step }), {
    profile: bestProfile,
  });
  const saved = await loadCheckpoint(`${run}/checkpoints`);
  expect(saved).toMatchObject({ step, skipped: [], header: { fingerprint: shorter.fingerprint } });
}
