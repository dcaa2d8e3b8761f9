/** A run keeps its own programs when it is resumed. */
import { expect, it, vi } from 'vitest';
import { temporaryFolder } from '../cluster/harness/cluster.ts';
import { startCommand } from '../cluster/harness/command.ts';
import { loadExperiment, trainInOneProcess } from '../cluster/harness/experiment.ts';

it('a run is not resumed with another rate, and goes on with its own', async () => {
  const file = 'test/cluster/experiments/hidden.ts';
  const folder = await temporaryFolder();
  const options = ['--epochs', '400', '--checkpoint-every', '20', '--run-root', folder, '--json'];
  const command = startCommand(['train', file, ...options]);
  const { run } = await command.event('started');
  await command.event('checkpoint');
  command.interrupt();
  await command.event('interrupted');
  await command.exited;

  vi.stubEnv('LOCKSTEP_TEST_RATE', '0.5');
  const other = startCommand(['resume', `${run}`, '--json']);
  expect(await other.event('failed')).toMatchObject({
    code: 'refused',
    message: expect.stringContaining('(update)'),
  });
  expect(await other.exited).toBe(3);

  vi.unstubAllEnvs();
  const experiment = await loadExperiment('hidden', { epochs: 400 });
  const again = startCommand(['resume', `${run}`, '--json']);
  const { fingerprint } = await trainInOneProcess(experiment);
  expect(await again.event('done')).toMatchObject({ fingerprint });
  expect(await again.exited).toBe(0);
});
