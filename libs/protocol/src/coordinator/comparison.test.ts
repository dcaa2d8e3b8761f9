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

describe('the checkpoint of a step', () => {
  const checkpoint = (step: number): WorkerMessage => ({ type: 'checkpoint', step, header: {}, frames: [] });
  /** What happens to checkpoints. */
  const kept = (effects: readonly CoordinatorEffect[]): readonly string[] =>
    effects.flatMap((effect) =>
      effect.type === 'holdCheckpoint' || effect.type === 'storeCheckpoint'
        ? [`${effect.type} of ${effect.worker} and step ${effect.step}`]
        : [],
    );
  const [hold, store] = ['holdCheckpoint', 'storeCheckpoint'].map((what) => `${what} of w1 and step 1`);

  it('is stored when all members have reported the step and agree', () => {
    const { commit, hear } = running(3);
    commit('w1', 1, 'a');
    expect(kept(hear('w1', checkpoint(1)))).toEqual([hold]);
    expect(kept(commit('w2', 1, 'a'))).toEqual([]);
    expect(kept(commit('w3', 1, 'a'))).toEqual([store]);
    expect(kept(commit('w1', 2, 'b'))).toEqual([]);
  });

  it('is stored at once where all have reported the step, and where it has no hashes', () => {
    const { commit, hear } = running(2);
    for (const worker of ['w1', 'w2']) commit(worker, 1, 'a');
    expect(kept(hear('w1', checkpoint(1)))).toEqual([store]);
    expect(kept(running(2).hear('w1', checkpoint(1)))).toEqual([store]);
  });

  it.each([
    ['two members, of whom none has a majority', ['a', 'b']],
    ['a member that differs from the sender', ['a', 'a', 'b']],
    ['a sender that differs from the majority', ['a', 'b', 'b']],
  ])('is never stored with %s', (_, digests) => {
    const { commit, hear, raise, state } = running(digests.length);
    commit('w1', 1, digests[0]!);
    const effects = [...hear('w1', checkpoint(1))];
    for (const [i, digest] of digests.entries()) if (i > 0) effects.push(...commit(`w${i + 1}`, 1, digest));
    effects.push(...raise({ type: 'tick' }));
    expect(kept(effects)).toEqual([hold]);
    expect(state()).toMatchObject({ phase: 'done', stopReason: 'failed', checkpointStep: -1 });
  });

  it('is never stored where members differ at a step before it', () => {
    const { commit, hear, state } = running(3);
    for (const step of [1, 2]) commit('w1', step, 'a');
    commit('w2', 1, 'b');
    expect(kept(hear('w1', checkpoint(2)))).toEqual(['holdCheckpoint of w1 and step 2']);
    expect(kept(commit('w3', 1, 'a'))).toEqual([]);
    expect(state().phase).toBe('done');
  });

  it('waits for a report that is long on its way, however far the others are', () => {
    const { commit, hear } = running(2);
    for (const step of [1, 2, 3, 4]) commit('w1', step, 'a');
    expect(kept(hear('w1', checkpoint(1)))).toEqual([hold]);
    expect(kept(commit('w2', 1, 'b'))).toEqual([]);
    const { commit: other, hear: tell } = running(2);
    for (const step of [1, 2, 3, 4]) other('w1', step, 'a');
    tell('w1', checkpoint(1));
    expect(kept(other('w2', 1, 'a'))).toEqual([store]);
  });

  it('does not wait for a member that is lost, nor for one that joined later', () => {
    const { commit, hear, raise } = running(2);
    commit('w1', 1, 'a');
    expect(kept(hear('w1', checkpoint(1)))).toEqual([hold]);
    expect(kept(raise({ type: 'disconnected', worker: 'w2' }))).toEqual([store]);
    hear('w3', helloOf('w3', 1));
    hear('w3', { type: 'loaded' });
    hear('w1', { type: 'ready', generation: 2, step: 1 });
    hear('w3', { type: 'ready', generation: 2, step: -1 });
    expect(kept(hear('w1', checkpoint(1)))).toEqual([store]);
  });

  it('waits for a member that was asked to stop and has not reported the step', () => {
    const { commit, hear, raise } = running(3);
    for (const worker of ['w1', 'w2', 'w3']) commit(worker, 1, 'a');
    commit('w1', 2, 'a');
    raise({ type: 'disconnected', worker: 'w3' });
    expect(kept(hear('w1', checkpoint(2)))).toEqual(['holdCheckpoint of w1 and step 2']);
    hear('w1', { type: 'ready', generation: 2, step: 2 });
    expect(kept(commit('w2', 2, 'a'))).toEqual(['storeCheckpoint of w1 and step 2']);
  });

  it('is stored as it comes in a test that looks at members that differ', () => {
    const { commit, hear } = running(2, { compares: false });
    commit('w1', 1, 'a');
    expect(kept(hear('w1', checkpoint(1)))).toEqual([store]);
  });
});
