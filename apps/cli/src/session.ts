/** One run from this process: its coordinator, its local workers, what is shown of it, and how it is stopped. */
import { join } from 'node:path';
import { type Coordinator, startCoordinator, type Update } from '@lockstep/coordinator';
import { LockstepError, toWireError, type WireError } from '@lockstep/errors';
import type { Outcome } from '@lockstep/protocol';
import { parseEndpoint, readServerKeys } from '@lockstep/transport';
import { workerEntry } from '@lockstep/worker';
import { pino } from 'pino';
import type { Display, Ending } from './display/display.ts';
import { metricsOf } from './display/progress.ts';
import { exitCodeOf, exitCodes } from './errors.ts';
import { describeExit, type LocalWorkers, startLocalWorkers, type WorkerExit } from './local-workers.ts';
import { version } from './project.ts';
import { logFolder, type OpenedRun } from './run-folder.ts';
import { onInterrupt } from './signals.ts';

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
  readonly display: Display;
  /** What becomes of the run folder when the run cannot start. */
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
  coordinator.onUpdate((update) => {
    display.update(update);
    watch.see(update);
  });
  display.started(infoOf(options, coordinator.endpoint));
  const workers = startWorkers(options, coordinator.endpoint, watch.lost);
  watch.workers(workers);
  const stopListening = onInterrupt((times) => {
    if (times > 2) process.exit(exitCodes.interrupted);
    coordinator.interrupt();
    if (times === 2) void workers.stop(0);
  });
  const ending = endingOf(await coordinator.done, run.folder, watch.profile());
  if (ending.type === 'done') run.appendEvent({ time: new Date().toISOString(), type: 'done', ending });
  // Workers leave when the coordinator tells them to; those that did not hear it, when their input closes.
  await coordinator.close(stopGraceMs);
  await workers.stop(stopGraceMs);
  stopListening();
  display.ended(ending);
  return exitCodeOfEnding(ending);
}

async function start({ opened, minWorkers, bind, keysFolder }: SessionOptions): Promise<Coordinator> {
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

/** Ends the run where local workers cannot: when one dies before the first step, or the last one later. */
function createWatch(coordinator: Coordinator) {
  let profile = 'unknown';
  let begun = false;
  let over = false;
  let workers: LocalWorkers | undefined;
  let last: WorkerExit | undefined;

  function fail(error: WireError): void {
    over = true;
    coordinator.fail(error);
  }

  function check(): void {
    const isNobodyLeft = workers?.numAlive() === 0 && coordinator.numWorkers() === 0;
    if (over || last === undefined || !isNobodyLeft) return;
    fail(wire('lost', `no worker is left: ${describeExit(last)}`));
  }

  return {
    profile: () => profile,
    workers: (started: LocalWorkers) => {
      workers = started;
    },
    lost: (exit: WorkerExit): void => {
      last = exit;
      if (!begun && !over) fail(wire(exit.code === 3 ? 'refused' : 'lost', describeExit(exit)));
      else check();
    },
    see: (update: Update): void => {
      if (update.type === 'done') over = true;
      if (update.type !== 'event') return;
      if (update.event.type === 'generation') {
        begun = true;
        ({ profile } = update.event);
      }
      if (update.event.type === 'lost' || update.event.type === 'refused') check();
    },
  };
}

const wire = (code: 'lost' | 'refused', message: string): WireError =>
  toWireError(new LockstepError(code, message));

function endingOf(outcome: Outcome, run: string, profile: string): Ending {
  switch (outcome.reason) {
    case 'finished': {
      const { step: steps, fingerprint, result } = outcome;
      const samplesPerSecond = typeof result.samplesPerSecond === 'number' ? result.samplesPerSecond : 0;
      return { type: 'done', steps, profile, fingerprint, metrics: metricsOf(result), samplesPerSecond, run };
    }
    case 'interrupted':
      return { type: 'interrupted', step: outcome.step, run };
    case 'failed':
      return { type: 'failed', error: outcome.error, step: outcome.step, run };
    default:
      return outcome satisfies never;
  }
}

function exitCodeOfEnding(ending: Ending): number {
  if (ending.type === 'failed') {
    const { code, message, facts } = ending.error;
    return exitCodeOf(new LockstepError(code, message, facts));
  }
  return ending.type === 'done' ? exitCodes.done : exitCodes.interrupted;
}
