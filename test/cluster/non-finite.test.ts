/** A run with a value that is not finite stops at that step, with its own exit code, and saves the state before the step. */

import { expect, it } from 'vitest';
import { startCommand } from './harness/command.ts';
import { expectSaved, train } from './harness/non-finite.ts';

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
