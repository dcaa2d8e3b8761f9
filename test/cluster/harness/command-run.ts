/** Runs of the command that last long enough to be stopped, and checks of what they leave behind. */
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { expect } from 'vitest';
import { temporaryFolder } from './cluster.ts';
import { type Command, startCommand } from './command.ts';
import { bestProfile, loadExperiment, trainInOneProcess } from './experiment.ts';

const overrides = { limitSamples: 950, epochs: 20 };
export const file = 'test/cluster/experiments/cnn.ts';

/** The fingerprint of the same run in one process. */
export async function expectedFingerprint(): Promise<string> {
  return (await trainInOneProcess(await loadExperiment('cnn', overrides))).fingerprint;
}

export async function limits(checkpointEvery = 20): Promise<readonly string[]> {
  const { epochs, limitSamples } = overrides;
  const size = ['--epochs', `${epochs}`, '--limit-samples', `${limitSamples}`];
  const checkpoints = ['--checkpoint-every', `${checkpointEvery}`];
  return [...size, ...checkpoints, '--run-root', await temporaryFolder(), '--json'];
}

export async function train(): Promise<Command> {
  return startCommand(['train', file, '--workers', '3', ...(await limits())]);
}

/** Resumes a run with another number of workers and expects the same final bytes. */
export async function expectResumable(run: unknown, fingerprint: string): Promise<void> {
  const resumed = startCommand(['resume', `${run}`, '--workers', '2', '--json']);
  const done = await resumed.event('done');
  expect(done).toMatchObject({ fingerprint, steps: 200, profile: bestProfile });
  expect(await resumed.exited).toBe(0);
}

/** Finds processes by an argument. The address to join is an argument of every worker and of no other process. */
export function processesNaming(argument: string): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && argumentsOf(name).includes(argument))
    .map(Number);
}

function argumentsOf(pid: string): string[] {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
  } catch (error) {
    // The process ended in the meantime.
    if (['ENOENT', 'ESRCH'].includes((error as NodeJS.ErrnoException).code ?? '')) return [];
    throw error;
  }
}

/** Listens on the address; throws EADDRINUSE when another process does. */
export async function expectFree(endpoint: string): Promise<void> {
  const { hostname, port } = new URL(endpoint);
  const server = createServer().listen(Number(port), hostname);
  await once(server, 'listening');
  server.close();
}
