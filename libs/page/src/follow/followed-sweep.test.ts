import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createTestSweep, runName, type TestSweep } from '../fixtures/sweep-folder.ts';
import { FollowedRuns } from './followed-runs.ts';
import { FollowedSweep } from './followed-sweep.ts';

let test: TestSweep;
let isTrained = true;
beforeEach(async () => {
  test = await createTestSweep();
  isTrained = true;
});
afterEach(() => test.remove());

const open = (): Promise<FollowedSweep> => FollowedSweep.open(test.folder, { isRunning: () => isTrained });
const mlp = (rate: number) => ({ head: 'mlp', rate, width: 16 });
const linear = (rate: number) => ({ head: 'linear', rate });

describe('a followed sweep', () => {
  it('shows its space, its trials and their runs', async () => {
    await test.begin(0, mlp(0.1));
    await test.end(0, mlp(0.1), 0.5);
    await test.begin(1, linear(0.2));
    const { facts, progress, trials } = (await open()).view();
    expect(facts).toMatchObject({
      ...{ id: '2026-11-30-quick-00aa', name: 'quick', search: 'tpe startup=4', repeats: 1, seed: 7 },
      command: 'lockstep sweep sweeps/quick.ts',
      objectives: [{ metric: 'validation/loss', direction: 'minimize' }],
    });
    expect(facts.axes).toEqual([
      { id: 'head', name: 'head', conditions: [], kind: 'options', options: ['linear', 'mlp'] },
      {
        ...{ id: 'head=mlp/width', name: 'width', conditions: [{ name: 'head', branch: 'mlp' }] },
        ...{ kind: 'number', lo: 8, hi: 64, log: true },
      },
      { id: 'rate', name: 'rate', conditions: [], kind: 'number', lo: 0.001, hi: 1, log: true },
    ]);
    expect(progress).toMatchObject({ status: 'running', numTrials: 6, best: 0, front: [], warnings: [] });
    expect(trials).toEqual([
      {
        ...{ number: 0, generation: 0, params: mlp(0.1), status: 'finished', values: [0.5], steps: 20 },
        repeats: [{ seed: 7, run: `2026-11-30-quick-00aa/${runName(0)}`, values: [0.5] }],
        rungs: [],
      },
      {
        ...{ number: 1, generation: 0, params: linear(0.2), status: 'running', values: [], steps: 3 },
        repeats: [{ seed: 7, run: `2026-11-30-quick-00aa/${runName(1)}` }],
        rungs: [],
      },
    ]);
  });

  it('passes on the trials that changed, and the end', async () => {
    await test.begin(0, mlp(0.1));
    const sweep = await open();
    expect(await sweep.poll(3)).toBeUndefined();
    await test.end(0, mlp(0.1), 0.5);
    await test.begin(1, linear(0.2));
    const delta = await sweep.poll(3);
    expect([delta!.sweep, delta!.trials.map(({ number, status }) => [number, status])]).toEqual([
      3,
      [
        [0, 'finished'],
        [1, 'running'],
      ],
    ]);
    await test.end(1, linear(0.2), 0.25);
    const next = await sweep.poll(3);
    expect([next!.trials.map(({ number }) => number), next!.progress.best]).toEqual([[1], 1]);
    expect(next!.progress.importances.map(({ id }) => id).sort()).toEqual(['head', 'head=mlp/width', 'rate']);
    await writeFile(join(test.folder, 'table.jsonl'), '{}\n');
    isTrained = false;
    expect((await sweep.poll(3))!.progress).toMatchObject({
      status: 'finished',
      tableSha256: 'ca3d163bab055381827226140568f3bef7eaac187cebd76878e0b63e9e442356',
    });
  });

  it('shows rungs, the rule that stops trials, and the trials that no other one beats', async () => {
    await test.remove();
    test = await createTestSweep(
      {},
      {
        others: [{ metric: 'parameters', direction: 'minimize', over: 'last' }],
        stopping: {
          name: 'hyperband',
          min: 2,
          max: 18,
          eta: 3,
          brackets: [{ rungs: [{ trials: 9, steps: 2 }] }],
        },
      },
    );
    const rungs = [
      { steps: 2, values: [0.9, 100] },
      { steps: 6, values: [0.5, 100] },
    ];
    for (const [trial, values] of [
      [0.5, 100],
      [0.25, 300],
      [0.75, 200],
    ].entries()) {
      const result = { status: 'complete', values, steps: 6, rungs: trial === 0 ? rungs : [] };
      await test.append({
        type: 'recorded',
        trial: { number: trial, generation: 0, params: mlp(0.1), result },
      });
    }
    const { facts, progress, trials } = (await open()).view();
    expect(facts.stopping).toBe('hyperband min=2 max=18 eta=3');
    expect(facts.objectives.map(({ metric }) => metric)).toEqual(['validation/loss', 'parameters']);
    expect([progress.front, progress.best]).toEqual([[0, 1], 1]);
    expect(trials[0]!.rungs).toEqual([
      { step: 2, value: 0.9 },
      { step: 6, value: 0.5 },
    ]);
  });

  it('is interrupted where nobody trains it and it has no table', async () => {
    await test.begin(0, mlp(0.1));
    isTrained = false;
    const { progress, trials } = (await open()).view();
    expect([progress.status, trials[0]!.status]).toEqual(['interrupted', 'waiting']);
  });

  it('says what a manifest that was changed by hand lacks, and shows the trials', async () => {
    const params = { '<img src=x>': { type: 'number', lo: 0, hi: 1, log: false } };
    await test.remove();
    test = await createTestSweep({
      sweep: {
        ...{ space: { params, constraints: [] }, search: { name: 'random', options: {} }, seed: 7 },
        objective: { metric: 'loss', direction: 'minimize', over: 'last' },
        ...{ trials: 2, repeats: 1, generation: 2, steps: null, epochs: null, limitSamples: null },
      },
    });
    for (const trial of [0, 1]) await test.end(trial, { '<img src=x>': 0.5 }, trial);
    const { progress, trials, facts } = (await open()).view();
    expect([trials.length, progress.importances, facts.axes[0]!.name]).toEqual([2, [], '<img src=x>']);
    expect(progress.warnings.join()).toContain("cannot be a parameter's name");
  });
});

