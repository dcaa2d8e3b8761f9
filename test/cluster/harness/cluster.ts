/** A cluster with its coordinator in this process, one process for each worker, and a temporary run folder. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Coordinator, startCoordinator, type Update } from '@lockstep/coordinator';
import type { Outcome, Profile } from '@lockstep/protocol';
import {
  createRun,
  manifestSchemaVersion,
  openRun,
  type RecordMode,
  type Run,
  sha256,
} from '@lockstep/tracking';
import { buildHash, version } from '@lockstep/worker';
import { pino } from 'pino';
import { onTestFailed, onTestFinished, vi } from 'vitest';
import type { LoadedExperiment } from './experiment.ts';
import { type Faults, startWorker, type WorkerExit, type WorkerProcess } from './worker.ts';

// Processes start slowly on a busy machine.
vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

export interface ClusterOptions {
  readonly experiment: LoadedExperiment;
  readonly workers: number;
  /** Threads of every worker, or of the worker with a given number. Default: 1. */
  readonly threads?: number | ((worker: number) => number);
  /** Faults of the worker with a given number. Default: none. */
  readonly faults?: (worker: number) => Faults | undefined;
  /** Command-line options of Node for every worker. */
  readonly nodeOptions?: readonly string[];
  /** Additional environment variables of the worker with a given number. */
  readonly env?: (worker: number) => Readonly<Record<string, string>>;
  /** Log level of the workers. Default: warn. */
  readonly logLevel?: 'warn' | 'info';
  /** Default: the best profile that all workers offer. */
  readonly profile?: Profile;
  /** The folder of the run to resume. */
  readonly resume?: string;
  /** Workers of the previous coordinator at `bind`, which reconnect by themselves. */
  readonly returning?: readonly WorkerProcess[];
  /** Default: a free port of this machine. */
  readonly bind?: string;
  /** What workers record of each step. Default: nothing. */
  readonly record?: RecordMode;
  /** Whether the run ends when members differ. Default true. */
  readonly compares?: boolean;
}

export interface Cluster {
  readonly endpoint: string;
  /** The run's folder. */
  readonly folder: string;
  readonly workers: readonly WorkerProcess[];
  addWorker(faults?: Faults): WorkerProcess;
  /** Resolves with the first future update that is accepted; rejects when the run ends without one. */
  next<Found extends Update>(accept: (update: Update) => update is Found): Promise<Found>;
  onUpdate(listener: (update: Update) => void): void;
  interrupt(): void;
  /** Waits until the run and all workers have ended. Rejects when no worker is left to end the run. */
  end(): Promise<ClusterEnd>;
  /** Closes the coordinator without telling its workers. */
  abandon(): Promise<void>;
}

export interface ClusterEnd {
  readonly outcome: Outcome;
  /** Indexed by worker number. */
  readonly exits: readonly WorkerExit[];
}

/** Everything that this starts ends with the test. */
export async function startCluster(options: ClusterOptions): Promise<Cluster> {
  const { experiment, threads = 1, faults = () => undefined, bind = 'tcp://127.0.0.1:0' } = options;
  const { returning = [], nodeOptions = [], env = () => ({}), profile = 'auto' } = options;
  const { name, bundle, config } = experiment;
  const run = await (options.resume === undefined ? newRun(options, profile) : openRun(options.resume));
  const coordinator = await startCoordinator({
    run,
    bind,
    version,
    build: buildHash(),
    experiment: { name, bundle },
    config: { run: config, name },
    numShards: config.numShards,
    minWorkers: options.workers + returning.length,
    profile,
    logger: pino({ level: 'silent' }),
    hooks: { compares: options.compares ?? true },
  });
  const { endpoint } = coordinator;
  const workers: WorkerProcess[] = [...returning];
  const addWorker = (fault?: Faults): WorkerProcess => {
    const number = workers.length;
    const own = typeof threads === 'number' ? threads : threads(number);
    const worker = startWorker({
      ...{ endpoint, threads: own, faults: fault, nodeOptions },
      ...{ env: env(number), logLevel: options.logLevel ?? 'warn' },
    });
    workers.push(worker);
    return worker;
  };
  const story: string[] = [];
  coordinator.onUpdate((update) => {
    if (update.type !== 'progress') story.push(JSON.stringify(update));
  });
  onTestFailed(() => {
    const logs = workers.map(({ pid, log }) => `worker process ${pid}:\n${log()}`);
    console.error([...story, ...logs].join('\n'));
  });
  let closed: Promise<void> | undefined;
  const close = (graceMs?: number): Promise<void> => {
    closed ??= coordinator.close(graceMs);
    return closed;
  };
  onTestFinished(async () => {
    for (const worker of workers) worker.kill('SIGKILL');
    await Promise.all([...workers.map(({ exited }) => exited), close(0)]);
  });
  for (let i = 0; i < options.workers; i++) addWorker(faults(i));

  const abandoned = async (): Promise<never> => {
    let numGone = 0;
    // Workers may be added while this waits for others.
    while (numGone < workers.length) await workers[numGone++]!.exited;
    throw new Error(`no worker is left:\n${workers.map((worker) => worker.log()).join('\n')}`);
  };
  return {
    endpoint,
    folder: run.folder,
    workers,
    addWorker,
    next: (accept) => Promise.race([firstUpdate(coordinator, accept), abandoned()]),
    onUpdate: (listener) => void coordinator.onUpdate(listener),
    interrupt: () => coordinator.interrupt(),
    end: async () => {
      const outcome = await Promise.race([coordinator.done, abandoned()]);
      await close();
      return { outcome, exits: await Promise.all(workers.map(({ exited }) => exited)) };
    },
    abandon: () => close(0),
  };
}

/** A folder with all that a run can be computed again from. */
async function newRun(
  { experiment, record = 'off' }: ClusterOptions,
  profile: Profile | 'auto',
): Promise<Run> {
  const { name, file, bundle, config } = experiment;
  const manifest = {
    ...{ schemaVersion: manifestSchemaVersion, name, config, profile, record, parent: null },
    experiment: { file, hash: sha256(bundle) },
  };
  return createRun({
    root: await temporaryFolder(),
    ...{ name, manifest, files: { 'experiment.mjs': bundle } },
  });
}

function firstUpdate<Found extends Update>(
  coordinator: Coordinator,
  accept: (update: Update) => update is Found,
): Promise<Found> {
  return new Promise((resolve, reject) => {
    const stop = coordinator.onUpdate((update) => {
      if (accept(update)) resolve(update);
      else if (update.type === 'done') reject(new Error(`the run ended: ${JSON.stringify(update)}`));
      else return;
      stop();
    });
  });
}

/** Creates a folder that is removed when the test ends. */
export async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'lockstep-cluster-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  return folder;
}

/** Accepts the commit of a step or of a later one. */
export const committed =
  (step: number) =>
  (update: Update): update is Extract<Update, { type: 'progress' }> =>
    update.type === 'progress' && update.step >= step;

type EventUpdate = Extract<Update, { type: 'event' }>;

/** Accepts an event of the given type. */
export const happened =
  (type: EventUpdate['event']['type']) =>
  (update: Update): update is EventUpdate =>
    update.type === 'event' && update.event.type === type;

/** Returns the final fingerprint of a run; throws when the run did not finish. */
export function fingerprintOf({ outcome }: ClusterEnd): string {
  if (outcome.reason === 'finished') return outcome.fingerprint;
  throw new Error(`the run did not finish: ${JSON.stringify(outcome)}`);
}
