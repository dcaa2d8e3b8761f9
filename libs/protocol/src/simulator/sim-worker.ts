/** A simulated worker process: the machine, and a shell that answers its effects after random delays. */

import { invariant } from '@lockstep/errors';
import { COORDINATOR_TIMEOUT_MS, HELLO_RETRY_MS, PROTOCOL_VERSION, TICK_MS } from '../constants.ts';
import type { CoordinatorMessage, Hello } from '../messages/messages.ts';
import { advanceWorker, createWorker } from '../worker/machine.ts';
import type { ProgramOutline, WorkerEffect, WorkerEvent, WorkerState } from '../worker/state.ts';
import { initialParams, mix, shardPart, updatedParams } from './trajectory.ts';
import type { PeerFrame, SimulationOptions, World } from './world.ts';

type Connect = Extract<WorkerEffect, { type: 'connect' }>;
type Partial = Extract<PeerFrame, { type: 'partial' }>;
type Exchange = Extract<WorkerEffect, { type: 'exchange' | 'exchangeEvaluation' }>;

export interface SimWorker {
  readonly id: string;
  readonly state: () => WorkerState;
  readonly isAlive: () => boolean;
  /** Name of the generation it runs in. */
  readonly group: () => string | null;
  readonly fellows: () => readonly SimWorker[];
  hear(message: CoordinatorMessage): void;
  receive(from: string, frame: PeerFrame): void;
  linkBroke(peer: string): void;
  crash(): void;
  pause(durationMs: number): void;
}

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

