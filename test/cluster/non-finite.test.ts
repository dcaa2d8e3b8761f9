/** A run with a value that is not finite stops at that step, with its own exit code, and saves the state before the step. */

import { loadCheckpoint } from '@lockstep/checkpoint';
import { expect, it } from 'vitest';
import { startCluster, temporaryFolder } from './harness/cluster.ts';
import { type Command, startCommand } from './harness/command.ts';
import { bestProfile, loadExperiment, trainInOneProcess } from './harness/experiment.ts';

const train = async (name: string): Promise<Command> => {
  const folder = ['--run-root', await temporaryFolder(), '--json'];
  return startCommand(['train', `test/cluster/experiments/${name}.ts`, '--workers', '2', ...folder]);
};

/** Expects the newest checkpoint to equal the state of a run that ends at that step. */
async function expectSaved(run: unknown, name: string, step: number): Promise<void> {
  const shorter = await trainInOneProcess(await loadExperiment(name, { steps: step }), {
    profile: bestProfile,
  });
  const saved = await loadCheckpoint(`${run}/checkpoints`);
  expect(saved).toMatchObject({ step, skipped: [], header: { fingerprint: shorter.fingerprint } });
}

it('a loss that is not finite stops the run before the update, and is named by file and line', async () => {
  const command = await train('logarithm');
  expect(await command.event('nonFinite')).toEqual({
    ...{ event: 'nonFinite', cause: 'step', step: 4, what: ['loss'] },
  });
  const { run, message } = await command.event('stoppedNonFinite');
  expect(message).toContain('log makes 1 NaN in 1 element');
  expect(message).toContain('test/cluster/experiments/logarithm.ts:8:');
  expect(await command.exited).toBe(5);
  await expectSaved(run, 'logarithm', 3);
  // The resumed run computes the same step, so it stops again.
  const resumed = startCommand(['resume', `${run}`, '--workers', '1', '--json']);
  expect(await resumed.event('generation')).toMatchObject({ step: 3, source: 'checkpoint' });
  expect(await resumed.event('nonFinite')).toMatchObject({ step: 4 });
  expect(await resumed.exited).toBe(5);
});

it('an update that makes a parameter non-finite is found, though no loss shows it', async () => {
  const command = await train('broken-update');
  expect(await command.event('nonFiniteState')).toMatchObject({
    step: 8,
    what: ['parameter unused'],
    from: 0,
  });
  expect(await command.event('nonFinite')).toMatchObject({
    ...{ cause: 'update', step: 3, what: ['parameter unused'] },
  });
  expect(await command.exited).toBe(5);
  const { run } = await command.event('stoppedNonFinite');
  await expectSaved(run, 'broken-update', 2);
});

it('workers end with the same code', async () => {
  const cluster = await startCluster({ experiment: await loadExperiment('logarithm'), workers: 2 });
  const { outcome, exits } = await cluster.end();
  expect(outcome).toMatchObject({ reason: 'nonFinite', step: 4 });
  expect(exits).toEqual([
    { code: 5, signal: null },
    { code: 5, signal: null },
  ]);
});
