/** A simulated worker process: the worker's machine, and a shell that carries out its effects after random delays. */

import { invariant } from '@lockstep/errors';
import { HELLO_RETRY_MS, PROTOCOL_VERSION, TICK_MS } from '../constants.ts';
import type { CoordinatorMessage, Hello, WorkerMessage } from '../messages/messages.ts';
import { advanceWorker, createWorker } from '../worker/machine.ts';
import type { WorkerEffect, WorkerEvent, WorkerState } from '../worker/state.ts';
import { findingAt, isBroken, outlineOf } from './experiment.ts';
import { exchangeKey, generationName, type PartialFrame, type PeerFrame } from './frames.ts';
import { Inbox } from './inbox.ts';
import { createPause, type Pause } from './pause.ts';
import { initialParams, mix, shardPartial, updatedParams } from './trajectory.ts';
import type { LivingWorker, SimRun, World } from './world.ts';

type Effect<Type extends WorkerEffect['type']> = Extract<WorkerEffect, { type: Type }>;
type Frame<Type extends PeerFrame['type']> = Extract<PeerFrame, { type: Type }>;

interface Request {
  readonly from: string;
  readonly generationName: string;
  readonly step: number;
}

/** Shorter than in real runs, so that a schedule in which a worker never hears of the end stays short. */
const TIMEOUT_MS = 60_000;

export function helloOf(id: string, threads: number): Hello {
  return {
    type: 'hello',
    protocol: PROTOCOL_VERSION,
    worker: id,
    threads,
    profiles: ['portable', 'fma'],
    endpoint: `sim://${id}`,
    host: 'sim',
    pid: 1,
    version: '1',
    build: 'b1',
    nodeVersion: 'v20.20.2',
  };
}

export class SimWorker implements LivingWorker {
  readonly id: string;
  readonly #world: World;
  readonly #failsToLoad: (run: string) => boolean;
  readonly #pause: Pause;
  #inbox = new Inbox();
  #state: WorkerState;
  #isAlive = true;
  /** The run that was loaded, or is being loaded. */
  #loaded: SimRun | null = null;
  /** Replaced when a run is released: what it has begun raises nothing from then on. */
  #stay = {};
  /** The state; null while an update overwrites it. */
  #written: number | null = 0;
  /** A state from elsewhere, until `commit` makes it the current one. */
  #spare: number | null = null;
  #membership: Effect<'connect'> | null = null;
  /** The results of the last segment, one for each shard. */
  #partials: readonly number[] = [];
  #sums: number[] = [];
  #awaited: Effect<'exchange' | 'exchangeEvaluation'> | null = null;
  #fetching: string | null = null;
  #serving: { readonly generationName: string; readonly step: number } | null = null;
  #requests: readonly Request[] = [];

  constructor(world: World, id: string, failsToLoad: (run: string) => boolean) {
    this.id = id;
    this.#failsToLoad = failsToLoad;
    this.#world = world;
    this.#pause = createPause(world.clock);
    const { clock, random } = world;
    const hello = helloOf(id, 1 + random.below(4));
    const timing = { helloRetryMs: HELLO_RETRY_MS, coordinatorTimeoutMs: TIMEOUT_MS };
    const { state, effects } = createWorker({ hello, ...timing }, clock.now());
    this.#state = state;
    for (const effect of effects) this.#perform(effect);
    clock.after(random.between(0, TICK_MS), () => this.#tick());
  }

  get state(): WorkerState {
    return this.#state;
  }

  get isAlive(): boolean {
    return this.#isAlive;
  }

  get generationName(): string | null {
    return this.#membership === null ? null : `${this.#run.name}/${this.#generation}`;
  }

  /** As frames of its run name it. */
  get #generation(): string {
    invariant(this.#membership !== null, `${this.id} has entered no generation`);
    return generationName(this.#membership);
  }

  get #run(): SimRun {
    invariant(this.#loaded !== null, `${this.id} works outside a run`);
    return this.#loaded;
  }

  /** The living members of its generation that have entered it too. */
  fellows(): readonly LivingWorker[] {
    const ids = this.#membership?.members.map(({ worker }) => worker) ?? [];
    const { generationName: own } = this;
    return this.#world.living().filter((other) => ids.includes(other.id) && other.generationName === own);
  }

  get #params(): number {
    invariant(this.#written !== null, `${this.id} reads its state while an update overwrites it`);
    return this.#written;
  }

  hear(message: CoordinatorMessage): void {
    this.#whenAwake(() => this.#raise({ type: 'message', message }));
  }

  receive(from: string, frame: PeerFrame): void {
    this.#whenAwake(() => this.#receive(from, frame));
  }

  linkBroke(peer: string): void {
    this.#whenAwake(() => this.#linkBroke(peer));
  }

  crash(): void {
    this.#isAlive = false;
  }

  pause(durationMs: number): void {
    this.#pause.begin(durationMs);
  }

  /** A paused process sees what happened during its pause when it continues. */
  #whenAwake(action: () => void): void {
    this.#pause.whenAwake(() => {
      if (this.#isAlive) action();
    });
  }

