/** One run from this process: its coordinator, its local workers, what is shown of it, and how it is stopped. */
import { join } from 'node:path';
import { type Coordinator, startCoordinator } from '@lockstep/coordinator';
import { fromWireError } from '@lockstep/errors';
import type { Outcome } from '@lockstep/protocol';
import { parseEndpoint, readServerKeys } from '@lockstep/transport';
import { workerEntry } from '@lockstep/worker';
import { pino } from 'pino';
import type { Display, Ending } from './display/display.ts';
import { metricsOf } from './display/progress.ts';
import { exitCodeOf, exitCodes } from './errors.ts';
import { type LocalWorkers, startLocalWorkers, type WorkerExit } from './local-workers.ts';
import { version } from './project.ts';
import { logFolder, type OpenedRun } from './run-folder.ts';
import { onInterrupt } from './signals.ts';
import { createWatch, unknownProfile } from './watch.ts';

export interface SessionOptions {
  readonly opened: OpenedRun;
  readonly localWorkers: number;
  /** Of each local worker. */
  readonly threads: number;
  /** Workers to wait for before the first step. */
  readonly minWorkers: number;
  readonly bind: string;
  /** The folder of `lockstep keys`. */
  readonly keysFolder: string | undefined;
  /** A file for a trace of the workers. */
  readonly trace?: string | undefined;
  readonly display: Display;
  /** Nothing has happened in it yet. */
  readonly isNew?: boolean;
  /** What becomes of the run folder when the run cannot start, or its workers cannot load the experiment. */
  readonly abandon: () => Promise<void>;
}

/** How long workers that were told to stop may take to end what they are computing. */
const stopGraceMs = 5_000;

/** Trains until the run ends; resolves with the exit code. Throws what keeps it from starting. */
export async function runSession(options: SessionOptions): Promise<number> {
  const { opened, display } = options;
  const { run } = opened;
  const coordinator = await start(options).catch(async (error: unknown) => {
    await options.abandon();
    throw error;
  });
  const watch = createWatch(coordinator);
  const stopWatching = coordinator.onUpdate((update) => {
    display.update(update);
    watch.see(update);
  });
  display.started(infoOf(options, coordinator.endpoint));
  const workers = startWorkers(options, coordinator.endpoint, watch.lost);
  watch.start(workers);
  const stopListening = onInterrupt((times) => {
    if (times > 2) process.exit(exitCodes.interrupted);
    coordinator.interrupt();
    if (times === 2) void workers.stop(0);
  });
  let isDiscarded = false;
  try {
    const outcome = await coordinator.done;
    isDiscarded = options.isNew === true && isNothing(outcome, watch.profile());
    const ending = endingOf(outcome, run.folder, watch.profile(), isDiscarded);
    stopWatching();
    if (ending.type === 'done') run.appendEvent({ time: new Date().toISOString(), type: 'done', ending });
    display.ended(ending);
    return exitCodeOfEnding(ending);
  } finally {
    // Workers leave when the coordinator tells them to; those that did not hear it, when their input closes.
    await coordinator.close(stopGraceMs);
    await workers.stop(stopGraceMs);
    stopListening();
    if (isDiscarded) await options.abandon();
  }
}

/**
 * Whether workers found the experiment wrong while they loaded it: no generation, which has a profile, has begun. Where a worker was lost,
 * or the mistake is ours, the logs are kept.
 */
const isNothing = (outcome: Outcome, profile: string): boolean =>
  outcome.reason === 'failed' &&
  profile === unknownProfile &&
  !['lost', 'refused', 'internal'].includes(outcome.error.code);

async function start({ opened, minWorkers, bind, keysFolder, trace }: SessionOptions): Promise<Coordinator> {
  const { run, name, bundle, config, profile } = opened;
  const logFile = join(logFolder(run.folder), 'coordinator.log');
  return startCoordinator({
    run,
    bind,
    ...(keysFolder !== undefined && { keys: await readServerKeys(keysFolder) }),
    version,
    experiment: { name, bundle },
    config: { run: config, name },
    numShards: config.numShards,
    minWorkers,
    profile,
    ...(trace !== undefined && { trace }),
    logger: pino(pino.destination({ dest: logFile, sync: true })),
  });
}

function infoOf({ opened, localWorkers, threads, minWorkers }: SessionOptions, endpoint: string) {
  const { name, config, run } = opened;
  return { name, run: run.folder, endpoint, config, localWorkers, threads, minWorkers };
}

function startWorkers(
  { opened, localWorkers, threads, keysFolder }: SessionOptions,
  endpoint: string,
  onExit: (exit: WorkerExit) => void,
): LocalWorkers {
  return startLocalWorkers({
    count: localWorkers,
    threads,
    endpoint: reachable(endpoint),
    keysFolder,
    logFolder: logFolder(opened.run.folder),
    entry: workerEntry,
    onExit,
  });
}

/** An address for this machine's own workers: they cannot connect to "all interfaces". */
function reachable(endpoint: string): string {
  const parsed = parseEndpoint(endpoint);
  if (parsed.transport === 'ipc') return endpoint;
  const wildcards: Readonly<Record<string, string>> = {
    '0.0.0.0': '127.0.0.1',
    '*': '127.0.0.1',
    '[::]': '[::1]',
  };
  return `tcp://${wildcards[parsed.host] ?? parsed.host}:${parsed.port}`;
}

function endingOf(outcome: Outcome, run: string, profile: string, isDiscarded: boolean): Ending {
  switch (outcome.reason) {
    case 'finished': {
      const { step: steps, fingerprint, result } = outcome;
      const samplesPerSecond = typeof result.samplesPerSecond === 'number' ? result.samplesPerSecond : 0;
      return { type: 'done', steps, profile, fingerprint, metrics: metricsOf(result), samplesPerSecond, run };
    }
    case 'interrupted':
      return { type: 'interrupted', step: outcome.step, run };
    case 'failed':
      return { type: 'failed', error: outcome.error, step: outcome.step, ...(isDiscarded ? {} : { run }) };
    default:
      return outcome satisfies never;
  }
}

function exitCodeOfEnding(ending: Ending): number {
  if (ending.type === 'failed') return exitCodeOf(fromWireError(ending.error));
  return ending.type === 'done' ? exitCodes.done : exitCodes.interrupted;
}
