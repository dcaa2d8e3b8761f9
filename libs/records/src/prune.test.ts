import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { saveCheckpoint } from '@lockstep/checkpoint';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createTestRoot, done, finished, journal, manifest, type TestRoot } from './fixtures/folders.ts';
import { planPruning, prune } from './prune.ts';
import { readRun } from './read.ts';

let root: TestRoot;
beforeEach(async () => {
  root = await createTestRoot();
});
afterEach(() => root.remove());

const tensors = { w: { dtype: 'float32', shape: [2], data: Float32Array.of(1, 2) } } as const;

/** A run with checkpoints of steps 1 to 4. */
async function runWith(reason: string, isRunning = false, parent: object | null = null) {
  const files = {
    ...finished,
    'manifest.json': { ...manifest, parent },
    'journal.jsonl': [...journal, { ...done, reason }],
  };
  const folder = await root.write('2026-11-30-digits-00aa', files);
  const checkpoints = join(folder, 'checkpoints');
  for (const step of [1, 2, 3, 4]) {
    await saveCheckpoint(checkpoints, { step, header: {}, tensors }, { keep: 9 });
  }
  const damage = (step: number) => writeFile(join(checkpoints, `step-0000000${step}.safetensors`), 'x');
  return { folder, damage, read: () => readRun(folder, { isRunning: () => isRunning }) };
}

describe('pruning checkpoints', () => {
  const cases = [
    ['finished', 1, [1, 2, 3]],
    ['finished', 3, [1]],
    ['finished', 4, []],
    ['finished', 0, [1, 2, 3, 4]],
    ['interrupted', 1, [1, 2, 3]],
    ['interrupted', 0, [1, 2, 3]],
    ['failed', 0, [1, 2, 3]],
    ['nonFinite', 0, [1, 2, 3]],
  ] as const;
  for (const [reason, keep, expected] of cases) {
    it(`removes ${expected.length} of four of a run that ended as ${reason}, with ${keep} to keep`, async () => {
      const { read } = await runWith(reason);
      const plan = await planPruning(await read(), { keep });
      expect(plan).toMatchObject({ steps: expected, isWholeRun: false });
      await prune(plan);
      expect((await read()).checkpoints).toEqual([1, 2, 3, 4].filter((step) => !plan.steps.includes(step)));
      expect(plan.bytes > 0).toBe(expected.length > 0);
    });
  }

  it('keeps the newest checkpoint that can be read', async () => {
    const { read, damage } = await runWith('interrupted');
    await damage(4);
    await damage(3);
    const plan = await planPruning(await read());
    expect(plan).toMatchObject({ steps: [1, 3], kept: 'the run can go on from step 2 alone' });
    await damage(2);
    await damage(1);
    expect(await planPruning(await read())).toMatchObject({
      ...{ steps: [], bytes: 0, kept: 'none of its checkpoints can be read' },
    });
  });

  it('keeps the checkpoint with which a branch begins', async () => {
    const { read } = await runWith('finished', false, { run: 'r', step: 2 });
    expect((await planPruning(await read(), { keep: 0 })).steps).toEqual([1, 3, 4]);
    expect((await planPruning(await read(), { keep: 2 })).steps).toEqual([1]);
  });

  it('removes nothing of a run that is being trained', async () => {
    const { read } = await runWith('finished', true);
    for (const options of [{ keep: 0 }, { wholeRuns: true }]) {
      const plan = await planPruning(await read(), options);
      expect(plan).toMatchObject({ steps: [], isWholeRun: false, kept: 'it is being trained' });
      await prune(plan);
    }
    expect((await read()).checkpoints).toHaveLength(4);
  });
});

describe('pruning whole runs', () => {
  it('removes the folder of a finished run', async () => {
    const { read, folder } = await runWith('finished');
    const plan = await planPruning(await read(), { wholeRuns: true });
    expect(plan).toMatchObject({ isWholeRun: true, steps: [1, 2, 3, 4] });
    expect(plan.bytes).toBeGreaterThan(1_000);
    expect(existsSync(folder)).toBe(true);
    await prune(plan);
    expect(existsSync(folder)).toBe(false);
  });

  it('keeps a run that can go on, and removes one that failed before its first checkpoint', async () => {
    const { read, folder } = await runWith('interrupted');
    const plan = await planPruning(await read(), { wholeRuns: true });
    expect(plan).toMatchObject({
      isWholeRun: false,
      steps: [],
      kept: expect.stringContaining('not finished'),
    });
    await prune(plan);
    expect(existsSync(folder)).toBe(true);
    const failed = await root.write('2026-11-30-digits-00bb', {
      ...finished,
      'journal.jsonl': [...journal, { ...done, reason: 'failed' }],
    });
    const other = await planPruning(await readRun(failed), { wholeRuns: true });
    expect(other.isWholeRun).toBe(true);
  });
});
