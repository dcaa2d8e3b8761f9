/** A run whose update is not finite, though no loss shows it, stops before that update. */
import { expect, it } from 'vitest';
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
