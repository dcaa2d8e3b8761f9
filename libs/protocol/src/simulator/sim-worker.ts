/** A simulated worker process: the machine, and a shell that answers its effects after random delays. */

import { invariant } from '@lockstep/errors';
import { HELLO_RETRY_MS, PROTOCOL_VERSION, TICK_MS } from '../constants.ts';
import type { CoordinatorMessage, Hello, NonFiniteFound } from '../messages/messages.ts';
import { advanceWorker, createWorker } from '../worker/machine.ts';
import type { ProgramOutline, WorkerEffect, WorkerEvent, WorkerState } from '../worker/state.ts';
import { Inbox, keyOf, nameOf, type Partial } from './inbox.ts';
import { createPause, type Pause } from './pause.ts';
import { initialParams, mix, shardPartial, updatedParams } from './trajectory.ts';
import type { PeerFrame, SimulationOptions, World } from './world.ts';

type Effect<Type extends WorkerEffect['type']> = Extract<WorkerEffect, { type: Type }>;
type Frame<Type extends PeerFrame['type']> = Extract<PeerFrame, { type: Type }>;

interface Request {
  readonly from: string;
  readonly group: string;
  readonly step: number;
}

/** Less than in earnest, so that a schedule is short in which a worker never hears the end. */
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

function outlineOf(options: SimulationOptions, finalStep: number): ProgramOutline {
  const { numSegments, numSteps, evaluateEvery, checkpointEvery, fingerprintEvery, finalEvaluation } =
    options;
  return {
    numSegments,
    finalEvaluation,
    dataHash: 'data',
    plan: (step) => ({
      evaluate: step % evaluateEvery === 0 && step <= finalStep,
      checkpoint: step > 0 && step % checkpointEvery === 0,
      fingerprint: step % fingerprintEvery === 0,
      last: step === numSteps,
    }),
  };
}

export class SimWorker {
  readonly id: string;
  readonly #world: World;
  readonly #failsToLoad: boolean;
  readonly #pause: Pause;
  readonly #inbox = new Inbox();
  #state: WorkerState;
  #isAlive = true;
  /** The state; null while an update writes over it. */
  #written: number | null = 0;
  /** A state taken over, until `commit` makes it the current one. */
  #spare: number | null = null;
  #group: Effect<'connect'> | null = null;
  /** What the last segment left: one a shard. */
  #partials: readonly number[] = [];
  #sums: number[] = [];
  #awaited: Effect<'exchange' | 'exchangeEvaluation'> | null = null;
  #fetching: string | null = null;
  #serving: { readonly group: string; readonly step: number } | null = null;
  #requests: readonly Request[] = [];

  constructor(world: World, id: string, failsToLoad: boolean) {
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

  /** Name of the generation it runs in. */
  get group(): string | null {
    return this.#group === null ? null : nameOf(this.#group);
  }

  /** The living workers that are in its generation, as it is. */
  fellows(): readonly SimWorker[] {
    const ids = this.#group?.members.map(({ worker }) => worker) ?? [];
    return this.#world.living().filter((other) => ids.includes(other.id) && other.group === this.group);
  }

  get #params(): number {
    invariant(this.#written !== null, `${this.id} reads its state while an update writes over it`);
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

  /** Whatever happens to a process that stands still happens when it goes on. */
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
    clock.after(random.between(lowMs, highMs), () => this.#whenAwake(() => this.#raise(event())));
  }

  #perform(effect: WorkerEffect) {
    const { options, ledger } = this.#world;
    switch (effect.type) {
      case 'send':
        return this.#world.toCoordinator(this.id, effect.message);
      case 'load':
        return this.#raiseWithin(5, 200, () =>
          this.#failsToLoad
            ? { type: 'failed', error: { code: 'data', message: 'no such file', facts: {} } }
            : { type: 'loaded', program: outlineOf(options, ledger.finalStep) },
        );
      case 'connect':
        return this.#connect(effect);
      case 'initialise':
        return this.#take(30, effect.generation, 0, initialParams(options.seed));
      case 'fetchSnapshot':
        return this.#fetch(effect);
      case 'restore':
        return this.#take(20, effect.generation, effect.step, Number(effect.header.params));
      case 'serveSnapshot':
        this.#serving = { group: this.group!, step: effect.step };
        return this.#answerRequests();
      case 'runSegment':
        return this.#compute(effect.step, effect.segment);
      case 'runEvaluation':
        return this.#compute(effect.step, options.numSegments + (effect.final ? 1 : 0));
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
      case 'exit':
        return this.crash();
      default:
        effect satisfies never;
    }
  }

  #connect(effect: Effect<'connect'>): void {
    this.#group = effect;
    this.#serving = null;
    this.#sums = [];
    this.#inbox.dropBefore(effect);
    for (const { worker } of effect.members) {
      if (worker !== this.id && this.#world.isBroken(this.id, worker)) this.#linkBroke(worker);
    }
  }

  #linkBroke(peer: string): void {
    if (!this.#group?.members.some(({ worker }) => worker === peer)) return;
    const { generation } = this.#group;
    this.#raiseWithin(0, 300, () => ({ type: 'peerLost', generation, peer }));
  }

