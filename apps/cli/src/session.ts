/** A run of this process: its coordinator, its local workers, its display, and how it is stopped. */
import {
  type Coordinator,
  type CoordinatorOptions,
  type EventFileOptions,
  type Notice,
  openRunMetrics,
  startCoordinator,
  type Update,
} from '@lockstep/coordinator';
import { fromWireError, LockstepError } from '@lockstep/errors';
import { bundleName } from '@lockstep/inference';
import type { Outcome } from '@lockstep/protocol';
import { readServerKeys } from '@lockstep/transport';
import { buildHash, workerEntry } from '@lockstep/worker';
import { openCoordinatorLog } from './coordinator-log.ts';
import type { Display, Ending } from './display/display.ts';
import { metricsOf } from './display/progress.ts';
import { exitCodeOf, exitCodes } from './errors.ts';
import { joinEndpoint, localEndpoint } from './join-address.ts';
import { writeAddress } from './launch/address.ts';
import { type LocalWorkers, startLocalWorkers, type WorkerExit } from './local-workers.ts';
import { monitoringRoutes } from './monitoring.ts';
import { type PageAddress, servePage } from './page.ts';
import { version } from './project.ts';
import { followReturning, type Returning } from './returning.ts';
import { logFolder, type OpenedRun } from './run-folder.ts';
import { onInterrupt } from './signals.ts';
import { createWatch, unknownProfile } from './watch.ts';

export interface SessionOptions {
  readonly opened: OpenedRun;
  readonly localWorkers: number;
  /** Compute threads of each local worker. */
  readonly threads: number;
  /** Workers to wait for before the first step. */
  readonly minWorkers: number;
  readonly bind: string;
  /** The address to use if `bind` is taken; without it, a taken address is an error. */
  readonly otherwiseBind?: string | undefined;
  /** Earlier workers that may come back. */
  readonly returning?: readonly Returning[];
  /** What was repaired before the run started. */
  readonly notices?: readonly Notice[];
  /**
   * `host:port` under which all workers reach the coordinator, those of this machine too, which others must reach. It is written into
   * the run folder. Default: local workers join over loopback where they can.
   */
  readonly address?: string | undefined;
  /** The folder of `lockstep keys`, or another place of keys. */
  readonly keysFolder: string | undefined;
  /** A file for a trace of the workers. */
  readonly trace?: string | undefined;
  /** An event file for TensorBoard. */
  readonly eventFile?: EventFileOptions | undefined;
  /** Where a page of the run is served. */
  readonly page?: PageAddress | undefined;
  readonly display: Display;
  /** Whether the run folder was made by this command. */
  readonly isNew?: boolean;
  /** Closes or removes the run folder when the run cannot start, or when its workers cannot load the experiment. */
  readonly abandon: () => Promise<void>;
  /** Called with every update of the run, before it is shown. */
  readonly onUpdate?: (update: Update) => void;
  /** Ends the run at once, without saving its state. */
  readonly signal?: AbortSignal;
}

/** How long workers that were told to stop may finish what they compute. */
const stopGraceMs = 5_000;

/** Trains until the run ends; resolves with how it ended. Throws errors of the start. */
export async function runSession(options: SessionOptions): Promise<Ending> {
  const { opened, display } = options;
  const { run } = opened;
  const { coordinator, awaited, notices, page } = await begin(options).catch(async (error: unknown) => {
    await options.abandon();
    throw error;
  });
  const watch = createWatch(coordinator);
  let isOver = false;
  const stopWatching = coordinator.onUpdate((update) => {
    options.onUpdate?.(update);
    // When the run is over workers leave, which is not shown.
    if (!isOver || update.type === 'notice') display.update(update);
    watch.see(update);
  });
  display.started(infoOf(options, coordinator.endpoint));
  if (options.address !== undefined) await writeAddress(run.folder, options.address);
  if (page !== undefined) display.page(page.address);
  for (const notice of [...notices, ...coordinator.notices]) display.update({ type: 'notice', notice });
  const stopFollowing = followReturning(coordinator, awaited);
  const workers = startWorkers(options, coordinator.endpoint, watch.lost);
  watch.start(workers);
  const stop = (times: number): void => {
    watch.stop();
    coordinator.interrupt();
    if (times === 2) void workers.stop(0);
  };
  const stopListening = onInterrupt((times) => {
    if (times > 2) process.exit(exitCodes.interrupted);
    stop(times);
  });
  options.signal?.addEventListener('abort', () => {
    for (const times of [1, 2]) stop(times);
  });
  let isDiscarded = false;
  try {
    const outcome = await coordinator.done;
    isOver = true;
    isDiscarded = options.isNew === true && isNothing(outcome, watch.profile());
    const ending = endingOf(outcome, run.folder, watch.profile(), coordinator.numNonFinite(), isDiscarded);
    if (ending.type === 'done' || ending.type === 'stoppedNonFinite')
      run.appendEvent({ time: new Date().toISOString(), type: ending.type, ending });
    display.ended(ending);
    return ending;
  } finally {
    watch.stop();
    stopFollowing();
    // Workers leave when the coordinator tells them to. Those that did not get the message leave when their input closes.
    await coordinator.close(stopGraceMs);
    await page?.close();
    stopWatching();
    await workers.stop(stopGraceMs);
    stopListening();
    if (isDiscarded) await options.abandon();
  }
}

/**
 * Whether workers found a mistake in the experiment while they loaded it: no generation, which has a profile, has begun. The
 * logs are kept where a worker was lost or the mistake is ours.
 */
const isNothing = (outcome: Outcome, profile: string): boolean =>
  outcome.reason === 'failed' &&
  profile === unknownProfile &&
  !['lost', 'refused', 'internal'].includes(outcome.error.code);