describe('followed runs', () => {
  const follow = () => new FollowedRuns({ paths: [test.root], isRunning: () => isTrained });

  it('have those of a sweep, told apart by its name, and only what is trained is running', async () => {
    await test.begin(0, mlp(0.1));
    await test.end(0, mlp(0.1), 0.5);
    await test.begin(1, linear(0.2));
    const runs = follow();
    await runs.discover();
    const { runs: shown, sweeps } = runs.data();
    expect([runs.numSweeps, sweeps[0]!.trials.length]).toEqual([1, 2]);
    expect(shown.map(({ facts, progress }) => [facts.id, progress.status])).toEqual([
      [`2026-11-30-quick-00aa/${runName(0)}`, 'interrupted'],
      [`2026-11-30-quick-00aa/${runName(1)}`, 'running'],
    ]);
  });

  it('are joined by those that a sweep begins, without everything being read again', async () => {
    await test.begin(0, mlp(0.1));
    const runs = follow();
    expect(await runs.read(true)).toBe('revised');
    await test.begin(1, linear(0.2));
    const changes = await runs.read(false);
    if (changes === 'revised') throw new Error('everything was read again');
    expect(changes.added.map(({ facts }) => facts.id)).toEqual([`2026-11-30-quick-00aa/${runName(1)}`]);
    expect(changes.sweeps.map(({ trials }) => trials.map(({ number }) => number))).toEqual([[1]]);
    expect(await runs.read(true)).toEqual({ runs: [], added: [], sweeps: [] });
  });
});
