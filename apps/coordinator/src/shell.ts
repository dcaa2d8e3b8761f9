/** The shell around the coordinator's machine: passes events to the machine and carries out its effects in order. */
import { newestCheckpoint } from '@lockstep/checkpoint';
import { invariant, LockstepError, toWireError } from '@lockstep/errors';
import {
  advanceCoordinator,
  type CoordinatorEffect,
  type CoordinatorEvent,
  type CoordinatorMessage,
  type CoordinatorState,
  cutFrames,
  type HeldCheckpoint,
  type Outcome,
  type WorkerMessage,
} from '@lockstep/protocol';
import type { SharedValue } from '@lockstep/tracking';
import type { Refusal } from '@lockstep/transport';
import type { Logger } from 'pino';
import {
  type ArrivedCheckpoint,
  type CheckpointStore,
  createCheckpointStore,
  type RunCheckpoints,
} from './checkpoints.ts';
import { createDepartures } from './departures.ts';
import { createOffenceCounter } from './inbound.ts';
import { createNonFiniteSearch } from './non-finite.ts';
import { checkpointFailed, checkpointSkipped, insteadOf, logIncomplete, type Notice } from './notices.ts';
import { createQueue } from './queue.ts';
import { agreedPart, hashesOf, histogramsOf, type RunLog } from './run-log.ts';
import { describeRefusal, type Server } from './server.ts';
import type { TraceFile } from './trace.ts';
import type { Update } from './updates.ts';

export interface ShellOptions {
  readonly state: CoordinatorState;
  readonly bundle: Uint8Array;
  readonly checkpoints: RunCheckpoints;
  readonly log: RunLog;
  readonly logger: Logger;
  readonly trace?: TraceFile | undefined;
  /** Called when the machine has decided that the run is over, before anybody is told. */
  readonly onEnding?: (() => void) | undefined;
}

interface Pending {
  readonly effect: CoordinatorEffect;
  /** The event that caused the effect, and the raw frames of that event. */
  readonly cause: CoordinatorEvent;
  readonly frames: readonly Uint8Array[];
}

