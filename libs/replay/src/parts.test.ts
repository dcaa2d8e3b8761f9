import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { checkpointFolder, loadCheckpoint, saveCheckpoint } from '@lockstep/checkpoint';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readEvidence } from './check.ts';
import { diffWithComputation } from './diff.ts';
import { convolutional } from './fixtures/experiments.ts';
import type { ClusterFault } from './fixtures/local-cluster.ts';
import { recordLocally } from './fixtures/recorded.ts';
import { type DiffedPart, diffInParts, diffPart } from './parts.ts';
import { openRecordedRun } from './recorded-run.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lockstep-parts-'));
});
afterEach(() => rm(folder, { recursive: true }));

const fault: ClusterFault = {
  ...{ rank: 1, step: 3, part: 'partial', variable: 'params/5/kernel', element: 6, shard: 3 },
};

/** A run of four steps with checkpoints after the second and the fourth. */
async function record(own?: ClusterFault): Promise<void> {
  const members = [
    { start: 0, count: 3 },
    { start: 3, count: 1 },
  ];
  const config = { epochs: null, steps: 4, checkpointEvery: 2 };
  await recordLocally(folder, 'parts', convolutional(), { members, config, ...(own && { fault: own }) });
}

/** What `diff` finds by parts, which intervals it has computed, and what it finds at once. */
async function diffed() {
  const run = await openRecordedRun(folder);
  const evidence = await readEvidence(run);
  const computed: string[] = [];
  const found = await diffInParts(run, {
    onStep: () => undefined,
    async diffParts(parts) {
      const results: DiffedPart[] = [];
      // Threads may come to an end in any order.
      for (const part of parts.toReversed()) results.unshift(await diffPart(run, evidence, part));
      computed.push(...parts.map(({ from, to }) => `${from}-${to}`));
      return results;
    },
  });
  return { found, computed, atOnce: await diffWithComputation(await openRecordedRun(folder)) };
}

describe('a run beside its computation, by parts', () => {
  it('is identical', async () => {
    await record();
    expect(await diffed()).toEqual({ found: undefined, computed: ['0-2', '2-4'], atOnce: undefined });
  });

  it('parts where it parts when it is computed at once', async () => {
    await record(fault);
    const { found, atOnce } = await diffed();
    expect(found).toMatchObject({ step: 3, worker: 'w1', cause: 'worker' });
    expect(found).toEqual(atOnce);
  });

  it.each([undefined, fault])(
    'does not believe a checkpoint that is not the state of its step',
    async (own) => {
      await record(own);
      const checkpoints = checkpointFolder(folder);
      const { header, tensors, metadata = {} } = (await loadCheckpoint(checkpoints, 2))!;
      const name = 'params/5/kernel';
      const data = Float32Array.from(tensors[name]!.data, (value) => 2 * value);
      await saveCheckpoint(checkpoints, {
        step: 2,
        header,
        tensors: { ...tensors, [name]: { ...tensors[name]!, data } },
        metadata,
      });
      const { found, atOnce } = await diffed();
      expect(found).toEqual(atOnce);
      expect(found?.step).toBe(own?.step);
    },
  );
});
