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

/** Two members in generation 1 with the initial state. */
function running(changes: Partial<CoordinatorConfig> = {}) {
  const coordinator = started(changes);
  for (const worker of ['w1', 'w2']) {
    coordinator.hear(worker, helloOf(worker, 1));
    coordinator.hear(worker, { type: 'loaded' });
  }
  for (const worker of ['w1', 'w2']) coordinator.hear(worker, { type: 'ready', generation: 1, step: -1 });
  return coordinator;
}

const committed = (step: number, fingerprint?: string, stateHash?: string): WorkerMessage => ({
  type: 'committed',
  generation: 1,
  step,
  report: {},
  ...(fingerprint === undefined ? {} : { fingerprint }),
  ...(stateHash === undefined ? {} : { stateHash }),
});

describe('a run that pauses', () => {
  const finishedAt = (step: number): WorkerMessage => ({
    ...{ type: 'finished', generation: 1, step, fingerprint: 'f', result: { metrics: { loss: 1 } } },
  });
  const evaluatedAt = (step: number): WorkerMessage => ({
    ...{ type: 'evaluated', generation: 1, step, final: true, report: {} },
  });

  it('is interrupted to its journal and its workers, and has an evaluation of its own nowhere but in the outcome', () => {
    const { hear } = running({ pauseAt: 4 });
    hear('w1', committed(4));
    expect(hear('w1', evaluatedAt(4))).toEqual([]);
    expect(hear('w1', finishedAt(4))).toEqual([]);
    expect(hear('w2', finishedAt(4))).toMatchObject([
      { type: 'journal', entry: { type: 'done', reason: 'interrupted', step: 4 } },
      ...['w1', 'w2'].map((worker) => ({
        type: 'send',
        worker,
        message: { type: 'stop', reason: 'interrupted' },
      })),
      { type: 'done', outcome: { reason: 'paused', step: 4, result: { metrics: { loss: 1 } } } },
    ]);
  });

  it('finishes if it ends before', () => {
    const { hear } = running({ pauseAt: 4 });
    hear('w1', committed(3));
    expect(hear('w1', evaluatedAt(3))).toMatchObject([{ type: 'evaluation', step: 3, final: true }]);
    hear('w1', finishedAt(3));
    expect(hear('w2', finishedAt(3)).at(-1)).toMatchObject({ outcome: { reason: 'finished', step: 3 } });
  });
});

