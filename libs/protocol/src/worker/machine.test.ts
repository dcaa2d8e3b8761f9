import { LockstepError } from '@lockstep/errors';
import { describe, expect, it } from 'vitest';
import { decodeWorkerMessage, encodeMessage } from '../messages/codec.ts';
import type { CoordinatorMessage } from '../messages/messages.ts';
import { helloOf } from '../simulator/sim-worker.ts';
import { advanceWorker, createWorker } from './machine.ts';
import type { ProgramOutline, WorkerEffect, WorkerEvent } from './state.ts';

const welcome: CoordinatorMessage = {
  type: 'welcome',
  run: 'run',
  incarnation: 1,
  config: {},
  experiment: { name: 'e', hash: 'e1' },
  heartbeatMs: 500,
  livenessMs: 1_800,
  step: 0,
  frames: [],
};

const outline: ProgramOutline = { numSegments: 1, finalEvaluation: false, plan: () => ({}) };

function started() {
  const hello = helloOf('w1', 1);
  let { state } = createWorker({ hello, helloRetryMs: 2_000, coordinatorTimeoutMs: 60_000 }, 0);
  const raise = (event: WorkerEvent, now = 0): readonly WorkerEffect[] => {
    const advanced = advanceWorker(state, event, now);
    state = advanced.state;
    return advanced.effects;
  };
  const hear = (message: CoordinatorMessage) => raise({ type: 'message', message });
  return { hello, raise, hear, state: () => state };
}

/** The only worker of generation 1, which computes the first segment of step 1. */
function running(program = outline) {
  const worker = started();
  worker.hear(welcome);
  worker.raise({ type: 'loaded', program });
  worker.hear({ type: 'prepare', generation: 1 });
  const members = [{ worker: 'w1', rank: 0, endpoint: 'sim://w1', shards: { start: 0, count: 4 } }];
  worker.hear({ type: 'begin', generation: 1, profile: 'portable', members, step: 0, source: 'init' });
  worker.raise({ type: 'stateReady', generation: 1, step: 0 });
  return worker;
}

const ready = (generation: number, step: number) => ({
  type: 'send',
  message: { type: 'ready', generation, step },
});

