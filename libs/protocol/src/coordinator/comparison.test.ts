import { describe, expect, it } from 'vitest';
import type { WorkerMessage } from '../messages/messages.ts';
import { helloOf } from '../simulator/sim-worker.ts';
import { advanceCoordinator, createCoordinator } from './machine.ts';
import type { CoordinatorConfig, CoordinatorEffect, CoordinatorEvent } from './state.ts';

const config: CoordinatorConfig = {
  ...{ run: 'run', incarnation: 1, version: '1', build: 'b1', experiment: { name: 'e', hash: 'e1' } },
  ...{ config: {}, bundleBytes: 0, numShards: 8, minWorkers: 1, profile: 'auto' },
  ...{ heartbeatMs: 500, livenessMs: 1_800 },
};

/** Workers `w1`, `w2`, … in generation 1 with the initial state. */
function running(numWorkers: number, changes: Partial<CoordinatorConfig> = {}) {
  let state = createCoordinator({ ...config, minWorkers: numWorkers, ...changes }, 0);
  const raise = (event: CoordinatorEvent): readonly CoordinatorEffect[] => {
    const advanced = advanceCoordinator(state, event, 0);
    state = advanced.state;
    return advanced.effects;
  };
  const hear = (worker: string, message: WorkerMessage) => raise({ type: 'message', worker, message });
  const workers = Array.from({ length: numWorkers }, (_, i) => `w${i + 1}`);
  for (const worker of workers) {
    hear(worker, helloOf(worker, 1));
    hear(worker, { type: 'loaded' });
  }
  for (const worker of workers) hear(worker, { type: 'ready', generation: 1, step: -1 });
  const commit = (worker: string, step: number, digest: string, fingerprint?: string) =>
    hear(worker, {
      ...{ type: 'committed', generation: 1, step, report: {}, digest },
      ...(fingerprint !== undefined && { fingerprint }),
    });
  return { raise, hear, commit, state: () => state };
}

/** How a run ended whose members differ; undefined if it goes on. */
function verdict(effects: readonly CoordinatorEffect[]) {
  const diverged = effects.find(({ type }) => type === 'diverged');
  const done = effects.find(({ type }) => type === 'done');
  if (diverged?.type !== 'diverged' || done?.type !== 'done' || done.outcome.reason !== 'failed') {
    expect([diverged, done]).toEqual([undefined, undefined]);
    return undefined;
  }
  const { of, step, workers } = diverged;
  return { of, step, workers, message: done.outcome.error.message };
}

