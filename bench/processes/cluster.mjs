/** Runs the command `lockstep` as a user does, with coordinator and workers in separate processes. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const here = (path) => fileURLToPath(new URL(path, import.meta.url));

const launcher = here('../../apps/cli/bin/lockstep.mjs');

/** More steps than any measurement takes, so that no file is written during it. */
const NEVER = 1_000_000;

/**
 * Starts `lockstep <command>` on an experiment of bench/experiments.
 *
 * @returns `startedAt` in milliseconds; `next(event)`, which resolves with the next printed object of that event and its
 *   time `at`, and rejects if the command ends; `stop()`, which ends the command and removes its run.
 */
export async function startRun(command, experiment, args) {
  const runRoot = await mkdtemp(join(tmpdir(), 'lockstep-bench-'));
  const startedAt = performance.now();
  const child = spawn(
    process.execPath,
    [
      ...[launcher, command, here(`../experiments/${experiment}.mjs`), '--json'],
      ...['--steps', `${NEVER}`, '--fingerprint-every', `${NEVER}`, '--checkpoint-every', `${NEVER}`],
      ...['--run-root', runRoot, ...args],
    ],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  const ended = once(child, 'close');
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return {
    startedAt,
    async next(event) {
      for (;;) {
        const { value, done } = await lines.next();
        if (done) throw new Error(`lockstep ${command} of ${experiment} ended while it was measured`);
        const printed = JSON.parse(value);
        if (printed.event === event) return { ...printed, at: performance.now() };
      }
    },
    async stop() {
      child.kill('SIGINT');
      await ended;
      await rm(runRoot, { recursive: true });
    },
  };
}

/** A worker process with one thread that joins a coordinator, and ends with it. */
export function startWorker(endpoint) {
  const startedAt = performance.now();
  const child = spawn(process.execPath, [launcher, 'worker', '--join', endpoint, '--threads', '1'], {
    stdio: 'ignore',
  });
  return {
    startedAt,
    /** The peak memory of the process in MB. */
    async peakMemory() {
      const status = await readFile(`/proc/${child.pid}/status`, 'utf8');
      return Number(/VmHWM:\s+(\d+) kB/.exec(status)[1]) / 1024;
    },
    ended: once(child, 'close'),
  };
}