describe('coordinator', () => {
  it('journals a generation before it announces it', () => {
    const { hear } = started({ minWorkers: 1 });
    hear('w1', helloOf('w1', 1));
    hear('w1', { type: 'loaded' });
    const effects = hear('w1', { type: 'ready', generation: 1, step: -1 });
    expect(effects.map(({ type }) => type)).toEqual(['journal', 'event', 'send']);
  });

  it('reports each step once', () => {
    const { hear } = running();
    expect(hear('w2', committed(1))).toMatchObject([{ type: 'progress', step: 1, worker: 'w2' }]);
    expect(hear('w1', committed(1))).toEqual([]);
  });

  it('loses a silent worker, and no other', () => {
    const { raise, hear, state } = running();
    for (let now = 100; now <= 2_000; now += 100) {
      hear('w1', { type: 'heartbeat' }, now);
      raise({ type: 'tick' }, now);
    }
    expect([...state().workers.keys()]).toEqual(['w1']);
    expect(state()).toMatchObject({ phase: 'preparing', generation: 2 });
  });

  it('loses nobody for silence while it was suspended itself', () => {
    const { raise, state } = running();
    raise({ type: 'tick' }, 30_000);
    expect([...state().workers.keys()]).toEqual(['w1', 'w2']);
  });

  it('accepts a repeated hello, and pieces of a long message, as signs of life', () => {
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

  it('welcomes a worker again that repeats its hello for five seconds, and not again at once', () => {
    const { raise, hear } = started();
    hear('w1', helloOf('w1', 1));
    const welcomedAt: number[] = [];
    for (let now = 100; now <= 12_000; now += 100) {
      raise({ type: 'tick' }, now);
      if (now % 500 !== 0) continue;
      for (const effect of hear('w1', helloOf('w1', 1), now)) {
        expect(effect).toMatchObject({ type: 'send', worker: 'w1', message: { type: 'welcome' } });
        welcomedAt.push(now);
      }
    }
    expect(welcomedAt).toEqual([5_000, 10_000]);
  });

  it('saves nothing when two fingerprints differ, because nobody knows which state is right', () => {
    const { hear } = running();
    hear('w1', committed(1, 'a'));
    const effects = hear('w2', committed(1, 'b'));
    expect(effects.map(({ type }) => type)).toEqual(['diverged', 'journal', 'send', 'send', 'done']);
  });

  it('asks unknown workers to say hello', () => {
    const { hear } = running();
    expect(hear('w9', { type: 'heartbeat' })).toMatchObject([
      { type: 'send', worker: 'w9', message: { type: 'refused', code: 'unknown' } },
    ]);
  });

  it('refuses a hello in the name of another worker', () => {
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
    const differing = { step: 1, of: 'fingerprint', workers: ['w1', 'w2'], hashes: { w1: 'a', w2: 'b' } };
    expect(effects[0]).toEqual({ type: 'diverged', ...differing });
    expect(state().stopReason).toBe('failed');
  });

  it.each([
    ['a', 'the fingerprints agree, so the state of the optimizer differs'],
    [undefined, 'parameters, model state or the state of the optimizer differ'],
  ])(
    'compares the hashes of the whole state, and says what differs (fingerprint: %s)',
    (fingerprint, what) => {
      const { hear } = running();
      hear('w1', committed(1, fingerprint, 's'));
      const effects = hear('w2', committed(1, fingerprint, 't'));
      const hashes = { w1: 's', w2: 't' };
      expect(effects[0]).toEqual({
        type: 'diverged',
        step: 1,
        of: 'stateHash',
        workers: ['w1', 'w2'],
        hashes,
      });
      expect(effects.at(-1)).toMatchObject({
        outcome: { reason: 'failed', error: { message: expect.stringContaining(what) } },
      });
    },
  );

  it('names the fingerprints alone where they differ, since the hash of the state then differs too', () => {
    const { hear } = running();
    hear('w1', committed(1, 'a', 's'));
    const diverged = hear('w2', committed(1, 'b', 't')).filter(({ type }) => type === 'diverged');
    expect(diverged).toMatchObject([{ of: 'fingerprint' }]);
  });

  it('journals a checkpoint with the hashes of its state and its file', () => {
    const { hear, raise } = running();
    hear('w1', { type: 'checkpoint', step: 1, header: {}, frames: [] });
    const hashes = { stateHash: 's', tensorsSha256: 't' };
    expect(raise({ type: 'checkpointSaved', step: 1, ...hashes })).toEqual([
      { type: 'journal', entry: { type: 'checkpoint', step: 1, ...hashes } },
    ]);
  });

  it('ignores messages of stale generations', () => {
    const { hear, state } = running();
    const before = state();
    expect(hear('w1', { type: 'lost', generation: 0, peer: 'w2' })).toEqual([]);
    expect(hear('w1', { type: 'finished', generation: 0, step: 9, fingerprint: 'f', result: {} })).toEqual(
      [],
    );
    expect(hear('w1', { type: 'ready', generation: 1, step: 5 })).toEqual([]);
    expect(state().phase).toBe(before.phase);
  });

  it('stops at once when it is interrupted before the first generation', () => {
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

  describe('with a checkpoint that cannot be written', () => {
    const error = { code: 'file', message: 'no space', facts: {} } as const;
    const checkpoint = (step: number): WorkerMessage => ({
      type: 'checkpoint',
      step,
      header: {},
      frames: [],
    });
    const finished = (step: number): WorkerMessage => ({
      ...{ type: 'finished', generation: 1, step },
      ...{ fingerprint: 'f', result: {} },
    });

    it('continues, and stores the next one', () => {
      const { hear, raise, state } = running();
      hear('w1', checkpoint(1));
      expect(raise({ type: 'checkpointFailed', step: 1, error })).toEqual([]);
      expect(state()).toMatchObject({ phase: 'running', checkpointStep: -1 });
      expect(hear('w1', checkpoint(2))).toEqual([{ type: 'storeCheckpoint', worker: 'w1', step: 2 }]);
      raise({ type: 'checkpointSaved', step: 2 });
      expect(state()).toMatchObject({ phase: 'running', checkpointStep: 2, storing: -1 });
    });

    it('fails if it is the last one', () => {
      const { hear, raise, state } = running();
      hear('w1', checkpoint(4));
      hear('w1', finished(4));
      expect(hear('w2', finished(4))).toEqual([]);
      expect(raise({ type: 'checkpointFailed', step: 4, error }).at(-1)).toEqual({
        type: 'done',
        outcome: { reason: 'failed', step: 0, error },
      });
      expect(state().stopReason).toBe('failed');
    });

    it('finishes if an earlier one failed', () => {
      const { hear, raise, state } = running();
      hear('w1', checkpoint(3));
      for (const worker of ['w1', 'w2']) hear(worker, finished(4));
      expect(state().phase).toBe('running');
      raise({ type: 'checkpointFailed', step: 3, error });
      expect(state().stopReason).toBe('finished');
    });

    it('fails if an interrupt asked for it', () => {
      const { hear, raise, state } = running();
      raise({ type: 'interrupt' });
      for (const worker of ['w1', 'w2']) hear(worker, { type: 'ready', generation: 2, step: 7 });
      expect(state()).toMatchObject({ phase: 'saving', saver: 'w1' });
      hear('w1', checkpoint(7));
      raise({ type: 'checkpointFailed', step: 7, error });
      expect(state().stopReason).toBe('failed');
    });

    it('keeps the error that ends the run, rather than that of the checkpoint', () => {
      const { hear, raise, state } = running();
      hear('w1', committed(7));
      const first = { code: 'shape', message: 'matmul', facts: {} } as const;
      raise({ type: 'failed', error: first });
      for (const worker of ['w1', 'w2']) hear(worker, { type: 'ready', generation: 2, step: 7 });
      expect(state()).toMatchObject({ phase: 'saving', saver: 'w1' });
      hear('w1', checkpoint(7));
      expect(raise({ type: 'checkpointFailed', step: 7, error }).at(-1)).toEqual({
        type: 'done',
        outcome: { reason: 'failed', step: 7, error: first },
      });
    });
  });

  it('continues from an older checkpoint when the newest cannot be read any more', () => {
    const initial = { ...recover([], { progressStep: 9, evaluatedStep: -1, finalEvaluated: false }) };
    const { hear, raise } = started({
      minWorkers: 1,
      initial: { ...initial, profile: 'portable', checkpointStep: 9 },
    });
    hear('w1', helloOf('w1', 1));
    hear('w1', { type: 'loaded' });
    const ready = (generation: number) => hear('w1', { type: 'ready', generation, step: -1 });
    expect(ready(1)).toMatchObject([{ entry: { step: 9, source: 'checkpoint' } }, {}, {}, { step: 9 }]);
    expect(raise({ type: 'checkpointLost', step: 9, newest: 6 })).toMatchObject([
      { message: { type: 'prepare', generation: 2 } },
    ]);
    expect(raise({ type: 'checkpointLost', step: 9, newest: 6 })).toEqual([]);
    expect(ready(2)).toMatchObject([{ entry: { step: 6, source: 'checkpoint' } }, {}, {}, { step: 6 }]);
    raise({ type: 'checkpointLost', step: 6, newest: -1 });
    expect(ready(3)).toMatchObject([{ entry: { step: 0, source: 'init' } }, {}, {}]);
  });

  describe('after a restart', () => {
    const again = () => {
      const initial = recover([{ type: 'profile', profile: 'portable' }], {
        ...{ progressStep: 5, evaluatedStep: -1, finalEvaluated: false },
      });
      const coordinator = started({
        ...{ minWorkers: 1, initial: { ...initial, checkpointStep: 3 } },
        ...{ awaited: ['old1', 'old2'], awaitMs: 10_000 },
      });
      const join = (worker: string, now = 0) => {
        coordinator.hear(worker, helloOf(worker, 1), now);
        return coordinator.hear(worker, { type: 'loaded' }, now);
      };
      return { ...coordinator, join };
    };
    const phaseOf = ({ state }: ReturnType<typeof again>) => state().phase;

    it('waits for its former workers, which hold a newer state than the checkpoint', () => {
      const coordinator = again();
      const { join, hear } = coordinator;
      join('new');
      join('old1');
      expect(phaseOf(coordinator)).toBe('gathering');
      join('old2');
      expect(phaseOf(coordinator)).toBe('preparing');
      hear('new', { type: 'ready', generation: 1, step: -1 });
      hear('old1', { type: 'ready', generation: 1, step: 5 });
      const effects = hear('old2', { type: 'ready', generation: 1, step: 4 });
      expect(effects[0]).toMatchObject({ entry: { step: 5, source: { worker: 'old1' } } });
    });

    it('saves the state of returned workers when it is interrupted while it waits', () => {
      const coordinator = again();
      const { join, hear, raise } = coordinator;
      join('old1');
      expect(raise({ type: 'interrupt' })).toMatchObject([{}, { message: { type: 'prepare' } }]);
      expect(hear('old1', { type: 'ready', generation: 1, step: 5 })).toMatchObject([
        { worker: 'old1', message: { type: 'save' } },
      ]);
      const other = again();
      other.join('new');
      expect(other.raise({ type: 'interrupt' }).at(-1)).toMatchObject({
        outcome: { reason: 'interrupted', step: 3 },
      });
    });

    it('waits no longer than its time-out', () => {
      const coordinator = again();
      const { join, hear, raise } = coordinator;
      join('new');
      for (let now = 100; now < 10_000; now += 100) {
        hear('new', { type: 'heartbeat' }, now);
        raise({ type: 'tick' }, now);
      }
      expect(phaseOf(coordinator)).toBe('gathering');
      raise({ type: 'tick' }, 10_000);
      expect(phaseOf(coordinator)).toBe('preparing');
    });

    it('does not wait for workers that will not return', () => {
      const coordinator = again();
      const { join, raise, hear } = coordinator;
      join('new');
      raise({ type: 'absent', worker: 'old1' });
      expect(phaseOf(coordinator)).toBe('gathering');
      // The worker has another build now and is refused.
      hear('old2', { ...helloOf('old2', 1), version: 'other' });
      raise({ type: 'tick' }, 100);
      expect(phaseOf(coordinator)).toBe('preparing');
    });

    it('needs one worker even if none is awaited', () => {
      const coordinator = again();
      for (const worker of ['old1', 'old2']) coordinator.raise({ type: 'absent', worker });
      expect(phaseOf(coordinator)).toBe('gathering');
      coordinator.join('new');
      expect(phaseOf(coordinator)).toBe('preparing');
    });
  });

  it.each(['data', 'programs'])('does not wait for a worker that it has refused for its %s', (code) => {
    const { hear, state } = started({ minWorkers: 3 });
    for (const worker of ['w1', 'w2', 'w3']) hear(worker, helloOf(worker, 1));
    const programs = { ...hashes, ...(code === 'programs' && { update: 'v' }) };
    hear('w1', { type: 'loaded', dataHash: 'd1', programs: hashes });
    hear('w2', { type: 'loaded', dataHash: code === 'data' ? 'd2' : 'd1', programs });
    expect(state()).toMatchObject({ phase: 'gathering', needed: 2 });
    hear('w3', { type: 'loaded', dataHash: 'd1', programs: hashes });
    expect(state().phase).toBe('preparing');
  });

  it('counts only the time in which it runs while it waits for former workers', () => {
    const { hear, raise, state } = started({ minWorkers: 1, awaited: ['w1'], awaitMs: 1_000 });
    hear('w2', helloOf('w2', 1));
    hear('w2', { type: 'loaded' });
    raise({ type: 'tick' }, 60_000);
    expect(state().phase).toBe('gathering');
    for (let now = 60_100; now <= 60_800; now += 100) raise({ type: 'tick' }, now);
    expect(state().phase).toBe('preparing');
  });

  it('begins with fewer workers if no more will join', () => {
    const { hear, raise, state } = started({ minWorkers: 3 });
    for (const worker of ['w1', 'w2']) {
      hear(worker, helloOf(worker, 1));
      hear(worker, { type: 'loaded' });
    }
    expect(state().phase).toBe('gathering');
    expect(raise({ type: 'expect', workers: 2 }).map(({ type }) => type)).toEqual([
      'journal',
      'send',
      'send',
    ]);
    expect(state()).toMatchObject({ phase: 'preparing', profile: 'fma' });
    // A running run needs no minimum number of workers.
    expect(raise({ type: 'expect', workers: 1 })).toEqual([]);
  });
});
