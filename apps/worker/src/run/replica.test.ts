/** The two copies of the state, and which of them a commit makes current. */

import { zeros } from '@lockstep/autodiff';
import { fromArrays } from '@lockstep/data';
import { initialProgress, layoutWorker, stateHashes, viewer } from '@lockstep/run';
import { compilePrograms, defineExperiment, resolveConfig } from '@lockstep/training';
import { describe, expect, it } from 'vitest';
import { createReplica } from './replica.ts';

const experiment = defineExperiment({
  data: fromArrays({ x: [1, 2], y: [2, 4] }, { name: 'line' }),
  init: () => ({ w: zeros([3]) }),
  loss: ({ w }, { x, y }) => x!.mul(w.sum()).sub(y!).square(),
  optimizer: { init: (params) => params, update: (grads, state) => [grads, state] },
  batch: { size: 2, shards: 1 },
});
const config = resolveConfig(experiment);
const programs = compilePrograms(experiment, await experiment.data.load(), config, 10);
const layout = layoutWorker({
  ...{ programs, threads: [{ start: 0, count: 1 }], scratchBytes: 64 },
  ...{ evaluationSamples: 0, batchSize: 2 },
});

/** A replica whose current copy holds ones and whose spare one holds twos. */
function replicaOf() {
  const buffer = new SharedArrayBuffer(layout.bytes);
  const view = viewer(buffer);
  const copies = layout.replica.map((slots) => slots.map(view));
  for (const [i, copy] of copies.entries()) for (const array of copy) array.fill(i + 1);
  const replica = createReplica(programs);
  replica.attach(buffer, layout);
  return { replica, copies, first: () => new Float32Array(replica.snapshot()[0]!.bytes.buffer)[0] };
}

const chained = (chain: string) => ({ ...initialProgress, chain });

it('a commit makes a filled copy the current one, once', () => {
  const { replica, first } = replicaOf();
  replica.filled(chained('taken'));
  expect([first(), replica.copy, replica.progress.chain]).toEqual([1, 0, initialProgress.chain]);
  replica.commit();
  expect([first(), replica.copy, replica.progress.chain]).toEqual([2, 1, 'taken']);
  replica.commit();
  expect(replica.copy).toBe(1);
});

it('an update changes the current copy, and a state that was to be taken before it is not committed', () => {
  const { replica, copies, first } = replicaOf();
  const before = replica.fingerprint();
  // Its generation ended before the commit.
  replica.filled(chained('dropped'));
  copies[0]![0]!.fill(5);
  replica.updated();
  replica.setProgress(chained('updated'));
  replica.commit();
  expect([first(), replica.copy, replica.progress.chain]).toEqual([5, 0, 'updated']);
  expect(replica.fingerprint()).not.toBe(before);
});

it('a snapshot fills the spare copy and leaves the current one alone', () => {
  const source = replicaOf();
  source.copies[0]![0]!.set([7, 8, 9]);
  source.replica.setProgress(chained('theirs'));
  const { replica, first } = replicaOf();
  replica.acceptSnapshot(source.replica.snapshot());
  expect([first(), replica.progress.chain]).toEqual([1, initialProgress.chain]);
  replica.commit();
  expect([first(), replica.progress.chain]).toEqual([7, 'theirs']);
  expect(replica.fingerprint()).toBe(source.replica.fingerprint());
});

it('a snapshot or a file that does not fit is not committed', () => {
  const { replica, first } = replicaOf();
  const parts = replica.snapshot();
  replica.filled(initialProgress);
  expect(() => replica.acceptSnapshot(parts.slice(0, 2))).toThrow(/the saved state is of another model/);
  replica.commit();
  expect(first()).toBe(1);
  const file = replica.encode({});
  replica.decode(file, chained('file'));
  replica.commit();
  expect([first(), replica.copy, replica.progress.chain]).toEqual([1, 1, 'file']);
});

it('takes back an update that made something non-finite, and names it', () => {
  const { replica, copies, first } = replicaOf();
  expect(replica.firstNonFinite()).toBeUndefined();
  replica.keep();
  copies[0]![0]!.set([5, Number.POSITIVE_INFINITY, 5]);
  expect(replica.firstNonFinite()).toBe('parameter w');
  replica.takeBack();
  replica.commit();
  expect([first(), replica.copy]).toEqual([1, 1]);
  expect(replica.firstNonFinite()).toBeUndefined();
  expect(replica.trained().map((array) => [...array])).toEqual([[1, 1, 1]]);
});

describe('hashes', () => {
  type Parts = ReturnType<typeof replicaOf>;
  const ofOptimizer = 1;

  it.each<readonly [string, (parts: Parts) => void]>([
    [
      'an update',
      ({ replica, copies }) => {
        copies[0]![ofOptimizer]!.fill(5);
        replica.updated();
      },
    ],
    [
      'a commit',
      ({ replica }) => {
        replica.filled(initialProgress);
        replica.commit();
      },
    ],
    ['taking back an update', ({ replica }) => replica.takeBack()],
  ])('are those of the current state after %s', async (_what, change) => {
    const parts = replicaOf();
    const { replica, copies } = parts;
    await replica.hash(true);
    const before = replica.stateHash();
    change(parts);
    expect(replica.stateHash()).not.toBe(before);
    const expected = stateHashes(programs, copies[replica.copy]!);
    expect([replica.fingerprint(), replica.stateHash()]).toEqual([expected.fingerprint, expected.stateHash]);
  });

  it('are computed once, and the hash of the whole state only if it is asked for', async () => {
    const { replica, copies } = replicaOf();
    const { fingerprint, stateHash } = stateHashes(programs, copies[0]!);
    await replica.hash(false);
    copies[0]![0]!.fill(9);
    expect(replica.fingerprint()).toBe(fingerprint);
    expect(replica.stateHash()).not.toBe(stateHash);
    expect(replica.fingerprint()).not.toBe(fingerprint);
  });
});