/** @param peer finds a living worker */
export function createSimWorker(
  world: World,
  id: string,
  peer: (id: string) => SimWorker | undefined,
): SimWorker {
  const { clock, random, options, ledger } = world;
  const started = createWorker(
    {
      hello: helloOf(id, 1 + random.below(4)),
      helloRetryMs: HELLO_RETRY_MS,
      coordinatorTimeoutMs: COORDINATOR_TIMEOUT_MS,
    },
    clock.now(),
  );
  let state = started.state;
  let alive = true;
  let pausedUntilMs = 0;
  let params = 0;
  let spare = 0;
  /** Whether the spare buffer holds an update rather than a state taken over. */
  let updated = false;
  let group: Connect | null = null;
  let parts: readonly number[] = [];
  let sums: number[] = [];
  let awaited: Exchange | null = null;
  let fetching: string | null = null;
  let serving: { readonly group: string; readonly step: number } | null = null;
  let requests: { readonly from: string; readonly group: string; readonly step: number }[] = [];
  const inbox = new Map<string, Map<string, Partial>>();

  /** Whatever happens to a process that stands still happens when it goes on. */
  function whenAwake(action: () => void): void {
    if (!alive) return;
    if (clock.now() < pausedUntilMs) clock.at(pausedUntilMs, () => whenAwake(action));
    else action();
  }

  function raise(event: WorkerEvent): void {
    const advanced = advanceWorker(state, event, clock.now());
    state = advanced.state;
    for (const effect of advanced.effects) perform(effect);
  }

  function raiseAfter(lowMs: number, highMs: number, event: () => WorkerEvent): void {
    clock.after(random.between(lowMs, highMs), () => whenAwake(() => raise(event())));
  }

  const nameOf = ({ incarnation, generation }: Connect): string => `${incarnation}/${generation}`;

  /** Those that are, like this worker, in its generation. */
  const fellows = (): readonly SimWorker[] =>
    (group?.members ?? [])
      .map(({ worker }) => peer(worker))
      .filter((other): other is SimWorker => other !== undefined && other.group() === self.group());

  function shardRange(): { readonly start: number; readonly count: number } {
    const member = group?.members.find(({ worker }) => worker === id);
    invariant(member !== undefined, `${id} computes outside a generation`);
    return member.shards;
  }

  function compute(step: number, collective: number): void {
    const { start, count } = shardRange();
    const from = params;
    raiseAfter(1, 40, () => {
      parts = Array.from({ length: count }, (_, i) => shardPart(from, step, collective, start + i));
      return { type: 'segmentDone' };
    });
  }

  function exchange(effect: Exchange): void {
    invariant(group?.generation === effect.generation, `${id} exchanges in a generation it has not met`);
    awaited = effect;
    const key = `${nameOf(group)}/${effect.step}/${effect.collective}`;
    const { start } = shardRange();
    const frame: Partial = { type: 'partial', key, params, start, parts };
    for (const { worker } of group.members) {
      if (worker === id) receivePartial(id, frame);
      else world.toPeer(id, worker, frame);
    }
  }

  function receivePartial(from: string, frame: Partial): void {
    const received = inbox.get(frame.key) ?? new Map<string, Partial>();
    inbox.set(frame.key, received.set(from, frame));
    if (group === null || awaited === null) return;
    const { generation, step, collective } = awaited;
    const key = `${nameOf(group)}/${step}/${collective}`;
    if (key !== frame.key || received.size < group.members.length) return;
    const given = [...received.values()].sort((a, b) => a.start - b.start);
    ledger.exchanged(params, given);
    const sum = mix(...given.flatMap((one) => one.parts));
    const { type } = awaited;
    awaited = null;
    inbox.delete(key);
    if (type === 'exchange') sums[collective] = sum;
    const stop = step >= options.stopFrom;
    const report = { sum };
    raiseAfter(0, 1, () =>
      type === 'exchange'
        ? { type: 'exchangeDone', generation, step, collective }
        : { type: 'evaluationDone', generation, step, collective, stop, report },
    );
  }

  function updateParams(step: number, fingerprint: boolean): void {
    raiseAfter(1, 10, () => {
      spare = updatedParams(params, step, sums);
      updated = true;
      const report = { params: spare };
      return { type: 'updateDone', report, ...(fingerprint ? { fingerprint: `${spare}` } : {}) };
    });
  }

  function commit(step: number) {
    params = spare;
    sums = [];
    // Members that take the agreed state are behind until they have it; an update needs them all.
    ledger.committed(id, step, params, updated ? fellows().map((fellow) => fellow.state().step) : []);
    updated = false;
  }

  function connect(effect: Connect) {
    group = effect;
    serving = null;
    sums = [];
    for (const key of inbox.keys()) if (!key.startsWith(`${nameOf(effect)}/`)) forgetStale(key, effect);
    for (const { worker } of effect.members) {
      if (worker !== id && world.isBroken(id, worker)) linkBroke(worker);
    }
  }

  function forgetStale(key: string, { incarnation, generation }: Connect) {
    const [other = 0, number = 0] = key.split('/').map(Number);
    if (other < incarnation || (other === incarnation && number < generation)) inbox.delete(key);
  }

  function fetch(from: string, step: number) {
    invariant(group !== null, `${id} fetches outside a generation`);
    fetching = nameOf(group);
    world.toPeer(id, from, { type: 'fetch', group: fetching, step });
  }

  function answerRequests() {
    if (serving === null) return;
    const { group: served, step } = serving;
    for (const request of requests.filter((one) => one.group === served)) {
      invariant(
        request.step === step && state.step === step,
        `${id} moved on from step ${step} while it serves it`,
      );
      world.toPeer(id, request.from, { type: 'snapshot', group: served, step, params });
    }
    requests = requests.filter((one) => one.group !== served);
  }

  function receiveSnapshot({
    group: from,
    step,
    params: snapshot,
  }: Extract<PeerFrame, { type: 'snapshot' }>) {
    if (fetching !== from || group === null) return;
    const { generation } = group;
    fetching = null;
    raiseAfter(1, 20, () => {
      spare = nameOf(group!) === from ? snapshot : spare;
      return { type: 'stateReady', generation, step };
    });
  }

  function receive(from: string, frame: PeerFrame) {
    if (frame.type === 'partial') return receivePartial(from, frame);
    if (frame.type === 'snapshot') return receiveSnapshot(frame);
    requests.push({ from, group: frame.group, step: frame.step });
    answerRequests();
  }

  function linkBroke(peer: string) {
    if (group === null || !group.members.some(({ worker }) => worker === peer)) return;
    const { generation } = group;
    raiseAfter(0, 300, () => ({ type: 'peerLost', generation, peer }));
  }

  function perform(effect: WorkerEffect) {
    switch (effect.type) {
      case 'send':
        return world.toCoordinator(id, effect.message);
      case 'load':
        return raiseAfter(5, 200, () => ({ type: 'loaded', program: outlineOf(options, ledger.finalStep) }));
      case 'connect':
        return connect(effect);
      case 'initialise':
        return raiseAfter(1, 30, () => {
          spare = initialParams(options.seed);
          return { type: 'stateReady', generation: effect.generation, step: 0 };
        });
      case 'fetchSnapshot':
        return fetch(effect.from, effect.step);
      case 'restore':
        return raiseAfter(1, 20, () => {
          if (group?.generation === effect.generation) spare = Number(effect.header.params);
          return { type: 'stateReady', generation: effect.generation, step: effect.step };
        });
      case 'serveSnapshot':
        invariant(group !== null, `${id} serves outside a generation`);
        serving = { group: nameOf(group), step: effect.step };
        return answerRequests();
      case 'runSegment':
        return compute(effect.step, effect.segment);
      case 'runEvaluation':
        return compute(effect.step, options.numSegments + (effect.final ? 1 : 0));
      case 'exchange':
      case 'exchangeEvaluation':
        return exchange(effect);
      case 'runUpdate':
        return updateParams(effect.step, effect.fingerprint);
      case 'commit':
        return commit(effect.step);
      case 'checkpoint':
        return world.toCoordinator(id, {
          type: 'checkpoint',
          step: effect.step,
          header: { params },
          frames: [],
        });
      case 'finish':
        return raiseAfter(1, 20, () => ({
          type: 'finishDone',
          fingerprint: `${params}`,
          result: { params },
        }));
      case 'abort':
        awaited = null;
        fetching = null;
        return;
      case 'exit':
        alive = false;
        return;
      default:
        effect satisfies never;
    }
  }

  function tick(): void {
    if (!alive) return;
    whenAwake(() => raise({ type: 'tick' }));
    clock.after(TICK_MS, tick);
  }

  const self: SimWorker = {
    id,
    state: () => state,
    isAlive: () => alive,
    group: () => (group === null ? null : nameOf(group)),
    fellows,
    hear: (message) => whenAwake(() => raise({ type: 'message', message })),
    receive: (from, frame) => whenAwake(() => receive(from, frame)),
    linkBroke: (peer) => whenAwake(() => linkBroke(peer)),
    crash: () => {
      alive = false;
    },
    pause: (durationMs) => {
      pausedUntilMs = Math.max(pausedUntilMs, clock.now() + durationMs);
    },
  };
  for (const effect of started.effects) perform(effect);
  clock.after(random.between(0, TICK_MS), tick);
  return self;
}