describe('worker', () => {
  it('says hello until it is answered, then sends heartbeats', () => {
    const { raise, hear, hello } = started();
    expect(raise({ type: 'tick' }, 1_900)).toEqual([]);
    expect(raise({ type: 'tick' }, 2_000)).toEqual([{ type: 'send', message: hello }]);
    hear(welcome);
    expect(raise({ type: 'tick' }, 2_500)).toEqual([{ type: 'send', message: { type: 'heartbeat' } }]);
  });

  it('says hello again over a new connection, because an answer may have been lost with the old one', () => {
    const { raise, hear, hello } = running();
    hear({ type: 'prepare', generation: 2 });
    expect(raise({ type: 'segmentDone' })).toEqual([ready(2, 0)]);
    expect(raise({ type: 'reconnected' })).toEqual([{ type: 'send', message: { ...hello, run: 'run' } }]);
    expect(raise({ type: 'reconnected' })).toEqual([]);
    expect(hear(welcome)).toEqual([{ type: 'send', message: { type: 'loaded' } }]);
    expect(hear({ type: 'prepare', generation: 3 })).toEqual([ready(3, 0)]);
  });

  it('reports a failure with a message of any length', () => {
    const { raise } = running();
    const long = 'x'.repeat(100_000);
    const error = { code: 'experiment', message: long, facts: {}, stack: long } as const;
    const [effect] = raise({ type: 'failed', error });
    const sent = effect?.type === 'send' ? decodeWorkerMessage(encodeMessage(effect.message)) : undefined;
    expect(sent).toMatchObject({ ok: true, message: { type: 'failed', error: { code: 'experiment' } } });
  });

  it('exits when the coordinator is silent for too long', () => {
    const { raise, state } = started();
    let now = 0;
    const tick = () => {
      now += 100;
      return raise({ type: 'tick' }, now);
    };
    while (now < 60_000) expect(tick().filter(({ type }) => type === 'exit')).toEqual([]);
    expect(tick()).toMatchObject([{ type: 'exit', reason: 'coordinatorLost' }]);
    expect(tick()).toEqual([]);
    expect(state().phase).toBe('stopped');
  });

  it('ignores silence while it was suspended itself', () => {
    const { raise, state } = started();
    raise({ type: 'tick' }, 100_000);
    raise({ type: 'tick' }, 200_000);
    expect(state().phase).toBe('greeting');
  });

  it('accepts pieces of a message as signs of life', () => {
    const { raise, state } = started();
    for (let now = 100; now <= 70_000; now += 100) {
      if (now % 10_000 === 0) raise({ type: 'heard' }, now);
      raise({ type: 'tick' }, now);
    }
    expect(state().phase).toBe('greeting');
  });

  it('saves the state when an evaluation ends the run early, even if no checkpoint was due', () => {
    const { raise } = running({ ...outline, plan: (step) => ({ evaluate: step === 1 }) });
    raise({ type: 'segmentDone' });
    raise({ type: 'exchangeDone', generation: 1, step: 1, exchange: 0 });
    raise({ type: 'updateDone', report: {} });
    expect(raise({ type: 'segmentDone' })).toMatchObject([{ type: 'exchangeEvaluation', step: 1 }]);
    const evaluated = { generation: 1, step: 1, exchange: 1, report: {} };
    expect(raise({ type: 'evaluationDone', ...evaluated, stop: true })).toMatchObject([
      { type: 'send' },
      { type: 'checkpoint', step: 1 },
      { type: 'finish', step: 1 },
    ]);
  });

  it('saves the states that are due, and not the last one where nobody wants it', () => {
    const plan = (step: number) => ({ checkpoint: true, last: step === 2 });
    const { raise } = running({ ...outline, finalCheckpoint: false, plan });
    const step = (number: number) => {
      raise({ type: 'segmentDone' });
      raise({ type: 'exchangeDone', generation: 1, step: number, exchange: 0 });
      return raise({ type: 'updateDone', report: {} }).map(({ type }) => type);
    };
    expect(step(1)).toEqual(['commit', 'send', 'checkpoint', 'runSegment']);
    expect(step(2)).toEqual(['commit', 'send', 'finish']);
  });

  it('answers prepare after the running segment, and drops its result', () => {
    const { hear, raise } = running();
    // In a direct step, the compute threads may be waiting for peers.
    expect(hear({ type: 'prepare', generation: 2 })).toEqual([{ type: 'abort', generation: 1 }]);
    expect(raise({ type: 'segmentDone' })).toEqual([ready(2, 0)]);
  });

  it('answers prepare at once while it exchanges', () => {
    const { hear, raise } = running();
    raise({ type: 'segmentDone' });
    expect(hear({ type: 'prepare', generation: 2 })).toEqual([{ type: 'abort', generation: 1 }, ready(2, 0)]);
    expect(raise({ type: 'exchangeDone', generation: 1, step: 1, exchange: 0 })).toEqual([]);
  });

  it('completes and commits an update before it answers prepare', () => {
    const { hear, raise } = running();
    raise({ type: 'segmentDone' });
    raise({ type: 'exchangeDone', generation: 1, step: 1, exchange: 0 });
    expect(hear({ type: 'prepare', generation: 2 })).toEqual([]);
    expect(raise({ type: 'updateDone', report: {} })).toEqual([
      { type: 'commit', step: 1 },
      { type: 'send', message: { type: 'committed', generation: 1, step: 1, report: {} } },
      ready(2, 1),
    ]);
  });

  it('saves no state while an update overwrites it', () => {
    const { hear, raise } = running();
    raise({ type: 'segmentDone' });
    raise({ type: 'exchangeDone', generation: 1, step: 1, exchange: 0 });
    hear({ type: 'prepare', generation: 2 });
    expect(hear({ type: 'save' })).toEqual([]);
    raise({ type: 'updateDone', report: {} });
    expect(hear({ type: 'save' })).toEqual([{ type: 'checkpoint', step: 1 }]);
  });

  it('holds no state after an update that failed', () => {
    const error = { code: 'internal', message: 'no', facts: {} } as const;
    const segment = running();
    segment.raise({ type: 'failed', error });
    expect(segment.hear({ type: 'prepare', generation: 2 })).toEqual([ready(2, 0)]);
    const update = running();
    update.raise({ type: 'segmentDone' });
    update.raise({ type: 'exchangeDone', generation: 1, step: 1, exchange: 0 });
    update.raise({ type: 'failed', error });
    expect(update.hear({ type: 'prepare', generation: 2 })).toEqual([ready(2, -1)]);
  });

  it('answers only the latest of two prepares, and ignores older ones', () => {
    const { hear, raise } = running();
    hear({ type: 'prepare', generation: 2 });
    hear({ type: 'prepare', generation: 3 });
    expect(raise({ type: 'segmentDone' })).toEqual([ready(3, 0)]);
    expect(hear({ type: 'prepare', generation: 3 })).toEqual([]);
    expect(hear({ type: 'prepare', generation: 2 })).toEqual([]);
  });

  it('ignores a begin that it has not prepared for, and a state of another generation', () => {
    const { hear, raise, state } = running();
    const before = state();
    const members = [{ worker: 'w1', rank: 0, endpoint: 'sim://w1', shards: { start: 0, count: 4 } }];
    const begin = { type: 'begin', profile: 'portable', members, step: 0, source: 'init' } as const;
    expect(hear({ ...begin, generation: 1 })).toEqual([]);
    expect(hear({ ...begin, generation: 2 })).toEqual([]);
    expect(raise({ type: 'stateReady', generation: 0, step: 0 })).toEqual([]);
    expect(state().membership).toEqual(before.membership);
  });

  it('repeats, after a new welcome, the reports that the coordinator has not seen, and no others', () => {
    const { hear, raise } = running();
    for (const step of [1, 2, 3]) {
      raise({ type: 'segmentDone' });
      raise({ type: 'exchangeDone', generation: 1, step, exchange: 0 });
      raise({ type: 'updateDone', report: {} });
    }
    hear({ type: 'heartbeat', step: 2 });
    hear({ type: 'refused', code: 'unknown', message: '' });
    const sent = hear({ ...welcome, incarnation: 2 });
    expect(sent).toMatchObject([
      { message: { type: 'committed', step: 2 } },
      { message: { type: 'committed', step: 3 } },
      { message: { type: 'loaded' } },
    ]);
  });

  it('keeps a report until the welcome, so that it does not overtake earlier ones', () => {
    const { hear, raise } = running();
    const reach = (step: number) => {
      raise({ type: 'segmentDone' });
      raise({ type: 'exchangeDone', generation: 1, step, exchange: 0 });
    };
    reach(1);
    raise({ type: 'updateDone', report: {} });
    reach(2);
    hear({ type: 'refused', code: 'unknown', message: '' });
    expect(raise({ type: 'updateDone', report: {} })).toEqual([{ type: 'commit', step: 2 }]);
    expect(hear(welcome)).toMatchObject([
      { message: { type: 'committed', step: 1 } },
      { message: { type: 'committed', step: 2 } },
      { message: { type: 'loaded' } },
    ]);
  });

  it('exits when the coordinator serves another run', () => {
    const { hear } = running();
    hear({ type: 'refused', code: 'unknown', message: '' });
    expect(hear({ ...welcome, run: 'other' })).toMatchObject([{ type: 'exit', reason: 'coordinatorLost' }]);
  });

  it('reports an error of the experiment, and accepts a stop or another generation afterwards', () => {
    const { hear, raise } = running();
    const error = { code: 'shape', message: 'matmul', facts: {} } as const;
    expect(raise({ type: 'failed', error })).toEqual([{ type: 'send', message: { type: 'failed', error } }]);
    expect(hear({ type: 'prepare', generation: 2 })).toEqual([ready(2, 0)]);
    expect(hear({ type: 'stop', reason: 'failed' })).toEqual([{ type: 'exit', reason: 'failed' }]);
  });

  it('reports to a restarted coordinator that it could not load', () => {
    const { hear, raise } = started();
    const error = { code: 'data', message: 'no such file', facts: {} } as const;
    hear(welcome);
    raise({ type: 'failed', error });
    expect(hear({ ...welcome, incarnation: 2 })).toEqual([
      { type: 'send', message: { type: 'failed', error } },
    ]);
  });

  it('throws when a job ends that has not begun', () => {
    const { raise } = running();
    expect(() => raise({ type: 'updateDone', report: {} })).toThrow(LockstepError);
  });

  describe('in a pool', () => {
    const pooled = { ...welcome, pooled: true } as const;
    /** Computes a segment of step 1 of the run. */
    function serving() {
      const worker = started();
      worker.hear(pooled);
      worker.raise({ type: 'loaded', program: outline });
      worker.hear({ type: 'prepare', run: 'run', generation: 1 });
      const members = [{ worker: 'w1', rank: 0, endpoint: 'sim://w1', shards: { start: 0, count: 4 } }];
      const begin = { generation: 1, profile: 'portable', members, step: 0, source: 'init' } as const;
      worker.hear({ type: 'begin', run: 'run', ...begin });
      worker.raise({ type: 'stateReady', generation: 1, step: 0 });
      return worker;
    }
    const release = { type: 'release', run: 'run' } as const;

    it('leaves a run when its job has ended, and is then as new', () => {
      const { hear, raise, hello, state } = serving();
      expect(hear(release)).toEqual([{ type: 'release' }]);
      expect(hear(release)).toEqual([]);
      // Of the job that ends, and of messages that come meanwhile, nothing follows.
      expect(raise({ type: 'segmentDone' })).toEqual([]);
      expect(raise({ type: 'peerLost', generation: 1, peer: 'w2' })).toEqual([]);
      expect(hear({ type: 'prepare', run: 'run', generation: 2 })).toEqual([]);
      expect(hear({ type: 'stop', reason: 'finished' })).toEqual([]);
      expect(raise({ type: 'reconnected' })).toEqual([]);
      expect(raise({ type: 'released' })).toEqual([{ type: 'send', message: hello }]);
      expect(state()).toMatchObject({ phase: 'greeting', run: null, step: -1, prepared: 0, reports: [] });
      const next = { ...pooled, run: 'next' };
      expect(hear(next)).toEqual([{ type: 'load', config: {} }]);
      expect(raise({ type: 'loaded', program: outline })).toEqual([
        { type: 'send', message: { type: 'loaded', run: 'next' } },
      ]);
      expect(hear({ type: 'prepare', run: 'next', generation: 1 })).toEqual([
        { type: 'send', message: { ...ready(1, -1).message, run: 'next' } },
      ]);
    });

    it('sends heartbeats while it leaves, so that nobody takes it for lost', () => {
      const { hear, raise } = serving();
      hear(release);
      expect(raise({ type: 'tick' }, 500)).toEqual([
        { type: 'send', message: { type: 'heartbeat', run: 'run' } },
      ]);
    });

    it.each([
      ['stop', { type: 'stop', run: 'run', reason: 'failed', message: 'matmul' }],
      ['a refusal of the run', { type: 'refused', run: 'run', code: 'failed', message: 'loading failed' }],
    ] as const)('leaves the run after %s', (_what, message) => {
      const { hear } = serving();
      expect(hear(message)).toEqual([{ type: 'release' }]);
    });

    it('ends after a refusal that holds for all runs, and after a stop while it is in none', () => {
      const refused = { type: 'refused', run: 'run', code: 'unreachable', message: 'port 1' } as const;
      expect(serving().hear(refused)).toMatchObject([{ type: 'exit', reason: 'refused' }]);
      const { hear, raise } = serving();
      hear(release);
      raise({ type: 'released' });
      expect(hear({ type: 'stop', reason: 'finished' })).toMatchObject([
        { type: 'exit', reason: 'finished' },
      ]);
    });

    it('ignores messages of other runs, also a welcome while it is in a run', () => {
      const { hear, state } = serving();
      expect(hear({ type: 'prepare', run: 'other', generation: 2 })).toEqual([]);
      expect(hear({ type: 'release', run: 'other' })).toEqual([]);
      expect(hear({ ...pooled, run: 'other', incarnation: 2 })).toEqual([]);
      expect(state()).toMatchObject({ phase: 'joined', run: 'run' });
      // A coordinator of one run at the address of the pool has nothing for this worker.
      expect(hear({ ...welcome, run: 'other', incarnation: 2 })).toMatchObject([
        { reason: 'coordinatorLost' },
      ]);
    });

    it('names its run in a hello over a new connection', () => {
      const { raise, hello } = serving();
      raise({ type: 'segmentDone' });
      expect(raise({ type: 'reconnected' })).toContainEqual({
        ...{ type: 'send', message: { ...hello, run: 'run' } },
      });
    });
  });
});
