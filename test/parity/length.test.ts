/** A lengthened run on other workers, and commands after it has ended. */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { startCommand } from '../cluster/harness/command.ts';
import { expectedOfChange, resumed, tenSteps } from '../cluster/harness/length.ts';

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