interface Begun {
  readonly coordinator: Coordinator;
  readonly awaited: readonly Returning[];
  readonly notices: readonly Notice[];
}

/** Starts the page, which may find its port taken, and the coordinator. */
async function begin(options: SessionOptions) {
  if (options.page === undefined) return { ...(await start(options)), page: undefined };
  const { run, name: experiment, config } = options.opened;
  const { folder } = run;
  const { batchSize, numShards } = config;
  const built = { version, build: buildHash() };
  const metrics = await openRunMetrics({ folder, experiment, ...built, batchSize, numShards });
  let isOver = false;
  const page = await servePage([folder], options.page, {
    isRunning: () => !isOver,
    ...(await monitoringRoutes(metrics)),
  });
  try {
    const begun = await start(options, metrics.see);
    void begun.coordinator.done.then(() => {
      isOver = true;
    });
    return { ...begun, page };
  } catch (error) {
    await page?.close();
    throw error;
  }
}

type Observer = CoordinatorOptions['observer'];

async function start(options: SessionOptions, observer?: Observer): Promise<Begun> {
  const { bind, otherwiseBind, returning = [], notices = [] } = options;
  try {
    const coordinator = await listen(options, bind, returning, observer);
    return { coordinator, awaited: returning, notices };
  } catch (error) {
    if (!(error instanceof LockstepError) || error.code !== 'address') throw error;
    if (otherwiseBind === undefined) throw hasBindOption(options) ? withBindRemedy(error) : error;
    const coordinator = await listen(options, otherwiseBind, [], observer);
    const { message } = error;
    const remedy = `earlier workers do not find it, so the run goes on from its newest checkpoint`;
    const taken: Notice = {
      type: 'addressTaken',
      message: `${message}. The run listens on ${coordinator.endpoint} instead; ${remedy}`,
      facts: { bind, endpoint: coordinator.endpoint },
    };
    return { coordinator, awaited: [], notices: [...notices, taken] };
  }
}

const hasBindOption = ({ returning, address }: SessionOptions): boolean =>
  returning !== undefined && address === undefined;

/** Names the remedy for a resumed run, whose address was not given with this command. */
function withBindRemedy({ code, message, facts, cause }: LockstepError): LockstepError {
  const remedy = '--bind names another address, where earlier workers do not look for the run';
  return new LockstepError(code, `${message}; ${remedy}`, facts, { cause });
}

async function listen(
  { opened, minWorkers, keysFolder, trace, eventFile }: SessionOptions,
  bind: string,
  returning: readonly Returning[],
  observer: Observer,
): Promise<Coordinator> {
  const { run, name, bundle, config, profile } = opened;
  return startCoordinator({
    run,
    bind,
    ...(keysFolder !== undefined && { keys: await readServerKeys(keysFolder) }),
    version,
    build: buildHash(),
    experiment: { name, bundle },
    config: { run: config, name },
    numShards: config.numShards,
    minWorkers,
    profile,
    awaited: returning.map(({ worker }) => worker),
    ...(trace !== undefined && { trace }),
    ...(eventFile !== undefined && { eventFile }),
    ...(observer !== undefined && { observer }),
    sealedFiles: [bundleName],
    logger: openCoordinatorLog(logFolder(run.folder)),
  });
}

function infoOf(options: SessionOptions, endpoint: string) {
  const { opened, localWorkers, threads, minWorkers, address } = options;
  const { name, config, run } = opened;
  const join = address === undefined ? joinEndpoint(endpoint) : `tcp://${address}`;
  return { name, run: run.folder, endpoint, join, config, localWorkers, threads, minWorkers };
}

function startWorkers(
  { opened, localWorkers, threads, keysFolder, address }: SessionOptions,
  endpoint: string,
  onExit: (exit: WorkerExit) => void,
): LocalWorkers {
  return startLocalWorkers({
    count: localWorkers,
    threads,
    endpoint: address === undefined ? localEndpoint(endpoint) : `tcp://${address}`,
    keysFolder,
    logFolder: logFolder(opened.run.folder),
    entry: workerEntry,
    onExit,
  });
}

/** How a run has ended, as its events keep it. */
export function endingOf(
  outcome: Outcome,
  run: string,
  profile: string,
  numNonFinite: number,
  isDiscarded: boolean,
): Ending {
  switch (outcome.reason) {
    case 'finished': {
      const { step: steps, fingerprint, result } = outcome;
      const samplesPerSecond = typeof result.samplesPerSecond === 'number' ? result.samplesPerSecond : 0;
      return {
        ...{ type: 'done', steps, profile, fingerprint },
        ...(typeof result.chain === 'string' && { chain: result.chain }),
        ...{ metrics: metricsOf(result), samplesPerSecond, run },
        ...(numNonFinite > 0 && { nonFiniteSteps: numNonFinite }),
      };
    }
    case 'interrupted':
    case 'paused':
      return { type: 'interrupted', step: outcome.step, run };
    case 'nonFinite': {
      const { found, message, step } = outcome;
      const { cause, what } = found;
      return { type: 'stoppedNonFinite', step, cause, what, message, run };
    }
    case 'failed':
      return { type: 'failed', error: outcome.error, step: outcome.step, ...(isDiscarded ? {} : { run }) };
    default:
      return outcome satisfies never;
  }
}

export function exitCodeOfEnding(ending: Ending): number {
  if (ending.type === 'failed') return exitCodeOf(fromWireError(ending.error));
  if (ending.type === 'stoppedNonFinite') return exitCodes.nonFinite;
  return ending.type === 'done' ? exitCodes.done : exitCodes.interrupted;
}