  #tick(): void {
    if (!this.#isAlive) return;
    this.#whenAwake(() => this.#raise({ type: 'tick' }));
    this.#world.clock.after(TICK_MS, () => this.#tick());
  }

  #raise(event: WorkerEvent): void {
    const { state, effects } = advanceWorker(this.#state, event, this.#world.clock.now());
    this.#state = state;
    for (const effect of effects) this.#perform(effect);
  }

  #raiseWithin(lowMs: number, highMs: number, event: () => WorkerEvent): void {
    const { clock, random } = this.#world;
    const stay = this.#stay;
    clock.after(random.between(lowMs, highMs), () =>
      this.#whenAwake(() => {
        if (stay === this.#stay) this.#raise(event());
      }),
    );
  }

  #perform(effect: WorkerEffect) {
    switch (effect.type) {
      case 'send':
        return this.#send(effect.message);
      case 'load':
        return this.#load(String(effect.config.run));
      case 'connect':
        return this.#connect(effect);
      case 'initialise':
        return this.#take(30, effect.generation, 0, initialParams(this.#run.options.seed));
      case 'fetchSnapshot':
        return this.#fetch(effect);
      case 'restore':
        return this.#take(20, effect.generation, effect.step, Number(effect.header.params));
      case 'serveSnapshot':
        this.#serving = { generationName: this.#generation, step: effect.step };
        return this.#answerRequests();
      case 'runSegment':
        return this.#compute(effect.step, effect.segment);
      case 'runEvaluation':
        return this.#compute(effect.step, this.#run.options.numSegments + (effect.final ? 1 : 0));
      case 'exchange':
      case 'exchangeEvaluation':
        return this.#exchange(effect);
      case 'runUpdate':
        return this.#update(effect);
      case 'commit':
        return this.#commit(effect.step);
      case 'checkpoint':
        return this.#sendCheckpoint(effect.step);
      case 'finish':
        return this.#finish(effect.step);
      case 'search':
        return this.#raiseWithin(1, 2_000, () => ({ type: 'searched', step: effect.step, message: 'log' }));
      case 'abort':
        this.#awaited = null;
        this.#fetching = null;
        return;
      case 'release':
        return this.#raiseWithin(1, 60, () => this.#leaveRun());
      case 'exit':
        return this.crash();
      default:
        effect satisfies never;
    }
  }

  #send(message: WorkerMessage): void {
    this.#world.toCoordinator(this.id, message);
  }

  #load(run: string): void {
    this.#loaded = this.#world.runOf(run);
    this.#raiseWithin(5, 200, () =>
      this.#failsToLoad(run)
        ? { type: 'failed', error: { code: 'data', message: 'no such file', facts: {} } }
        : { type: 'loaded', program: outlineOf(this.#run) },
    );
  }

  #leaveRun(): WorkerEvent {
    this.#loaded = null;
    this.#inbox = new Inbox();
    this.#stay = {};
    this.#written = 0;
    this.#spare = null;
    this.#membership = null;
    this.#sums = [];
    this.#awaited = null;
    this.#fetching = null;
    this.#serving = null;
    this.#requests = [];
    return { type: 'released' };
  }

  #connect(effect: Effect<'connect'>): void {
    this.#membership = effect;
    this.#serving = null;
    this.#sums = [];
    this.#inbox.dropBefore(effect);
    for (const { worker } of effect.members) {
      if (worker !== this.id && this.#world.isBroken(this.id, worker)) this.#linkBroke(worker);
    }
  }

  #linkBroke(peer: string): void {
    if (!this.#membership?.members.some(({ worker }) => worker === peer)) return;
    const { generation } = this.#membership;
    this.#raiseWithin(0, 300, () => ({ type: 'peerLost', generation, peer }));
  }

  /** Puts a state into the spare copy, unless the generation has ended by then. */
  #take(withinMs: number, generation: number, step: number, params: number): void {
    this.#raiseWithin(1, withinMs, () => {
      if (this.#membership?.generation === generation) this.#spare = params;
      return { type: 'stateReady', generation, step };
    });
  }

  #fetch({ from, step }: Effect<'fetchSnapshot'>): void {
    const wanted = { run: this.#run.name, generationName: this.#generation };
    this.#fetching = wanted.generationName;
    this.#world.toPeer(this.id, from, { type: 'fetch', ...wanted, step });
  }

  #answerRequests(): void {
    if (this.#serving === null) return;
    const { step, generationName: served } = this.#serving;
    for (const request of this.#requests.filter((one) => one.generationName === served)) {
      const isUnchanged = request.step === step && this.#state.step === step;
      invariant(isUnchanged, `${this.id} left step ${step} while a member still needs its state`);
      const answer = { run: this.#run.name, generationName: served, step, params: this.#params };
      this.#world.toPeer(this.id, request.from, { type: 'snapshot', ...answer });
    }
    this.#requests = this.#requests.filter((one) => one.generationName !== served);
  }

  #receive(from: string, frame: PeerFrame) {
    if (frame.run !== this.#loaded?.name) return;
    switch (frame.type) {
      case 'partial':
        return this.#receivePartial(from, frame);
      case 'snapshot':
        return this.#receiveSnapshot(frame);
      case 'fetch':
        this.#requests = [
          ...this.#requests,
          { from, generationName: frame.generationName, step: frame.step },
        ];
        return this.#answerRequests();
      default:
        frame satisfies never;
    }
  }

  #receiveSnapshot({ generationName: sent, step, params }: Frame<'snapshot'>): void {
    if (this.#fetching !== sent || this.#membership === null) return;
    this.#fetching = null;
    this.#take(20, this.#membership.generation, step, params);
  }

  #shards(): { readonly start: number; readonly count: number } {
    const self = this.#membership?.members.find(({ worker }) => worker === this.id);
    invariant(self !== undefined, `${this.id} computes outside a generation`);
    return self.shards;
  }

  #compute(step: number, exchange: number): void {
    const { start, count } = this.#shards();
    const params = this.#params;
    this.#raiseWithin(1, 40, () => {
      this.#partials = Array.from({ length: count }, (_, i) =>
        shardPartial(params, step, exchange, start + i),
      );
      return { type: 'segmentDone' };
    });
  }

  #exchange(effect: Effect<'exchange' | 'exchangeEvaluation'>): void {
    const membership = this.#membership;
    invariant(
      membership?.generation === effect.generation,
      `${this.id} exchanges in a generation it has not entered`,
    );
    this.#awaited = effect;
    const { start } = this.#shards();
    const frame: PartialFrame = {
      type: 'partial',
      run: this.#run.name,
      key: exchangeKey(membership, effect),
      params: this.#params,
      start,
      partials: this.#partials,
    };
    for (const { worker } of membership.members) {
      if (worker !== this.id) this.#world.toPeer(this.id, worker, frame);
    }
    this.#receivePartial(this.id, frame);
  }

  #receivePartial(from: string, frame: PartialFrame): void {
    this.#inbox.put(from, frame);
    if (this.#membership === null || this.#awaited === null) return;
    const given = this.#inbox.take(
      exchangeKey(this.#membership, this.#awaited),
      this.#membership.members.length,
    );
    if (given === null) return;
    this.#run.ledger.exchanged(this.#params, given);
    this.#endExchange(this.#awaited, mix(...given.flatMap(({ partials }) => partials)));
  }

  #endExchange(effect: Effect<'exchange' | 'exchangeEvaluation'>, sum: number): void {
    const { generation, step, exchange } = effect;
    const exchanged = { generation, step, exchange };
    this.#awaited = null;
    if (effect.type === 'exchange') {
      this.#sums[exchange] = sum;
      this.#raiseWithin(0, 1, () => ({ type: 'exchangeDone', ...exchanged }));
    } else {
      const stop = step >= this.#run.options.stopFrom;
      this.#raiseWithin(0, 1, () => ({ type: 'evaluationDone', ...exchanged, stop, report: { sum } }));
    }
  }

  #update({ step, fingerprint, stateHash, careful }: Effect<'runUpdate'>) {
    const found = findingAt(this.#run.options, step, careful === true, this.id);
    if (found !== undefined) {
      this.#spare = null;
      return this.#raiseWithin(1, 10, () => ({ type: 'nonFinite', found }));
    }
    const params = updatedParams(this.#params, step, this.#sums);
    // A state that an earlier generation asked for is not needed any more.
    this.#spare = null;
    this.#written = null;
    this.#raiseWithin(1, 10, () => {
      this.#written = params;
      return {
        ...{ type: 'updateDone', report: { params }, digest: `${params}` },
        ...(fingerprint && { fingerprint: `${params}` }),
        ...(stateHash && { stateHash: `whole ${params}` }),
      };
    });
  }

  #commit(step: number): void {
    const isUpdate = this.#spare === null;
    this.#written = this.#spare ?? this.#written;
    this.#spare = null;
    this.#sums = [];
    // Members that fetch the agreed state are behind until they have it; an update happens only when all have it.
    const steps = isUpdate ? this.fellows().map(({ state }) => state.step) : [];
    this.#run.ledger.committed(this.id, step, this.#params, steps);
  }

  #sendCheckpoint(step: number) {
    if (isBroken(this.#run.options, step)) return this.#tellBroken(step);
    const header = { params: this.#params };
    const named = this.#state.pooled && { run: this.#run.name };
    this.#send({ type: 'checkpoint', step, header, frames: [], ...named });
  }

  #tellBroken(step: number): void {
    this.#raiseWithin(0, 1, () => ({ type: 'nonFinite', found: { cause: 'state', step, what: ['w'] } }));
  }

  #finish(step: number) {
    if (isBroken(this.#run.options, step)) return this.#tellBroken(step);
    const params = this.#params;
    this.#raiseWithin(1, 20, () => ({ type: 'finishDone', fingerprint: `${params}`, result: { params } }));
  }
}
