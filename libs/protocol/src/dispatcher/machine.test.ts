import { describe, expect, it } from 'vitest';
import type { CoordinatorMessage, Hello, WorkerMessage } from '../messages/messages.ts';
import { helloOf } from '../simulator/sim-worker.ts';
import { advanceDispatcher, createDispatcher } from './machine.ts';
import type { DispatcherConfig, DispatcherEffect, DispatcherEvent, RunNeeds } from './state.ts';

const config: DispatcherConfig = {
  ...{ version: '1', build: 'b1', profile: 'auto' },
  ...{ heartbeatMs: 500, livenessMs: 1_800, lingerMs: 200 },
};

const oneWorker: RunNeeds = { order: 0, minWorkers: 1, maxWorkers: 8, numShards: 8 };

/** An effect as a line: who gets what. */
function lineOf(effect: DispatcherEffect): string {
  switch (effect.type) {
    case 'send':
    case 'forward': {
      const { type, run = '' } = effect.message;
      return `${effect.type} ${effect.worker}: ${type} ${run}`.trimEnd();
    }
    case 'deliver':
      return effect.event.type === 'message'
        ? `${effect.run} hears ${effect.event.worker}: ${effect.event.message.type}`
        : `${effect.run} hears ${effect.event.worker} ${effect.event.type}`;
    case 'event':
      return `${effect.event.type} ${effect.event.worker}`;
    default:
      return effect satisfies never;
  }
}

function pool(options: Partial<DispatcherConfig> = {}) {
  let now = 0;
  let state = createDispatcher({ ...config, ...options }, now);
  const raise = (event: DispatcherEvent): string[] => {
    const advanced = advanceDispatcher(state, event, now);
    state = advanced.state;
    return advanced.effects.map(lineOf);
  };
  const hear = (worker: string, message: WorkerMessage) => raise({ type: 'message', worker, message });
  const hello = (worker: string, more: Partial<Hello> = {}) =>
    hear(worker, { ...helloOf(worker, 1), ...more });
  const send = (run: string, worker: string, message: CoordinatorMessage) =>
    raise({ type: 'send', run, worker, message: { ...message, run } as CoordinatorMessage });
  const add = (run: string, needs: Partial<RunNeeds> = {}, remaining = 10) =>
    raise({ type: 'runAdded', run, needs: { ...oneWorker, ...needs }, remaining });
  /** Lets time pass, with a tick every 100 ms. */
  const pass = (durationMs: number): string[] => {
    const lines: string[] = [];
    for (const end = now + durationMs; now < end; ) {
      now += 100;
      lines.push(...raise({ type: 'tick' }));
    }
    return lines;
  };
  /** Says hello and is welcomed to the run that gets it. */
  const join = (worker: string, run: string) => {
    hello(worker);
    send(run, worker, welcome(run));
  };
  return { raise, hear, hello, send, add, pass, join, state: () => state };
}

const welcome = (run: string): CoordinatorMessage => ({
  ...{ type: 'welcome', run, incarnation: 1, config: {}, experiment: { name: 'e', hash: 'e1' } },
  ...{ heartbeatMs: 500, livenessMs: 1_800, step: 0, frames: [0], pooled: true },
});

const given = (lines: readonly string[]): string[] => lines.filter((line) => line.endsWith(': hello'));

