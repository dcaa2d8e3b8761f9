/** A run that is served: its history is read, its logs are open, and a shell around its machine waits for workers. */
import { basename } from 'node:path';
import { checkpointFolder, checkpointHashes, keepOf, newestCheckpoint } from '@lockstep/checkpoint';
import { LockstepError, type WireError } from '@lockstep/errors';
import { removeTemporaries } from '@lockstep/files';
import {
  type CoordinatorConfig,
  createCoordinator,
  HEARTBEAT_MS,
  LIVENESS_MS,
  type OpaqueRecord,
  type Outcome,
  type Pause,
  type Profile,
  RETURN_WAIT_MS,
} from '@lockstep/protocol';
import {
  changesOf,
  openHistograms,
  openStepRecord,
  parentOf,
  type RecordMode,
  type Run,
  recordModeOf,
  sha256,
  takesHistograms,
} from '@lockstep/tracking';
import type { Logger } from 'pino';
import type { RunCheckpoints } from './checkpoints.ts';
import { type EventFile, type EventFileOptions, openEventFile } from './event-file.ts';
import {
  checkpointSkipped,
  eventsFailed,
  insteadOf,
  lineDamaged,
  type Notice,
  recordDamaged,
  sealFailed,
  traceFailed,
} from './notices.ts';
import { createRunLog, type RunHistory, readHistory, type Started } from './run-log.ts';
import type { Server } from './server.ts';
import { Shell } from './shell.ts';
import { createTraceFile } from './trace.ts';
import type { Update } from './updates.ts';

export interface ServedRunOptions {
  /**
   * A new run, or one to be resumed; its journal tells which. Its manifest says how many checkpoints it keeps and what workers record
   * of each step, and its durability what waits for the disk. `close` closes it.
   */
  readonly run: Run;
  /** Workers of another version are refused. */
  readonly version: string;
  /** Hash of the packages' code: workers of another build are refused. */
  readonly build: string;
  readonly experiment: { readonly name: string; readonly bundle: Uint8Array };
  /** Passed on to workers without being read. */
  readonly config: OpaqueRecord;
  readonly numShards: number;
  /** Workers to wait for before the first step. */
  readonly minWorkers: number;
  readonly profile: Profile | 'auto';
  readonly logger: Logger;
  /** Workers that served the run before and may come back. The first generation waits for them, for `RETURN_WAIT_MS` at most. */
  readonly awaited?: readonly string[];
  /** The file of a trace of the workers, in Chrome's trace format. */
  readonly trace?: string;
  /** An event file for TensorBoard. Default: none. */
  readonly eventFile?: EventFileOptions;
  /** Files of the run folder, besides logs, manifest and checkpoints, that the run's seal covers. Default: none. */
  readonly sealedFiles?: readonly string[];
  /** Whether the state at the run's end becomes a checkpoint. Default: true, or false in a run of the durability `trial` that does not pause. */
  readonly finalCheckpoint?: boolean;
  /** Where the run stops to go on later, as if it had not. Its state is saved there. Default: it trains to its end. */
  readonly pause?: Pause;
  /** Called with every update, from the first one on; `onUpdate` of a run that is served already may miss some. */
  readonly observer?: (update: Update) => void;
  readonly hooks?: CoordinatorHooks;
}

/** Settings of tests, which no user has. */
export interface CoordinatorHooks {
  /** False: the run goes on when members differ. */
  readonly compares?: boolean;
}

/** A run, for the process that started it. */
export interface RunControl {
  /** What was repaired during the start. The run's events contain the same notices. */
  readonly notices: readonly Notice[];
  /** How the run ended; never rejects. */
  readonly done: Promise<Outcome>;
  /** Workers that said hello and are not lost. */
  numWorkers(): number;
  /** Steps since this start that were not finite, in a run that goes on after them. */
  numNonFinite(): number;
  /** The first call asks for a checkpoint and a clean stop, the second for a stop at once. */
  interrupt(): void;
  /** Passes a notice to the listeners and to the run's events. */
  notify(notice: Notice): void;
  /** Ends the run with an error of the process that started it. */
  fail(error: WireError): void;
  /** Returns a function that stops listening. */
  onUpdate(listener: (update: Update) => void): () => void;
}

