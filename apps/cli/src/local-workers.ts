/** Worker processes on this machine. They end when their standard input closes, so none outlives this process. */
import { type ChildProcess, spawn } from 'node:child_process';
import { createWriteStream } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export interface WorkerExit {
  readonly index: number;
  /** Undefined for a worker that could not be started. */
  readonly pid: number | undefined;
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  /** The last lines of its log. */
  readonly tail: readonly string[];
}

export interface LocalWorkersOptions {
  readonly count: number;
  readonly threads: number;
  /** The address of the coordinator. */
  readonly endpoint: string;
  readonly keysFolder: string | undefined;
  /** The folder of their logs, `worker-0.log`, … */
  readonly logFolder: string;
  /** The program of a worker. */
  readonly entry: URL;
  readonly onExit: (exit: WorkerExit) => void;
}

export interface LocalWorkers {
  readonly numAlive: () => number;
  /** Whether the process is one of these workers. */
  has(pid: number): boolean;
  /** Starts the worker with this index again. Does nothing after `stop`. */
  start(index: number): void;
  /** Resolves when all workers have ended. Kills those that live after `graceMs`. */
  stop(graceMs: number): Promise<void>;
}

const tailLines = 20;

export function startLocalWorkers(options: LocalWorkersOptions): LocalWorkers {
  const alive = new Map<ChildProcess, Promise<void>>();
  let isStopping = false;
  const start = (index: number): void => {
    if (isStopping) return;
    const child = spawn(process.execPath, argumentsOf(options), { stdio: ['pipe', 'ignore', 'pipe'] });
    const tail = keepTail(child, join(options.logFolder, `worker-${index}.log`));
    const ended = new Promise<void>((resolve) => {
      const end = (code: number | null, signal: NodeJS.Signals | null) => {
        if (!alive.delete(child)) return;
        options.onExit({ index, pid: child.pid, code, signal, tail });
        resolve();
      };
      // The event is 'close' and not 'exit', so that its last lines have been read.
      child.once('close', end);
      child.once('error', (error) => {
        tail.push(error.message);
        end(null, null);
      });
    });
    alive.set(child, ended);
    // A worker that dies during a write is reported by its exit.
    child.stdin?.on('error', () => undefined);
  };
  for (let index = 0; index < options.count; index++) start(index);
  return {
    start,
    numAlive: () => alive.size,
    has: (pid) => [...alive.keys()].some((child) => child.pid === pid),
    stop: async (graceMs) => {
      isStopping = true;
      const all = Promise.all(alive.values());
      for (const child of alive.keys()) child.stdin?.end();
      const kill = setTimeout(() => {
        for (const child of alive.keys()) child.kill('SIGKILL');
      }, graceMs);
      await all;
      clearTimeout(kill);
    },
  };
}

/** Compute threads of each worker: as many as asked for, else its share of the cores, but no more than it can have shards. */
export function threadsFor(threads: number | undefined, numWorkers: number, numShards: number): number {
  if (threads !== undefined || numWorkers === 0) return threads ?? 1;
  const share = Math.floor(availableParallelism() / numWorkers);
  return Math.max(1, Math.min(share, Math.ceil(numShards / numWorkers)));
}

function argumentsOf({ entry, endpoint, threads, keysFolder }: LocalWorkersOptions): string[] {
  const keys = keysFolder === undefined ? [] : ['--keys', keysFolder];
  return [fileURLToPath(entry), '--join', endpoint, '--threads', `${threads}`, '--managed', ...keys];
}

/** Writes the log of a worker to a file, and keeps its last lines. */
function keepTail(child: ChildProcess, logFile: string): string[] {
  const tail: string[] = [];
  let rest = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    const lines = `${rest}${text}`.split('\n');
    rest = lines.pop()!;
    tail.push(...lines);
    tail.splice(0, tail.length - tailLines);
  });
  child.stderr?.once('end', () => {
    if (rest !== '') tail.push(rest);
  });
  // On a full disk the file ends there; the log is still read for its last lines.
  child.stderr?.pipe(createWriteStream(logFile, { flags: 'a' }).on('error', () => undefined));
  return tail;
}

/** A text such as `worker 1 ended with exit code 1`, with the last messages of warnings and errors, or plain lines. */
export function describeExit({ index, code, signal, tail }: WorkerExit): string {
  const how =
    signal !== null
      ? `was killed by ${signal}`
      : code === null
        ? 'could not be started'
        : `ended with exit code ${code}`;
  const words = tail.flatMap(wordsOf).slice(-8);
  return `worker ${index} ${how}${words.map((line) => `\n    ${line}`).join('')}`;
}

const pinoWarn = 40;

function wordsOf(line: string): readonly string[] {
  if (line.trim() === '') return [];
  if (!line.startsWith('{')) return [line];
  try {
    const { level, msg } = JSON.parse(line) as { readonly level?: unknown; readonly msg?: unknown };
    return typeof level === 'number' && level >= pinoWarn && typeof msg === 'string' ? [msg] : [];
  } catch (error) {
    if (error instanceof SyntaxError) return [line];
    throw error;
  }
}
