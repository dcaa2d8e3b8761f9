/** One worker process, from the build. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { workerEntry } from '@lockstep/worker';

/** What goes wrong on the way to its peers; see `fixtures/faulty-worker.mjs`. */
export interface Faults {
  /** Every frame is late by up to `maxDelayMs`; frames to one peer keep their order. */
  readonly delays?: { readonly seed: number; readonly maxDelayMs: number };
  /** Kills itself with SIGKILL instead of sending its frame of this number, counted from 0. */
  readonly dieAtFrame?: number;
  /** Sends nothing from its frame of this number on, until it is released. */
  readonly holdAtFrame?: number;
  /** Adds up partial results as they come instead of along the tree. */
  readonly sumsAsTheyCome?: boolean;
}

export interface WorkerOptions {
  readonly endpoint: string;
  readonly threads: number;
  readonly faults?: Faults | undefined;
  /** Options of Node itself. */
  readonly nodeOptions?: readonly string[];
  /** Variables beside those of this process. */
  readonly env?: Readonly<Record<string, string>>;
  /** Default: warn. Of workers without faults. */
  readonly logLevel?: 'warn' | 'info';
}

export interface WorkerExit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export interface WorkerProcess {
  readonly pid: number;
  readonly exited: Promise<WorkerExit>;
  /** Resolves when it holds its frames back; rejects when it ends without. */
  held(): Promise<void>;
  release(): void;
  kill(signal: NodeJS.Signals): void;
  /** What it logged, by default warnings and errors. */
  log(): string;
}

// Wherever the package is resolved to: the tests themselves import sources, which Node 20 cannot run.
const builtEntry = fileURLToPath(new URL('../dist/main.js', workerEntry));
const faultyEntry = fileURLToPath(new URL('../fixtures/faulty-worker.mjs', import.meta.url));

export function startWorker(options: WorkerOptions): WorkerProcess {
  const { endpoint, threads, faults, nodeOptions = [], env = {}, logLevel = 'warn' } = options;
  const args =
    faults === undefined
      ? [builtEntry, '--join', endpoint, '--threads', `${threads}`, '--managed', '--log-level', logLevel]
      : [faultyEntry, endpoint, `${threads}`, JSON.stringify(faults)];
  const child = spawn(process.execPath, [...nodeOptions, ...args], {
    stdio: 'pipe',
    env: { ...process.env, ...env },
  });
  const chunks: string[] = [];
  child.stderr.setEncoding('utf8').on('data', (text: string) => chunks.push(text));
  // One that was killed cannot be written to any more; its exit tells.
  child.stdin.on('error', () => undefined);
  const exited = once(child, 'close').then(
    ([code, signal]): WorkerExit => ({
      code: code as number | null,
      signal: signal as NodeJS.Signals | null,
    }),
  );
  const saysHeld = once(child.stdout, 'data').then(() => true);
  return {
    pid: child.pid!,
    exited,
    held: async () => {
      const isHeld = await Promise.race([saysHeld, exited.then(() => false)]);
      if (!isHeld)
        throw new Error(`the worker has ended without holding its frames back\n${chunks.join('')}`);
    },
    release: () => child.stdin.write('\n'),
    kill: (signal) => child.kill(signal),
    log: () => chunks.join(''),
  };
}
