/** A run whose update is not finite, though no loss shows it, stops before that update; all workers of a run end with its code. */
import { expect, it } from 'vitest';
import { startCluster } from '../cluster/harness/cluster.ts';
import { loadExperiment } from '../cluster/harness/experiment.ts';
import { expectSaved, train } from '../cluster/harness/non-finite.ts';

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