  /** Puts a state beside the current one, unless its generation is over by then. */
  #take(withinMs: number, generation: number, step: number, params: number): void {
    this.#raiseWithin(1, withinMs, () => {
      if (this.#group?.generation === generation) this.#spare = params;
      return { type: 'stateReady', generation, step };
    });
  }

  #fetch({ from, step }: Effect<'fetchSnapshot'>): void {
    this.#fetching = this.group;
    this.#world.toPeer(this.id, from, { type: 'fetch', group: this.group!, step });
  }

  #answerRequests(): void {
    if (this.#serving === null) return;
    const { group, step } = this.#serving;
    for (const request of this.#requests.filter((one) => one.group === group)) {
      const isUnchanged = request.step === step && this.#state.step === step;
      invariant(isUnchanged, `${this.id} moved on from step ${step} while a member lacks it`);
      this.#world.toPeer(this.id, request.from, { type: 'snapshot', group, step, params: this.#params });
    }
    this.#requests = this.#requests.filter((one) => one.group !== group);
  }

  #receive(from: string, frame: PeerFrame) {
    switch (frame.type) {
      case 'partial':
        return this.#receivePartial(from, frame);
      case 'snapshot':
        return this.#receiveSnapshot(frame);
      case 'fetch':
        this.#requests = [...this.#requests, { from, group: frame.group, step: frame.step }];
        return this.#answerRequests();
      default:
        frame satisfies never;
    }
  }

  #receiveSnapshot({ group, step, params }: Frame<'snapshot'>): void {
    if (this.#fetching !== group || this.#group === null) return;
    this.#fetching = null;
    this.#take(20, this.#group.generation, step, params);
  }

  #shards(): { readonly start: number; readonly count: number } {
    const self = this.#group?.members.find(({ worker }) => worker === this.id);
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
    const group = this.#group;
    invariant(group?.generation === effect.generation, `${this.id} exchanges in a generation it has not met`);
    this.#awaited = effect;
    const { start } = this.#shards();
    const frame: Partial = {
      type: 'partial',
      key: keyOf(group, effect),
      params: this.#params,
      start,
      partials: this.#partials,
    };
    for (const { worker } of group.members) {
      if (worker !== this.id) this.#world.toPeer(this.id, worker, frame);
    }
    this.#receivePartial(this.id, frame);
  }

  #receivePartial(from: string, frame: Partial): void {
    this.#inbox.put(from, frame);
    if (this.#group === null || this.#awaited === null) return;
    const given = this.#inbox.take(keyOf(this.#group, this.#awaited), this.#group.members.length);
    if (given === null) return;
    this.#world.ledger.exchanged(this.#params, given);
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
      const stop = step >= this.#world.options.stopFrom;
      this.#raiseWithin(0, 1, () => ({ type: 'evaluationDone', ...exchanged, stop, report: { sum } }));
    }
  }

  /** A state that is not finite: a pure function of its step. */
  #isBroken(step: number): boolean {
    const { nonFinite } = this.#world.options;
    return nonFinite?.cause === 'update' && step >= nonFinite.step;
  }

  /** What keeps the update of `step` from being done, or has it taken back. */
  #findingAt(step: number, careful: boolean): NonFiniteFound | undefined {
    const { nonFinite } = this.#world.options;
    if (nonFinite === undefined) return undefined;
    const { cause, step: at, shownAt } = nonFinite;
    if (this.#isBroken(step - 1)) {
      invariant(!careful, `${this.id} was given a state that is not finite`);
      return step >= shownAt ? { cause: 'state', step: step - 1, what: ['w'] } : undefined;
    }
    const isFound = step === at && (cause === 'step' || careful);
    return isFound ? { cause, step, what: ['w'] } : undefined;
  }

  #update({ step, fingerprint, careful }: Effect<'runUpdate'>) {
    const found = this.#findingAt(step, careful === true);
    if (found !== undefined) {
      this.#spare = null;
      return this.#raiseWithin(1, 10, () => ({ type: 'nonFinite', found }));
    }
    const params = updatedParams(this.#params, step, this.#sums);
    // What it was to take in a generation that ended before is over.
    this.#spare = null;
    this.#written = null;
    this.#raiseWithin(1, 10, () => {
      this.#written = params;
      return { type: 'updateDone', report: { params }, ...(fingerprint ? { fingerprint: `${params}` } : {}) };
    });
  }

  #commit(step: number): void {
    const isUpdate = this.#spare === null;
    this.#written = this.#spare ?? this.#written;
    this.#spare = null;
    this.#sums = [];
    // Members that take the agreed state are behind until they have it; an update needs them all.
    const steps = isUpdate ? this.fellows().map(({ state }) => state.step) : [];
    this.#world.ledger.committed(this.id, step, this.#params, steps);
  }

  #sendCheckpoint(step: number) {
    if (this.#isBroken(step)) return this.#tellBroken(step);
    const header = { params: this.#params };
    this.#world.toCoordinator(this.id, { type: 'checkpoint', step, header, frames: [] });
  }

  #tellBroken(step: number): void {
    this.#raiseWithin(0, 1, () => ({ type: 'nonFinite', found: { cause: 'state', step, what: ['w'] } }));
  }

  #finish(step: number) {
    if (this.#isBroken(step)) return this.#tellBroken(step);
    const params = this.#params;
    this.#raiseWithin(1, 20, () => ({ type: 'finishDone', fingerprint: `${params}`, result: { params } }));
  }
}
