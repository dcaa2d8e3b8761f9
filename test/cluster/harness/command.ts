/** The `lockstep` command as a process of its own, read line by line. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { onTestFinished } from 'vitest';

export const root = fileURLToPath(new URL('../../..', import.meta.url));
const launcher = fileURLToPath(new URL('../../../apps/cli/bin/lockstep.mjs', import.meta.url));

/** A line of `--json`. */
export type JsonEvent = { readonly event: string } & Readonly<Record<string, unknown>>;

export interface Command {
  readonly pid: number;
  /** Resolves with the exit code, null for one that was killed, when all that it printed has been read. */
  readonly exited: Promise<number | null>;
  /** Resolves with the first event of a kind, past or future, or with that of a number; rejects when the command ends without. */
  event(kind: string, number?: number): Promise<JsonEvent>;
  /** As Ctrl-C does it: to the command and to all that it started. */
  interrupt(): void;
  kill(): void;
  /** What it printed on standard error. */
  errors(): string;
}

/** Runs in the root of this workspace. `inside` is a command to run it with, such as `ip netns exec …`. */
export function startCommand(args: readonly string[], inside: readonly string[] = []): Command {
  const [program, ...rest] = [...inside, process.execPath, launcher, ...args] as [string, ...string[]];
  // A group of its own, as a terminal gives it.
  const child = spawn(program, rest, { cwd: root, detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
  const events: JsonEvent[] = [];
  const waiting = new Set<() => void>();
  const wake = (): void => waiting.forEach((look) => void look());
  createInterface(child.stdout).on('line', (line) => {
    if (!line.startsWith('{')) return;
    events.push(JSON.parse(line) as JsonEvent);
    wake();
  });
  const errors: string[] = [];
  child.stderr.setEncoding('utf8').on('data', (text: string) => errors.push(text));
  let isOver = false;
  const exited = once(child, 'close').then(([code]) => {
    isOver = true;
    wake();
    return code as number | null;
  });
  const kill = (): void => void child.kill('SIGKILL');
  onTestFinished(async () => {
    kill();
    await exited;
  });
  return {
    pid: child.pid!,
    exited,
    event: (kind, number = 1) =>
      new Promise((resolve, reject) => {
        const look = (): void => {
          const found = events.filter(({ event }) => event === kind)[number - 1];
          if (found === undefined && !isOver) return;
          waiting.delete(look);
          if (found !== undefined) resolve(found);
          else
            reject(
              new Error(
                `the command ended without "${kind}" number ${number}:\n${JSON.stringify(events)}\n${errors.join('')}`,
              ),
            );
        };
        waiting.add(look);
        look();
      }),
    interrupt: () => process.kill(-child.pid!, 'SIGINT'),
    kill,
    errors: () => errors.join(''),
  };
}
