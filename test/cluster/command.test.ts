/** The command: stopped by Ctrl-C or killed it leaves nothing behind, and its run can be resumed. */

import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { createServer } from 'node:net';
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

async function train(): Promise<Command> {
  const { epochs, limitSamples } = overrides;
  const limits = ['--epochs', `${epochs}`, '--limit-samples', `${limitSamples}`, '--checkpoint-every', '20'];
  const folder = await temporaryFolder();
  return startCommand(['train', file, '--workers', '3', ...limits, '--run-root', folder, '--json']);
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
