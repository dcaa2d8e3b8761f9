/** After Ctrl-C or a kill, the command leaves no process behind, and its run can be resumed. */

import { beforeAll, expect, it } from 'vitest';
import { startCommand } from './harness/command.ts';
import {
  expectedFingerprint,
  expectFree,
  expectResumable,
  file,
  limits,
  processesNaming,
  train,
} from './harness/command-run.ts';

let expected: string;
beforeAll(async () => {
  expected = await expectedFingerprint();
});

it('Ctrl-C stops every process, frees the port and leaves a run that can be resumed', async () => {
  const command = await train();
  const { endpoint, run } = await command.event('started');
  await command.event('checkpoint');
  expect(processesNaming(`${endpoint}`)).toHaveLength(3);
  command.interrupt();
  expect(await command.event('interrupted')).toMatchObject({ run });
  expect(await command.exited).toBe(130);
  expect(processesNaming(`${endpoint}`)).toEqual([]);
  await expectFree(`${endpoint}`);
  await expectResumable(run, expected);
});

it('resume finds the workers of a coordinator that was killed, and their newer state', async () => {
  // The run writes no checkpoint before its end, so only the workers have its state.
  const coordinator = startCommand([
    'coordinator',
    file,
    '--workers-expected',
    '2',
    ...(await limits(1_000)),
  ]);
  const { endpoint, run } = await coordinator.event('started');
  const join = `${endpoint}`.replace('tcp://', '');
  const workers = [1, 2].map(() => startCommand(['worker', '--join', join, '--threads', '1']));
  await coordinator.event('evaluation');
  coordinator.kill();
  expect(await coordinator.exited).toBeNull();
  const resumed = startCommand(['resume', `${run}`, '--json']);
  expect(await resumed.event('started')).toMatchObject({ endpoint });
  const { step, source } = await resumed.event('generation');
  expect(step).toBeGreaterThanOrEqual(10);
  expect(source).toHaveProperty('worker');
  expect(await resumed.event('done')).toMatchObject({ fingerprint: expected });
  expect(await resumed.exited).toBe(0);
  expect(await Promise.all(workers.map(({ exited }) => exited))).toEqual([0, 0]);
});

it('a worker that may not start says why, and ends', async () => {
  const worker = startCommand(['worker', '--join', '127.0.0.1:1', '--bind', 'tcp://0.0.0.0:0']);
  expect(await worker.exited).toBe(3);
  expect(worker.errors()).toMatch(
    /reachable from other machines, and there are no keys; run `lockstep keys`/,
  );
});
