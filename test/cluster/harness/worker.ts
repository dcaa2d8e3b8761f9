/** A worker process that runs the build. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { PlantedFault } from '@lockstep/training';
import { workerEntry } from '@lockstep/worker';

/** Faults in the frames to a worker's peers, and in what it computes; see `fixtures/faulty-worker.mjs`. */
export interface Faults {
  /** Delays every frame by up to `maxDelayMs`; frames to one peer keep their order. */
  readonly delays?: { readonly seed: number; readonly maxDelayMs: number };
  /** The worker kills itself with SIGKILL instead of sending the frame with this number, counted from 0. */
  readonly dieAtFrame?: number;
  /** The worker holds back all frames from this number on until it is released. */
  readonly holdAtFrame?: number;
  /** The worker adds up partial results in order of arrival instead of along the tree. */
  readonly sumsAsTheyCome?: boolean;
  /** The worker changes the last bit of one element that it has read or computed, and records what it then has. */
  readonly planted?: PlantedFault;
}

export interface WorkerOptions {
  readonly endpoint: string;
  readonly threads: number;
  readonly faults?: Faults | undefined;
  /** Command-line options of Node. */
  readonly nodeOptions?: readonly string[];
  /** Environment variables in addition to those of this process. */
  readonly env?: Readonly<Record<string, string>>;
  /** Log level. Default: warn. */
  readonly logLevel?: 'warn' | 'info';
}

export interface WorkerExit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export interface WorkerProcess {
  readonly pid: number;
  readonly exited: Promise<WorkerExit>;
  /** Resolves when the worker starts to hold frames back; rejects when it ends before. */
  held(): Promise<void>;
  release(): void;
  kill(signal: NodeJS.Signals): void;
  /** Returns the worker's log. */
  log(): string;
}

// Points to the build even where the package resolves to its sources: tests import sources, which Node 20 cannot run.
const builtEntry = fileURLToPath(new URL('../dist/main.js', workerEntry));
const faultyEntry = fileURLToPath(new URL('../fixtures/faulty-worker.mjs', import.meta.url));

export function startWorker(options: WorkerOptions): WorkerProcess {
  const { endpoint, threads, faults, nodeOptions = [], env = {}, logLevel = 'warn' } = options;
  const args =
    faults === undefined
      ? [builtEntry, '--join', endpoint, '--threads', `${threads}`, '--managed', '--log-level', logLevel]
      : [faultyEntry, endpoint, `${threads}`, JSON.stringify(faults), logLevel];
  const child = spawn(process.execPath, [...nodeOptions, ...args], {
    stdio: 'pipe',
    env: { ...process.env, ...env },
  });
  const chunks: string[] = [];
  child.stderr.setEncoding('utf8').on('data', (text: string) => chunks.push(text));
  // Writing to a killed worker fails; `exited` reports that it ended.
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