export class Shell {
  /** Never rejects. */
  readonly done: Promise<Outcome>;
  readonly #bundle: Uint8Array;
  readonly #log: RunLog;
  readonly #logger: Logger;
  readonly #trace: TraceFile | undefined;
  readonly #checkpoints: CheckpointStore;
  readonly #runCheckpoints: RunCheckpoints;
  readonly #nonFinite = createNonFiniteSearch();
  readonly #departures = createDepartures();
  readonly #offence = createOffenceCounter();
  readonly #listeners = new Set<(update: Update) => void>();
  /** Waits only for what must be durable or is read from the disk, so that heartbeats are not delayed. */
  readonly #queue = createQueue<Pending>(
    (pending) => this.#carryOut(pending),
    (error) => this.#breakDown(error),
  );
  #state: CoordinatorState;
  readonly #onEnding: (() => void) | undefined;
  #server: Pick<Server, 'send'> | undefined;
  /** The save of the last checkpoint received; checkpoints are saved one after the other. */
  #storing: Promise<void> = Promise.resolve();
  #settle: (outcome: Outcome) => void = () => undefined;
  #outcome: Outcome | undefined;
  /** Whether an entry of the journal could not be written. */
  #isUndecided = false;
  /** The first value in which members differ, if that is why the run ends. */
  #differing: SharedValue | undefined;

  constructor(options: ShellOptions) {
    const { state, bundle, checkpoints, log, logger, trace, onEnding } = options;
    this.#trace = trace;
    this.#onEnding = onEnding;
    this.#state = state;
    this.#bundle = bundle;
    this.#checkpoints = createCheckpointStore(checkpoints);
    this.#runCheckpoints = checkpoints;
    this.#log = log;
    this.#logger = logger;
    this.done = new Promise((resolve) => {
      this.#settle = resolve;
    });
  }

  get numWorkers(): number {
    return this.#state.workers.size;
  }

  get numNonFinite(): number {
    return this.#nonFinite.numSteps;
  }

  /** How the run ended; undefined as long as it has not. */
  get outcome(): Outcome | undefined {
    return this.#outcome;
  }

  /** Sets the server whose messages go to `hear`. */
  connect(server: Pick<Server, 'send'>): void {
    this.#server = server;
  }

  onUpdate(listener: (update: Update) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Resolves when all effects so far are carried out and the workers are gone, or after `graceMs`. */
  async departures(graceMs: number): Promise<void> {
    await this.#queue.idle();
    await this.#departures.all(graceMs);
  }

  async idle(): Promise<void> {
    await this.#queue.idle();
    await this.#storing;
    await this.#queue.idle();
  }

  raise(event: CoordinatorEvent, frames: readonly Uint8Array[] = []): void {
    const wasDone = this.#state.phase === 'done';
    const { state, effects } = advanceCoordinator(this.#state, event, performance.now());
    this.#state = state;
    if (state.phase === 'done' && !wasDone) this.#onEnding?.();
    for (const effect of effects) this.#queue.push({ effect, cause: event, frames });
  }

  hear(worker: string, message: WorkerMessage, frames: readonly Uint8Array[]): void {
    if (message.type === 'committed' && this.#state.workers.has(worker)) {
      this.#guard(() => {
        const logged = this.#log.work(worker, message);
        if (logged === undefined) return;
        const { generation, step } = message;
        this.#tell({ type: 'work', worker, generation, step, work: logged.work });
        if (logged.fault !== undefined) this.#dropBadFrame(worker, logged.fault);
      });
    }
    if (message.type === 'committed' || message.type === 'evaluated') {
      this.#guard(() => this.#trace?.add(worker, message));
    }
    this.raise({ type: 'message', worker, message }, frames);
  }

  disconnected(worker: string): void {
    this.#departures.disconnected(worker);
    this.raise({ type: 'disconnected', worker });
  }

  /** A connection was refused. */
  turnAway(refusal: Refusal, count: number): void {
    const { reason, address, publicKey } = refusal;
    this.#logger.warn({ reason, address, publicKey, count }, 'connection refused');
    this.#guard(() => this.#log.event({ type: 'turnedAway', reason, address, publicKey, count }));
    this.#tell({ type: 'turnedAway', reason: describeRefusal(refusal) });
  }

  /** Logs a notice and passes it to the listeners. */
  notify(notice: Notice): void {
    const { type, message, facts } = notice;
    this.#logger.warn({ ...facts, notice: type }, message);
    // A log that fails causes a notice, which is not written to that log.
    if (type !== 'logFailed') this.#guard(() => this.#log.event({ ...facts, type, message }));
    this.#tell({ type: 'notice', notice });
  }

  #notifyOf(notice: Notice | undefined): undefined {
    if (notice !== undefined) this.notify(notice);
  }

  #dropBadFrame(worker: string, reason: string): void {
    const { count, log } = this.#offence(worker);
    if (log) this.badFrame(worker, reason, count);
  }

  /** A worker's frames were dropped. */
  badFrame(worker: string, reason: string, count: number): void {
    this.#logger.warn({ worker, reason, count }, 'bad frame dropped');
    this.#guard(() => this.#log.event({ type: 'badFrame', worker, reason, count }));
  }

  #guard(write: () => void): void {
    try {
      write();
    } catch (error) {
      this.#breakDown(error);
    }
  }

  /** The run cannot be recorded, so it ends: after its state is saved, or at once if saving fails too. */
  #breakDown(error: unknown): void {
    this.#logger.error({ err: error }, 'the coordinator cannot go on');
    this.raise({ type: 'failed', error: toWireError(error) });
  }

  #carryOut({ effect, cause, frames }: Pending): Promise<void> | undefined {
    switch (effect.type) {
      case 'send':
        // A generation that is not in the journal was not decided, so it is not announced. Other messages are sent, so that the
        // state is saved.
        if (this.#isUndecided && effect.message.type === 'begin') return undefined;
        return this.#send(effect.worker, effect.message);
      case 'journal':
        return this.#log.journal(effect.entry).catch((error: unknown) => {
          this.#isUndecided = true;
          throw error;
        });
      case 'event':
        this.#logger.info(effect.event, effect.event.type);
        this.#log.event(effect.event);
        return this.#tell(effect);
      case 'progress':
        return this.#progress(effect, cause);
      case 'evaluation':
        return this.#evaluation(effect);
      case 'holdCheckpoint':
        return this.#checkpoints.hold(effect, arrived(cause, frames));
      case 'storeCheckpoint':
        // The queue does not wait, because a large checkpoint takes seconds.
        this.#storing = this.#storeCheckpoint(
          effect,
          this.#checkpoints.take(effect) ?? arrived(cause, frames),
        );
        return undefined;
      case 'sendCheckpoint':
        return this.#isUndecided ? undefined : this.#sendCheckpoint(effect);
      case 'diverged':
        return this.#diverged(effect);
      case 'done':
        return this.#done(withDifference(effect.outcome, this.#differing));
      default:
        effect satisfies never;
        return undefined;
    }
  }

  #diverged(effect: Extract<CoordinatorEffect, { type: 'diverged' }>): undefined {
    this.#differing = this.#log.differing(effect.step, effect.workers);
    const event = { ...effect, ...this.#differing };
    this.#logger.error(event, 'workers disagree');
    this.#log.event(event);
  }

  #done(outcome: Outcome): undefined {
    this.#logger.info({ outcome }, 'run ended');
    for (const gap of this.#log.gaps()) this.notify(logIncomplete(gap));
    this.#outcome = outcome;
    this.#checkpoints.drop();
    this.#settle(outcome);
    this.#tell({ type: 'done', outcome });
  }

  #send(worker: string, message: CoordinatorMessage, frames: readonly Uint8Array[] = []): undefined {
    if (message.type === 'welcome') this.#departures.connected(worker);
    const attached = message.type === 'welcome' ? [this.#bundle] : frames;
    invariant(this.#server !== undefined, 'a message is sent before the run is served', {
      message: message.type,
    });
    this.#server.send(worker, message, attached);
  }

  #progress(effect: Extract<CoordinatorEffect, { type: 'progress' }>, cause: CoordinatorEvent): undefined {
    const { step } = effect;
    const report = agreedPart(effect.report);
    const isCommit = cause.type === 'message' && cause.message.type === 'committed';
    const hashes = isCommit ? hashesOf(cause.message) : {};
    const shared = isCommit ? this.#log.shared(cause.message) : undefined;
    const histograms = histogramsOf(step, effect.report);
    this.#checkpoints.release();
    if (histograms !== undefined) this.#log.histograms(histograms);
    this.#log.step(step, report, hashes);
    const further = { ...(shared && { shared }), ...(histograms && { histograms }) };
    this.#tell({ type: 'progress', step, report, ...hashes, ...further });
    return this.#notifyOf(this.#nonFinite.ofStep(step, report));
  }

  #evaluation(effect: Extract<CoordinatorEffect, { type: 'evaluation' }>): undefined {
    const report = agreedPart(effect.report);
    this.#log.evaluation(effect.step, effect.final, report);
    this.#tell({ ...effect, report });
    return this.#notifyOf(this.#nonFinite.ofEvaluation(effect.step, report));
  }

  async #sendCheckpoint(effect: Extract<CoordinatorEffect, { type: 'sendCheckpoint' }>): Promise<void> {
    const { worker, generation, step } = effect;
    const stored = await this.#checkpoints.read(step).catch((error: unknown) => {
      if (!(error instanceof LockstepError) || error.code !== 'checkpoint') throw error;
      return undefined;
    });
    if (stored === undefined) return this.#lostCheckpoint(step);
    const pieces = cutFrames(stored.bytes);
    const frames = pieces.map(({ byteLength }) => byteLength);
    const { pooled, run } = this.#state.config;
    const restore = { type: 'restore', generation, step, header: stored.header, frames } as const;
    this.#send(worker, pooled ? { ...restore, run } : restore, pieces);
  }

  /** A checkpoint cannot be read that could be read when the generation was agreed on. */
  async #lostCheckpoint(step: number): Promise<void> {
    // Every member asks for the checkpoint; only the first request reports it as lost.
    if (this.#state.checkpointStep !== step) return;
    const { checkpoint, skipped } = await newestCheckpoint(this.#runCheckpoints.folder);
    const newest = Math.min(checkpoint?.step ?? -1, step - 1);
    for (const one of skipped) this.notify(checkpointSkipped(one, insteadOf(newest)));
    this.#runCheckpoints.requireStanding(Math.max(0, newest));
    this.raise({ type: 'checkpointLost', step, newest });
  }

  async #storeCheckpoint(
    { worker, step }: HeldCheckpoint,
    { header, frames }: ArrivedCheckpoint,
  ): Promise<void> {
    const saved = await this.#checkpoints.save(step, header, frames).catch((error: unknown) => {
      this.#notStored(worker, step, error);
    });
    if (saved === undefined) return;
    const { tensorsSha256 } = saved;
    const stateHash = typeof header.stateHash === 'string' ? { stateHash: header.stateHash } : {};
    this.#tell({ type: 'checkpoint', step });
    this.raise({ type: 'checkpointSaved', step, ...stateHash, tensorsSha256 });
  }

  #notStored(worker: string, step: number, error: unknown) {
    if (!(error instanceof LockstepError)) return this.#breakDown(error);
    if (error.code === 'file') {
      const wire = toWireError(error);
      const message = `the state of step ${step} is not saved: ${wire.message}, then go on with \`lockstep resume\``;
      // In a run that is already failing, another error ends it.
      const isFailing = this.#state.failing !== null;
      this.raise({ type: 'checkpointFailed', step, error: { ...wire, message } });
      if (isFailing || this.#state.phase !== 'done') this.notify(checkpointFailed(step, wire));
      return;
    }
    // Bytes that are not a checkpoint mean that their sender is broken, not the run.
    this.#dropBadFrame(worker, error.message);
    this.raise({ type: 'disconnected', worker });
    this.raise({ type: 'checkpointFailed', step });
  }

  #tell(update: Update): undefined {
    for (const listener of this.#listeners) listener(update);
  }
}

/** The checkpoint in the message that caused an effect. */
function arrived(cause: CoordinatorEvent, frames: readonly Uint8Array[]): ArrivedCheckpoint {
  invariant(
    cause.type === 'message' && cause.message.type === 'checkpoint',
    'a checkpoint is stored when it arrives, or was held then',
  );
  return { header: cause.message.header, frames };
}

/** Adds the first value in which members differ, which the machine does not know, to the error that ends the run. */
function withDifference(outcome: Outcome, differing: SharedValue | undefined): Outcome {
  if (outcome.reason !== 'failed' || differing === undefined) return outcome;
  const { message, facts } = outcome.error;
  const { part, variable } = differing;
  const where = part === 'result' ? 'in the result of its exchange' : 'in the replica after the update';
  const error = {
    ...outcome.error,
    message: `${message}; the first value that differs is ${variable} ${where}`,
    facts: { ...facts, ...differing },
  };
  return { ...outcome, error };
}