export interface ServedRun {
  /** The name by which workers know the run. */
  readonly name: string;
  readonly shell: Shell;
  /** Journals that the run is served, and lets it hear workers. What fails here ends the start. */
  begin(server: Pick<Server, 'endpoint' | 'send'>, address: Pick<Started, 'bind' | 'keys'>): Promise<void>;
  /** Once the run has begun. */
  control(): RunControl;
  /** Closes what this has opened, in place of `begin`. */
  abandon(): void;
  /** Closes its files, after the effects so far, and seals a run that has ended in order. */
  close(): Promise<void>;
}

export interface PoolHooks {
  readonly pooled: true;
  /** Called when the machine has decided that the run is over, before anybody is told. */
  readonly onEnding: () => void;
}

/** Throws `checkpoint` or `file`; the caller must then close the run. */
export async function serveRun(options: ServedRunOptions, pool?: PoolHooks): Promise<ServedRun> {
  const { run, logger } = options;
  const checkpoints = checkpointsOf(run);
  await removeTemporaries(checkpoints.folder);
  const { checkpoint, skipped } = await newestCheckpoint(checkpoints.folder);
  const newestStep = checkpoint?.step ?? -1;
  checkpoints.requireStanding(Math.max(0, newestStep));
  const history = await readHistory(run.folder, newestStep, checkpoints.first);
  const notify = (notice: Notice): void => shell.notify(notice);
  const record = recordModeOf(run.manifest, run.folder);
  const recorded = record === 'off' ? undefined : await openStepRecord(run.folder);
  const counted = takesHistograms(run.manifest, run.folder) ? await openHistograms(run.folder) : undefined;
  const log = createRunLog(run, notify, { writer: recorded?.writer, histograms: counted?.log });
  const { trace: path } = options;
  const trace =
    path === undefined ? undefined : createTraceFile(path, (error) => notify(traceFailed(path, error)));
  const config = machineConfig(options, history, { record, histograms: counted !== undefined }, pool);
  const shell = new Shell({
    state: createCoordinator(config, performance.now()),
    bundle: options.experiment.bundle,
    checkpoints,
    log,
    logger,
    trace,
    onEnding: pool?.onEnding,
  });
  const notices = [
    ...[...run.damaged, ...(counted?.damaged ?? [])].map(lineDamaged),
    ...(recorded?.damaged ?? []).map((one) => recordDamaged(one, recorded?.writer !== undefined)),
    ...skipped.map((one) => checkpointSkipped(one, insteadOf(newestStep))),
  ];
  let events: EventFile | undefined;
  return {
    name: config.run,
    shell,
    async begin(server, address) {
      const { incarnation } = config;
      const started: Started = {
        ...{ type: 'started', incarnation, time: new Date().toISOString() },
        ...{ endpoint: server.endpoint, ...address },
      };
      try {
        if (options.observer !== undefined) shell.onUpdate(options.observer);
        events = followEvents(options.eventFile, shell);
        const journaled = run.journal({ ...started });
        shell.connect(server);
        await journaled;
      } catch (error) {
        events?.close();
        log.close();
        throw error;
      }
      logger.info({ endpoint: server.endpoint, incarnation }, 'coordinator started');
      notices.forEach(notify);
    },
    control: () => ({ ...controlOf(shell), notices }),
    abandon: () => log.close(),
    async close() {
      await shell.idle();
      const numDropped = trace?.close() ?? 0;
      if (numDropped > 0) logger.warn({ numDropped }, 'spans are missing in the trace');
      events?.close();
      log.close();
      await sealEnded(options, shell);
      await run.close();
    },
  };
}

const controlOf = (shell: Shell): Omit<RunControl, 'notices'> => ({
  done: shell.done,
  numWorkers: () => shell.numWorkers,
  numNonFinite: () => shell.numNonFinite,
  interrupt: () => shell.raise({ type: 'interrupt' }),
  notify: (notice) => shell.notify(notice),
  fail: (error) => shell.raise({ type: 'failed', error }),
  onUpdate: (listener) => shell.onUpdate(listener),
});