describe('a dispatcher', () => {
  it('gives each waiting run a worker, the lowest order first, and then what runs ask for', () => {
    const { hello, add } = pool();
    expect(add('b', { order: 2 })).toEqual([]);
    add('a', { order: 1, minWorkers: 2 });
    expect(hello('w1')).toEqual(['joined w1', 'assigned w1', 'a hears w1: hello']);
    expect(given(hello('w2'))).toEqual(['b hears w2: hello']);
    expect(given(hello('w3'))).toEqual(['a hears w3: hello']);
    expect(given(hello('w4'))).toEqual([]);
    expect(given(add('c', { order: 3 }))).toEqual(['c hears w4: hello']);
  });

  it('lets a free worker linger, then join the run with most work left for each of its workers', () => {
    const { hello, add, pass, raise } = pool();
    add('a', { order: 1 }, 10);
    add('b', { order: 2 }, 30);
    for (const worker of ['w1', 'w2', 'w3', 'w4', 'w5']) hello(worker);
    expect(given(pass(100))).toEqual([]);
    // 30 for one worker, 30 for two, then 10 for three or for one: the lower order decides.
    expect(given(pass(200))).toEqual(['b hears w3: hello', 'b hears w4: hello', 'a hears w5: hello']);
    raise({ type: 'progress', run: 'b', remaining: 0 });
    raise({ type: 'progress', run: 'a', remaining: 0 });
    hello('w6');
    expect(given(pass(400))).toEqual([]);
  });

  it('gives a run no more workers than it can use', () => {
    const { hello, add, pass } = pool();
    add('a', { order: 1, numShards: 2 });
    add('b', { order: 2, maxWorkers: 1, minWorkers: 3 });
    for (const worker of ['w1', 'w2', 'w3', 'w4']) hello(worker);
    expect(given(pass(1_000))).toEqual(['a hears w3: hello']);
  });

  describe('when a run is added and nobody is free', () => {
    /** Run a has two workers, run b one. */
    function busy() {
      const stage = pool();
      stage.add('a', { order: 1, minWorkers: 2 });
      stage.add('b', { order: 2 });
      stage.join('w1', 'a');
      stage.join('w2', 'b');
      stage.join('w3', 'a');
      return stage;
    }

    it('takes the last worker of the run that has most, which serves the new run when it is free', () => {
      const { add, hear, hello, send } = busy();
      expect(add('c', { order: 3 })).toEqual(['moved w3', 'send w3: release a', 'a hears w3: leave']);
      // What the worker and the run still tell each other is late.
      expect(hear('w3', { type: 'ready', generation: 1, step: 4, run: 'a' })).toEqual([]);
      expect(send('a', 'w3', { type: 'prepare', generation: 2 })).toEqual([]);
      expect(hello('w3')).toEqual(['assigned w3', 'c hears w3: hello']);
    });

    it('never takes the last worker of a run', () => {
      const { add, hello, raise } = busy();
      add('c', { order: 3 });
      expect(add('d', { order: 4 })).toEqual([]);
      hello('w3');
      expect(raise({ type: 'runEnding', run: 'b' })).toEqual([]);
      // The worker of b, which b did not stop.
      expect(raise({ type: 'runEnded', run: 'b' })).toEqual(['send w2: release b']);
      expect(hello('w2')).toEqual(['assigned w2', 'd hears w2: hello']);
    });

    it('a worker that is lost while it moves is missed by no run', () => {
      const { add, raise, hello } = busy();
      add('c', { order: 3 });
      expect(raise({ type: 'disconnected', worker: 'w3' })).toEqual(['lost w3']);
      // Nobody has two workers any more, so the run waits for the next one.
      expect(given(hello('w4'))).toEqual(['c hears w4: hello']);
    });

    it('a worker that becomes free first serves the run, and the moved one goes where it is needed', () => {
      const { add, hello } = busy();
      add('c', { order: 3 });
      expect(given(hello('w4'))).toEqual(['c hears w4: hello']);
      expect(given(hello('w3'))).toEqual(['a hears w3: hello']);
    });
  });

  it('passes on what a run sends from its welcome on, and frees the workers that it stops', () => {
    const { hello, add, send, raise } = pool();
    add('a');
    hello('w1');
    // Meant for an earlier stay of the worker.
    expect(send('a', 'w1', { type: 'prepare', generation: 1 })).toEqual([]);
    expect(send('a', 'w1', welcome('a'))).toEqual(['forward w1: welcome a']);
    expect(send('a', 'w1', { type: 'prepare', generation: 2 })).toEqual(['forward w1: prepare a']);
    expect(send('b', 'w1', { type: 'save' })).toEqual([]);
    raise({ type: 'runEnding', run: 'a' });
    expect(send('a', 'w1', { type: 'stop', reason: 'failed' })).toEqual(['forward w1: stop a']);
    expect(raise({ type: 'runEnded', run: 'a' })).toEqual([]);
    expect(add('c')).toEqual([]);
    expect(hello('w1')).toEqual(['assigned w1', 'c hears w1: hello']);
  });

  it('gives a worker that a run refuses to other runs, and not to that one again', () => {
    const { hello, add, send, pass } = pool();
    add('a', { order: 1 });
    add('b', { order: 2 });
    hello('w1');
    const refusal = { type: 'refused', code: 'profile', message: 'no fma' } as const;
    // It has not heard of the run, and does not hear of it.
    expect(send('a', 'w1', refusal)).toEqual(['assigned w1', 'b hears w1: hello']);
    send('b', 'w1', welcome('b'));
    expect(send('b', 'w1', { ...refusal, code: 'failed' })).toEqual(['forward w1: refused b']);
    expect(hello('w1')).toEqual([]);
    expect(given(pass(1_000))).toEqual([]);
    expect(given(hello('w2'))).toEqual(['a hears w2: hello']);
  });

  it.each([
    ['protocol', { protocol: 1 }],
    ['version', { version: '2' }],
    ['build', { build: 'b2' }],
    ['profile', { profiles: ['portable'] }],
  ] as const)('refuses a worker that differs in its %s, for good', (code, difference) => {
    const { hear, raise, state } = pool({ profile: 'fma' });
    const hello = { ...helloOf('w1', 1), ...difference } as Hello;
    const advanced = advanceDispatcher(state(), { type: 'message', worker: 'w1', message: hello }, 0);
    expect(advanced.effects).toMatchObject([
      { type: 'send', message: { type: 'refused', code } },
      { type: 'event', event: { type: 'refused', code } },
    ]);
    expect(hear('w1', hello)).toEqual(['send w1: refused', 'refused w1']);
    expect(hear('w1', hello)).toEqual([]);
    expect(raise({ type: 'disconnected', worker: 'w1' })).toEqual([]);
  });

  it('sends a worker that peers cannot reach away', () => {
    const { join, add, send, hello } = pool();
    add('a');
    join('w1', 'a');
    const refusal = { type: 'refused', code: 'unreachable', message: 'port 1' } as const;
    expect(send('a', 'w1', refusal)).toEqual(['forward w1: refused a']);
    expect(hello('w1')).toEqual([]);
  });

  it('believes a worker that names another run than it was given to', () => {
    const { hello, hear, add, send, raise } = pool();
    add('a', { order: 1 });
    hello('w1');
    send('a', 'w1', welcome('a'));
    // The dispatcher loses the worker, and then gets a hello that was on its way before the welcome arrived.
    raise({ type: 'disconnected', worker: 'w1' });
    add('b', { order: 0 });
    expect(given(hello('w1'))).toEqual(['b hears w1: hello']);
    expect(hear('w1', { type: 'loaded', run: 'a' })).toEqual([
      'b hears w1 disconnected',
      'send w1: release a',
    ]);
    expect(hear('w1', { type: 'heartbeat', run: 'a' })).toEqual([]);
    expect(given(hello('w1'))).toEqual(['b hears w1: hello']);
  });

  it('gives a worker back to the run whose state it holds, unless that run has ended', () => {
    const { hello, add } = pool();
    add('a', { order: 1 });
    add('b', { order: 2 });
    expect(given(hello('w1', { run: 'b' }))).toEqual(['b hears w1: hello']);
    expect(hello('w2', { run: 'z' })).toEqual(['joined w2', 'send w2: release z']);
    expect(given(hello('w2'))).toEqual(['a hears w2: hello']);
  });

  it('asks an unknown worker for its hello, and refuses one that takes another name', () => {
    const { hear, hello } = pool();
    expect(hear('w1', { type: 'heartbeat', run: 'a' })).toEqual(['send w1: refused']);
    expect(hear('w1', { ...helloOf('w2', 1) })).toEqual(['send w1: refused', 'refused w1']);
    expect(hello('w3')).toEqual(['joined w3']);
  });

  it('loses silent workers, keeps waiting ones alive, and passes signs of life on', () => {
    const { hello, add, pass, raise } = pool();
    add('a');
    hello('w1');
    hello('w2', { run: 'z' });
    expect(pass(600)).toEqual(['send w2: heartbeat']);
    expect(raise({ type: 'heard', worker: 'w1' })).toEqual(['a hears w1 heard']);
    expect(pass(1_300)).toContain('lost w2');
    expect(pass(600)).toEqual(['lost w1', 'a hears w1 disconnected']);
  });

  it('when it closes, stops free workers at once and the others when they are free', () => {
    const { hello, add, raise } = pool();
    add('a', { maxWorkers: 1 });
    hello('w1');
    hello('w2');
    expect(raise({ type: 'close' })).toEqual(['send w1: release a', 'a hears w1: leave', 'send w2: stop']);
    expect(hello('w1')).toEqual(['send w1: stop']);
    expect(hello('w3')).toEqual(['joined w3', 'send w3: stop']);
    expect(raise({ type: 'disconnected', worker: 'w1' })).toEqual([]);
  });
});
