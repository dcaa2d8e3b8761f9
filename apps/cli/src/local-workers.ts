/** Worker processes on this machine. They leave when their standard input closes, so none outlives this process. */
import { type ChildProcess, spawn } from 'node:child_process';
import { createWriteStream } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export interface WorkerExit {
  readonly index: number;
  /** Undefined for one that could not be started. */
  readonly pid: number | undefined;
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  /** The last lines it logged. */
  readonly tail: readonly string[];
}

export interface LocalWorkersOptions {
  readonly count: number;
  readonly threads: number;
  /** Where they join. */
  readonly endpoint: string;
  readonly keysFolder: string | undefined;
  /** Their logs: `worker-0.log`, … */
  readonly logFolder: string;
  /** The program of a worker. */
  readonly entry: URL;
  readonly onExit: (exit: WorkerExit) => void;
}

export interface LocalWorkers {
  readonly numAlive: () => number;
  /** Whether this process is one of them. */
  has(pid: number): boolean;
  /** Starts the worker of this number again. Nothing happens once they are being stopped. */
  start(index: number): void;
  /** Resolves when all are gone; those that still live after `graceMs` are killed. */
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
      // 'close' and not 'exit': its last words have been read then.
      child.once('close', end);
      child.once('error', (error) => {
        tail.push(error.message);
        end(null, null);
      });
    });
    alive.set(child, ended);
    // A worker that dies while we write to it reports that by its exit.
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

/** Compute threads of each worker: as many as asked, else its share of the cores, but no more than it can have shards. */
export function threadsFor(threads: number | undefined, numWorkers: number, numShards: number): number {
  if (threads !== undefined || numWorkers === 0) return threads ?? 1;
  const share = Math.floor(availableParallelism() / numWorkers);
  return Math.max(1, Math.min(share, Math.ceil(numShards / numWorkers)));
}

function argumentsOf({ entry, endpoint, threads, keysFolder }: LocalWorkersOptions): string[] {
  const keys = keysFolder === undefined ? [] : ['--keys', keysFolder];
  return [fileURLToPath(entry), '--join', endpoint, '--threads', `${threads}`, '--managed', ...keys];
}

/** Writes what it logs to a file, and keeps the end. */
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
  // On a full disk the log ends there; what the worker says is read on.
  child.stderr?.pipe(createWriteStream(logFile, { flags: 'a' }).on('error', () => undefined));
  return tail;
}

/** `worker 1 ended with exit code 1` and its last words: messages of its warnings and errors, or plain lines. */
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