/** Seals a run that has ended in order. A run that cannot be sealed has its result all the same. */
async function sealEnded({ run, sealedFiles = [] }: ServedRunOptions, shell: Shell): Promise<void> {
  if (shell.outcome === undefined || shell.outcome.reason === 'failed') return;
  try {
    await run.seal(sealedFiles, await checkpointHashes(run.folder));
  } catch (error) {
    shell.notify(sealFailed(run.folder, error));
  }
}

/** Writes the updates of a run into its event file. */
function followEvents(options: EventFileOptions | undefined, shell: Shell): EventFile | undefined {
  if (options === undefined) return undefined;
  const events = openEventFile(options, (error) => shell.notify(eventsFailed(options.path, error)));
  shell.onUpdate((update) => events.update(update));
  return events;
}

const checkpointsOf = (run: Run): RunCheckpoints => ({
  folder: checkpointFolder(run.folder),
  keep: keepOf(run.manifest, run.folder),
  first: parentOf(run.manifest)?.step,
  durability: run.durability,
  requireStanding: (step) => requireStanding(run, step),
});

/**
 * Steps before the last change of the length were computed with the old length, and the first steps of a branch with the settings
 * of its parent. A start from an older checkpoint, or from the seed, would repeat them otherwise.
 */
function requireStanding({ folder, manifest }: Run, step: number): void {
  const parent = parentOf(manifest);
  if (parent !== undefined && step < parent.step) {
    throw new LockstepError(
      'checkpoint',
      `${folder}: it branched from ${parent.run} after step ${parent.step}, and none of its checkpoints can be read: restore that of step ${parent.step}, or branch again with lockstep branch`,
      { folder, step, parent: parent.run, branched: parent.step },
    );
  }
  const last = changesOf(manifest).at(-1);
  if (last === undefined || step >= last.step) return;
  throw new LockstepError(
    'checkpoint',
    `${folder}: its length was changed after step ${last.step}, and the newest checkpoint that can be used is of step ${step}: the steps in between cannot be repeated with their old length; restore a later checkpoint, or begin again with lockstep train`,
    { folder, step, changed: last.step },
  );
}

/** The id by which workers know a run. A worker that holds programs of another length sees another run, and leaves. */
function idOf({ folder, manifest }: Run, pause: Pause | undefined): string {
  const numChanges = changesOf(manifest).length;
  const change = numChanges === 0 ? '' : `~${numChanges}`;
  const end = pause === undefined ? '' : `@${pause.step}`;
  return `${basename(folder)}${change}${end}`;
}

function machineConfig(
  options: ServedRunOptions,
  history: RunHistory,
  { record, histograms }: { readonly record: RecordMode; readonly histograms: boolean },
  pool: PoolHooks | undefined,
): CoordinatorConfig {
  const { experiment, run, version, build, config, numShards, minWorkers, profile, trace, hooks } = options;
  const { pause, finalCheckpoint = run.durability === 'full' || pause !== undefined } = options;
  return {
    run: idOf(run, pause),
    incarnation: history.lastIncarnation + 1,
    version,
    build,
    experiment: { name: experiment.name, hash: sha256(experiment.bundle) },
    config: {
      ...config,
      ...(trace !== undefined && { trace: true }),
      ...(record !== 'off' && { record }),
      ...(histograms && { histograms }),
      ...(!finalCheckpoint && { finalCheckpoint }),
      ...(pause && { pause: { ...pause } }),
    },
    bundleBytes: experiment.bundle.byteLength,
    numShards,
    minWorkers,
    profile,
    heartbeatMs: HEARTBEAT_MS,
    livenessMs: LIVENESS_MS,
    ...(pool && { pooled: pool.pooled }),
    ...(pause && { pauseAt: pause.step }),
    awaited: options.awaited ?? [],
    awaitMs: RETURN_WAIT_MS,
    ...(history.recovered && { initial: history.recovered }),
    ...hooks,
  };
}
