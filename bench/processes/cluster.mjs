/** Runs of the command `lockstep`, as a user starts them: a coordinator and workers in processes of their own. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const here = (path) => fileURLToPath(new URL(path, import.meta.url));

/** More steps, and between what is written, than any measurement takes. */
const NEVER = 1_000_000;

/**
 * Starts `lockstep <args>` on an experiment of bench/experiments.
 *
 * @returns `events()`, the objects that it prints, each with the time `at` which it came, in milliseconds; the iteration
 *   throws if the command ends before its reader does. `stop()` ends it and removes its run.
 */
export async function startRun(command, experiment, args) {
  const runRoot = await mkdtemp(join(tmpdir(), 'lockstep-bench-'));
  const child = spawn(
    process.execPath,
    [
      ...[
        here('../../apps/cli/bin/lockstep.mjs'),
        command,
        here(`../experiments/${experiment}.mjs`),
        '--json',
      ],
      ...['--steps', `${NEVER}`, '--fingerprint-every', `${NEVER}`, '--checkpoint-every', `${NEVER}`],
      ...['--run-root', runRoot, ...args],
    ],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  const ended = once(child, 'close');
  return {
    async *events() {
      for await (const line of createInterface({ input: child.stdout })) {
        yield { ...JSON.parse(line), at: performance.now() };
      }
      throw new Error(`lockstep ${command} of ${experiment} ended while it was measured`);
    },
    async stop() {
      child.kill('SIGINT');
      await ended;
      await rm(runRoot, { recursive: true });
    },
  };
}
