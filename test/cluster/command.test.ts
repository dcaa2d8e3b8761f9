/** The command: stopped by Ctrl-C or killed it leaves nothing behind, and its run can be resumed. */

import { once } from 'node:events';
import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { beforeAll, expect, it, vi } from 'vitest';
import { temporaryFolder } from './harness/cluster.ts';
import { type Command, startCommand } from './harness/command.ts';
import { bestProfile, loadExperiment, trainInOneProcess } from './harness/experiment.ts';

const overrides = { limitSamples: 950, epochs: 20 };
const file = 'test/cluster/experiments/cnn.ts';
let expected: string;
beforeAll(async () => {
  expected = (await trainInOneProcess(await loadExperiment('cnn', overrides))).fingerprint;
});

async function limits(checkpointEvery = 20): Promise<readonly string[]> {
  const { epochs, limitSamples } = overrides;
  const size = ['--epochs', `${epochs}`, '--limit-samples', `${limitSamples}`];
  return [
    ...size,
    '--checkpoint-every',
    `${checkpointEvery}`,
    '--run-root',
    await temporaryFolder(),
    '--json',
  ];
}

async function train(): Promise<Command> {
  return startCommand(['train', file, '--workers', '3', ...(await limits())]);
}

/** The run goes on where it was stopped, with another number of workers, and ends in the same bytes. */
async function expectResumable(run: unknown): Promise<void> {
  const resumed = startCommand(['resume', `${run}`, '--workers', '2', '--json']);
  const done = await resumed.event('done');
  expect(done).toMatchObject({ fingerprint: expected, steps: 200, profile: bestProfile });
  expect(await resumed.exited).toBe(0);
}

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
  await expectResumable(run);
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
  await expectResumable(run);
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

it('resume finds the workers of a coordinator that was killed, and their newer state', async () => {
  // Without a checkpoint before the end, only the workers know how far it was.
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

it('a worker that may not start says why, and ends', async () => {
  const worker = startCommand(['worker', '--join', '127.0.0.1:1', '--bind', 'tcp://0.0.0.0:0']);
  expect(await worker.exited).toBe(3);
  expect(worker.errors()).toMatch(
    /reachable from other machines, and there are no keys; run `lockstep keys`/,
  );
});

/** Processes with an argument: the address to join is every worker's, and no other process has it. */
function processesNaming(argument: string): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && argumentsOf(name).includes(argument))
    .map(Number);
}

function argumentsOf(pid: string): string[] {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
  } catch (error) {
    // It ended while we looked.
    if (['ENOENT', 'ESRCH'].includes((error as NodeJS.ErrnoException).code ?? '')) return [];
    throw error;
  }
}

/** A server of ours gets the address: otherwise `listening` rejects with EADDRINUSE. */
async function expectFree(endpoint: string): Promise<void> {
  const { hostname, port } = new URL(endpoint);
  const server = createServer().listen(Number(port), hostname);
  await once(server, 'listening');
  server.close();
}
