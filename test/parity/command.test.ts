/** The command is killed or stopped at rarer moments than in the short tests. */
import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, expect, it, vi } from 'vitest';
import { startCommand } from '../cluster/harness/command.ts';
import {
  expectedFingerprint,
  expectFree,
  expectResumable,
  processesNaming,
  train,
} from '../cluster/harness/command-run.ts';

let expected: string;
beforeAll(async () => {
  expected = await expectedFingerprint();
});

it('kill -9 leaves no orphan', async () => {
  const command = await train();
  const { endpoint, run } = await command.event('started');
  await command.event('checkpoint');
  expect(processesNaming(`${endpoint}`)).toHaveLength(3);
  command.kill();
  expect(await command.exited).toBeNull();
  await vi.waitFor(() => expect(processesNaming(`${endpoint}`)).toEqual([]), { timeout: 10_000 });
  await expectFree(`${endpoint}`);
  await expectResumable(run, expected);
});

it('Ctrl-C before a lost worker is started again leaves nothing behind', async () => {
  const command = await train();
  const { endpoint } = await command.event('started');
  const { pid } = await command.event('joined');
  process.kill(Number(pid), 'SIGKILL');
  await command.event('workerRestarting');
  command.interrupt();
  expect(await command.exited).toBe(130);
  expect(processesNaming(`${endpoint}`)).toEqual([]);
});

it('a first checkpoint that was cut short is as if it had never been written', async () => {
  const command = await train();
  const { run } = await command.event('started');
  await command.event('checkpoint');
  command.kill();
  await command.exited;
  const folder = join(`${run}`, 'checkpoints');
  for (const name of readdirSync(folder).filter((one) => one.endsWith('.json'))) rmSync(join(folder, name));
  const resumed = startCommand(['resume', `${run}`, '--workers', '2', '--json']);
  expect(await resumed.event('checkpointSkipped')).toMatchObject({
    message: expect.stringContaining('the initial state, which follows from the seed, is used instead'),
  });
  expect(await resumed.event('done')).toMatchObject({ fingerprint: expected });
  expect(await resumed.exited).toBe(0);
});

it('a local worker that is killed before the first step is started again', async () => {
  const command = await train();
  const { pid } = await command.event('joined');
  process.kill(Number(pid), 'SIGKILL');
  expect(await command.event('workerRestarting')).toMatchObject({ signal: 'SIGKILL', attempt: 1 });
  expect(await command.event('generation')).toMatchObject({ workers: { length: 3 } });
  expect(await command.event('done')).toMatchObject({ fingerprint: expected });
  expect(await command.exited).toBe(0);
  const { endpoint } = await command.event('started');
  expect(processesNaming(`${endpoint}`)).toEqual([]);
});