describe('members that differ', () => {
  it('are both named where there are two', () => {
    const { commit } = running(2);
    expect(verdict(commit('w1', 1, 'a'))).toBeUndefined();
    expect(verdict(commit('w2', 1, 'b'))).toEqual({
      ...{ of: 'digest', step: 1, workers: ['w1', 'w2'] },
      message:
        'step 1: worker w1 on sim has the digest a, worker w2 on sim has the digest b, and none has a majority; a machine or a kernel breaks the numeric profile',
    });
  });

  it('are named by the majority, whoever reports first', () => {
    for (const order of [
      ['w1', 'w2', 'w3'],
      ['w2', 'w3', 'w1'],
      ['w3', 'w1', 'w2'],
    ]) {
      const { commit } = running(3);
      const verdicts = order.map((worker) => verdict(commit(worker, 1, worker === 'w2' ? 'b' : 'a')));
      expect(verdicts.slice(0, 2)).toEqual([undefined, undefined]);
      expect(verdicts[2]).toEqual({
        ...{ of: 'digest', step: 1, workers: ['w2'] },
        message:
          'step 1: worker w2 on sim has the digest b, the majority a; a machine or a kernel breaks the numeric profile',
      });
    }
  });

  it('are all named where no value has more than half of the votes', () => {
    const { commit } = running(4);
    for (const worker of ['w1', 'w2']) commit(worker, 1, 'a');
    commit('w3', 1, 'b');
    expect(verdict(commit('w4', 1, 'b'))?.workers).toEqual(['w1', 'w2', 'w3', 'w4']);
  });

  it('are found at their step, while others are a step ahead', () => {
    const { commit } = running(3);
    commit('w1', 1, 'a');
    commit('w1', 2, 'c');
    expect(verdict(commit('w2', 1, 'b'))).toBeUndefined();
    expect(verdict(commit('w3', 1, 'a'))).toMatchObject({ step: 1, workers: ['w2'] });
  });

  it('are judged without the vote of a worker that is lost', () => {
    const { commit, raise } = running(3);
    commit('w1', 1, 'a');
    commit('w2', 1, 'b');
    expect(verdict(raise({ type: 'disconnected', worker: 'w3' }))?.workers).toEqual(['w1', 'w2']);
  });

  it('are judged with the votes that still come after a loss', () => {
    const { commit, raise, hear } = running(4);
    for (const worker of ['w1', 'w2', 'w3']) commit(worker, 1, 'a');
    commit('w1', 2, 'b');
    raise({ type: 'disconnected', worker: 'w4' });
    expect(verdict(commit('w2', 2, 'c'))).toBeUndefined();
    expect(verdict(commit('w3', 2, 'c'))).toMatchObject({ step: 2, workers: ['w1'] });
    expect(hear('w1', { type: 'heartbeat' })).toEqual([]);
  });

  it('are judged before the next generation begins', () => {
    const { commit, raise, hear } = running(3);
    for (const worker of ['w1', 'w2', 'w3']) commit(worker, 1, 'a');
    commit('w1', 2, 'b');
    commit('w2', 2, 'c');
    // The link between two workers breaks, and the third one parks before its update.
    raise({ type: 'message', worker: 'w3', message: { type: 'lost', generation: 1, peer: 'w1' } });
    expect(verdict(hear('w1', { type: 'ready', generation: 2, step: 2 }))).toBeUndefined();
    expect(verdict(hear('w3', { type: 'ready', generation: 2, step: 1 }))).toMatchObject({
      workers: ['w1', 'w2'],
    });
  });

  it('are named by the fingerprint where it differs too', () => {
    const { commit } = running(2);
    commit('w1', 1, 'a', 'f');
    expect(verdict(commit('w2', 1, 'b', 'g'))?.of).toBe('fingerprint');
  });

  it('are found at the end of the run', () => {
    const { hear } = running(3);
    const finish = (worker: string, fingerprint: string) =>
      hear(worker, { type: 'finished', generation: 1, step: 4, fingerprint, result: {} });
    finish('w1', 'a');
    finish('w2', 'b');
    expect(verdict(finish('w3', 'a'))).toMatchObject({ of: 'result', step: 4, workers: ['w2'] });
  });

  it('include one that computes a step twice, with different results', () => {
    const { commit } = running(3);
    commit('w1', 1, 'a');
    expect(verdict(commit('w1', 1, 'a'))).toBeUndefined();
    expect(verdict(commit('w1', 1, 'b'))).toEqual({
      ...{ of: 'digest', step: 1, workers: ['w1'] },
      message:
        'step 1: worker w1 on sim computed it twice, with the digest a and then b; a machine or a kernel breaks the numeric profile',
    });
  });

  it('are not looked for where a test has switched that off', () => {
    const { commit } = running(2, { compares: false });
    commit('w1', 1, 'a', 'f');
    expect(verdict(commit('w2', 1, 'b', 'g'))).toBeUndefined();
  });

  it('do not exist where all report the same, in any number of steps', () => {
    const { commit, state } = running(2);
    for (let step = 1; step <= 100; step++) {
      for (const worker of ['w1', 'w2'])
        expect(verdict(commit(worker, step, `${step}`, `f${step}`))).toBeUndefined();
    }
    expect(state().hashes.length).toBeLessThanOrEqual(24);
  });
});
