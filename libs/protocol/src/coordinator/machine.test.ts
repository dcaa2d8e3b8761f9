import { describe, expect, it } from 'vitest';
import type { WorkerMessage } from '../messages/messages.ts';
import { helloOf } from '../simulator/sim-worker.ts';
import { advanceCoordinator, createCoordinator, recover } from './machine.ts';
import type { CoordinatorConfig, CoordinatorEvent } from './state.ts';

const config: CoordinatorConfig = {
  run: 'run',
  incarnation: 1,
  version: '1',
  build: 'b1',
  experiment: { name: 'e', hash: 'e1' },
  config: {},
  bundleBytes: 0,
  numShards: 4,
  minWorkers: 2,
  profile: 'auto',
  heartbeatMs: 500,
  livenessMs: 1_800,
};

const hashes = { initialisation: 'i', step: 's', update: 'u', evaluation: 'e', settings: 'c' };

function started(changes: Partial<CoordinatorConfig> = {}) {
  let state = createCoordinator({ ...config, ...changes }, 0);
  const raise = (event: CoordinatorEvent, now = 0) => {
    const advanced = advanceCoordinator(state, event, now);
    state = advanced.state;
    return advanced.effects;
  };
  const hear = (worker: string, message: WorkerMessage, now = 0) =>
    raise({ type: 'message', worker, message }, now);
  return { raise, hear, state: () => state };
}

/** Two members in generation 1, at the initial state. */
function running() {
  const coordinator = started();
  for (const worker of ['w1', 'w2']) {
    coordinator.hear(worker, helloOf(worker, 1));
    coordinator.hear(worker, { type: 'loaded' });
  }
  for (const worker of ['w1', 'w2']) coordinator.hear(worker, { type: 'ready', generation: 1, step: -1 });
  return coordinator;
}

const committed = (step: number, fingerprint?: string): WorkerMessage => ({
  type: 'committed',
  generation: 1,
  step,
  report: {},
  ...(fingerprint === undefined ? {} : { fingerprint }),
});

describe('coordinator', () => {
  it('writes a generation down before it announces it', () => {
    const { hear } = started({ minWorkers: 1 });
    hear('w1', helloOf('w1', 1));
    hear('w1', { type: 'loaded' });
    const effects = hear('w1', { type: 'ready', generation: 1, step: -1 });
    expect(effects.map(({ type }) => type)).toEqual(['journal', 'event', 'send']);
  });

  it('tells of each step once', () => {
    const { hear } = running();
    expect(hear('w2', committed(1))).toMatchObject([{ type: 'progress', step: 1, worker: 'w2' }]);
    expect(hear('w1', committed(1))).toEqual([]);
  });

  it('finds a worker that is silent, and only that one', () => {
    const { raise, hear, state } = running();
    for (let now = 100; now <= 2_000; now += 100) {
      hear('w1', { type: 'heartbeat' }, now);
      raise({ type: 'tick' }, now);
    }
    expect([...state().workers.keys()]).toEqual(['w1']);
    expect(state()).toMatchObject({ phase: 'preparing', generation: 2 });
  });

  it('blames nobody for silence when it was held up itself', () => {
    const { raise, state } = running();
    raise({ type: 'tick' }, 30_000);
    expect([...state().workers.keys()]).toEqual(['w1', 'w2']);
  });

  it('takes a hello that is said again, and parts of a long message, for signs of life', () => {
    const { raise, hear, state } = started();
    hear('w1', helloOf('w1', 1));
    hear('w2', helloOf('w2', 1));
    for (let now = 100; now <= 4_000; now += 100) {
      if (now % 500 === 0) expect(hear('w1', helloOf('w1', 1), now)).toEqual([]);
      if (now % 1_000 === 0) raise({ type: 'heard', worker: 'w2' }, now);
      raise({ type: 'tick' }, now);
    }
    expect([...state().workers.keys()]).toEqual(['w1', 'w2']);
  });

  it('saves nothing when two fingerprints differ: nobody knows which state is right', () => {
    const { hear } = running();
    hear('w1', committed(1, 'a'));
    const effects = hear('w2', committed(1, 'b'));
    expect(effects.map(({ type }) => type)).toEqual(['diverged', 'journal', 'send', 'send', 'done']);
  });

  it('asks strangers to say hello', () => {
    const { hear } = running();
    expect(hear('w9', { type: 'heartbeat' })).toMatchObject([
      { type: 'send', worker: 'w9', message: { type: 'refused', code: 'unknown' } },
    ]);
  });

  it('refuses a hello in the name of another', () => {
    const { hear } = started();
    expect(hear('w1', helloOf('w2', 1))).toMatchObject([
      { type: 'send', worker: 'w1', message: { type: 'refused', code: 'protocol' } },
      { type: 'event', event: { type: 'refused' } },
    ]);
  });

  it('compares the fingerprint of a step with that of an earlier generation', () => {
    const { hear, raise, state } = running();
    hear('w1', committed(1, 'a'));
    raise({ type: 'disconnected', worker: 'w1' });
    const effects = hear('w2', committed(1, 'b'));
    expect(effects[0]).toEqual({ type: 'diverged', step: 1, fingerprints: { w1: 'a', w2: 'b' } });
    expect(state().stopReason).toBe('failed');
  });

  it('ignores what stale generations say', () => {
    const { hear, state } = running();
    const before = state();
    expect(hear('w1', { type: 'lost', generation: 0, peer: 'w2' })).toEqual([]);
    expect(hear('w1', { type: 'finished', generation: 0, step: 9, fingerprint: 'f', result: {} })).toEqual(
      [],
    );
    expect(hear('w1', { type: 'ready', generation: 1, step: 5 })).toEqual([]);
    expect(state().phase).toBe(before.phase);
  });

  it('stops at once when it is interrupted before it began', () => {
    const { raise, hear } = started();
    hear('w1', helloOf('w1', 1));
    expect(raise({ type: 'interrupt' }).map(({ type }) => type)).toEqual([
      'event',
      'journal',
      'send',
      'done',
    ]);
  });

  it('recovers from its journal', () => {
    const reported = { progressStep: 7, evaluatedStep: 5, finalEvaluated: false };
    const recovered = recover(
      [
        { type: 'data', hash: 'd1' },
        { type: 'profile', profile: 'fma' },
        { type: 'programs', build: 'b1', hashes },
        { type: 'generation', generation: 3, step: 0, source: 'init', members: [] },
        { type: 'checkpoint', step: 6 },
      ],
      reported,
    );
    expect(recovered).toEqual({
      ...reported,
      dataHash: 'd1',
      programs: { build: 'b1', hashes },
      profile: 'fma',
      generation: 3,
      checkpointStep: 6,
    });
  });
});
