/** Runs the `lockstep` command in its own process and reads its output line by line. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { onTestFinished } from 'vitest';

export const root = fileURLToPath(new URL('../../..', import.meta.url));
const launcher = fileURLToPath(new URL('../../../apps/cli/bin/lockstep.mjs', import.meta.url));

/** A line of the output under `--json`. */
export type JsonEvent = { readonly event: string } & Readonly<Record<string, unknown>>;

export interface Command {
  readonly pid: number;
  /** Resolves with the exit code (null after a signal) when all output has been read. */
  readonly exited: Promise<number | null>;
  /** Resolves with the `number`th past or future event of a kind; rejects when the command ends without it. */
  event(kind: string, number?: number): Promise<JsonEvent>;
  /** Sends SIGINT to the command and to all processes that it started, as Ctrl-C does. */
  interrupt(): void;
  kill(): void;
  /** Returns what the command printed on standard error. */
  errors(): string;
}

/** Runs the command in the root of this workspace, under the command `inside`, such as `ip netns exec …`. */
export function startCommand(args: readonly string[], inside: readonly string[] = []): Command {
  const [program, ...rest] = [...inside, process.execPath, launcher, ...args] as [string, ...string[]];
  // A terminal also gives each command its own process group.
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
