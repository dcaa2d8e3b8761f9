import { appendFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { checkpointFolder, loadCheckpoint } from '@lockstep/checkpoint';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Beginning, beginningOf } from './beginning.ts';
import { type BranchSettings, type PlannedBranch, planBranch } from './branch.ts';
import { Computation } from './computation.ts';
import { scheduled, tunable } from './fixtures/experiments.ts';
import { type RecordOptions, recordLocally } from './fixtures/recorded.ts';
import { openRecordedRun } from './recorded-run.ts';
import { readRunLogs } from './run-logs.ts';
import { computeRecordedState } from './state.ts';

let root: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'lockstep-branch-'));
  await record();
});
afterAll(() => rm(root, { recursive: true }));

const folderOf = (name: string): string => join(root, name);

const record = (name = 'parent', options: RecordOptions = {}) =>
  recordLocally(folderOf(name), 'tunable', tunable, { config: { epochs: 3 }, ...options });

const plan = async (step: number, settings: BranchSettings, name = 'parent'): Promise<PlannedBranch> =>
  planBranch(await openRecordedRun(folderOf(name)), step, settings);

/** The state with which a branch begins. */
async function begin(branch: PlannedBranch): Promise<Beginning> {
  const { parent, step } = branch;
  const computation = new Computation(parent);
  await computeRecordedState(computation, step, await readRunLogs(parent.folder, parent.manifest));
  return beginningOf(computation, branch);
}

/** Trains a branch to its end. */
async function branch(name: string, step: number, settings: BranchSettings, options: RecordOptions = {}) {
  const planned = await plan(step, settings);
  const beginning = await begin(planned);
  await recordLocally(folderOf(name), 'tunable', tunable, { ...options, config: planned.config, beginning });
  return { planned, beginning };
}

/** The last checkpoint: its arrays and the progress. */
async function endOf(name: string) {
  const checkpoint = (await loadCheckpoint(checkpointFolder(folderOf(name))))!;
  return { step: checkpoint.step, tensors: checkpoint.tensors, progress: checkpoint.header.progress };
}

const halves = [
  { start: 0, count: 2 },
  { start: 2, count: 2 },
];

describe('a branch', () => {
  it.each([4, 6])('equals a run whose rate changes at step %i, byte for byte', async (step) => {
    const expectedName = `expected-${step}`;
    const config = { epochs: 3 };
    await recordLocally(folderOf(expectedName), 'scheduled', scheduled(step, 0.05, 0.01), { config });
    const expected = await endOf(expectedName);
    expect(expected.step).toBe(9);
    for (const ranges of [undefined, halves]) {
      const name = `branch-${step}-${ranges?.length ?? 1}`;
      const { planned } = await branch(name, step, { assignments: ['rate=0.01'] }, ranges && { ranges });
      expect(await endOf(name)).toEqual(expected);
      expect(planned.config).toMatchObject({
        epochs: 3,
        batchSize: 12,
        params: { rate: 0.01, momentum: 0.9 },
      });
    }
    expect((await endOf('parent')).tensors).not.toEqual(expected.tensors);
  });

  it('begins with the state of its parent, whatever the new seed would give', async () => {
    const { beginning } = await branch('seeded', 3, { seed: 7 });
    const saved = await loadCheckpoint(checkpointFolder(folderOf('parent')), 3);
    expect(beginning.checkpoint.tensors).toEqual(saved!.tensors);
    expect(beginning.checkpoint.header).toMatchObject({ step: 3, seed: 7 });
    expect((await endOf('seeded')).tensors).not.toEqual((await endOf('parent')).tensors);
  });

  it('names its parent, the state and the chain there', async () => {
    const { beginning } = await branch('b', 4, { assignments: ['rate=0.01'] });
    const { steps } = await readRunLogs(folderOf('parent'), {});
    expect(beginning.parent).toEqual({
      ...{ run: 'parent', folder: folderOf('parent'), step: 4 },
      ...{ stateHash: beginning.checkpoint.header.stateHash, chain: steps.get(4)!.chain },
    });
    const opened = await openRecordedRun(folderOf('b'));
    expect(opened).toMatchObject({ firstStep: 4, changes: [] });
  });

  it('can be branched from, and computed again from its own first checkpoint', async () => {
    await branch('c', 4, { assignments: ['rate=0.01'] });
    const planned = await plan(7, { assignments: ['rate=0.2'] }, 'c');
    const beginning = await begin(planned);
    expect(beginning.parent).toMatchObject({ run: 'c', step: 7 });
    const computation = new Computation(await openRecordedRun(folderOf('c')));
    await computation.restoreFrom(4);
    while (computation.step < 7) computation.advance();
    const { tensors } = beginning.checkpoint;
    expect(Object.values(tensors).map(({ data }) => data)).toEqual(computation.arrays);
  });
});

describe('the length of a branch', () => {
  it('is that of its parent, or the one that is given', async () => {
    await record('eight', { config: { epochs: null, steps: 8 } });
    const assignments = ['rate=0.01'];
    expect((await plan(4, { assignments }, 'eight')).config).toMatchObject({ epochs: null, steps: 8 });
    const longer = await plan(4, { assignments, epochs: 5 }, 'eight');
    expect(longer.config).toMatchObject({ epochs: 5, steps: null });
    await expect(plan(8, { assignments }, 'eight')).rejects.toThrow(
      'would have 8 steps in all and begins after step 8, so it has nothing to do; make it longer',
    );
  });

  it('follows from epochs of another number of steps, which begin at the end of an epoch', async () => {
    const { planned } = await branch('smaller', 3, { batchSize: 6 });
    expect(planned.config).toMatchObject({ batchSize: 6, epochsFrom: { step: 3, epoch: 1 } });
    const run = await openRecordedRun(folderOf('smaller'));
    // One epoch of three steps, then two of six.
    expect(run.schedule(run.stage(4)).totalSteps).toBe(15);
    const { evaluations, lastStep } = await readRunLogs(folderOf('smaller'), run.manifest);
    expect([...evaluations.keys()]).toEqual([9, 15]);
    expect(lastStep).toBe(15);
    await expect(plan(5, { batchSize: 6 })).rejects.toMatchObject({
      code: 'config',
      message: expect.stringContaining('step 5 is in the middle of one: take step 3 or 6'),
    });
    // A branch of it counts on from its own epochs.
    expect((await plan(9, { batchSize: 4 }, 'smaller')).config).toMatchObject({
      epochsFrom: { step: 9, epoch: 2 },
    });
    expect((await plan(10, { assignments: ['rate=0.1'] }, 'smaller')).config).toMatchObject({
      ...{ batchSize: 6, epochsFrom: { step: 3, epoch: 1 } },
    });
  });

  it('follows a parameter that decides a setting, unless the parent had another value', async () => {
    expect((await plan(3, { assignments: ['size=18'] })).config).toMatchObject({ batchSize: 18 });
    await record('larger', { config: { epochs: 3, batchSize: 18 } });
    const set = { assignments: ['size=6', 'rate=0.1'] };
    expect((await plan(3, set, 'larger')).config).toMatchObject({ batchSize: 18 });
  });
});

describe('early stopping of a branch', () => {
  it('goes on with what the parent has seen', async () => {
    const branched = await begin(await plan(6, { assignments: ['rate=0'] }));
    const saved = await loadCheckpoint(checkpointFolder(folderOf('parent')), 6);
    expect(branched.checkpoint.header.progress).toEqual(saved!.header.progress);
  });

  it('refuses a state at which the rule of the branch has ended the run', async () => {
    // Its rate is far too high, so the second evaluation is worse than the first.
    await record('jumping', { config: { epochs: 3, params: { rate: 50 } } });
    await expect(begin(await plan(6, { assignments: ['patience=1'] }, 'jumping'))).rejects.toThrow(
      /early stopping ends the run at step 6: validation\/loss has not improved for 1 evaluation,/,
    );
  });
});

describe('a branch is refused', () => {
  it('where arrays of the state have other shapes, by the parameter that changes them', async () => {
    await expect(plan(4, { assignments: ['rate=0.01', 'width=8'] })).rejects.toMatchObject({
      code: 'config',
      message: expect.stringMatching(
        /^--set width=8 changes the arrays of the state, and that of step 4 does not fit: params\/\S+ is float32\[6\] there and would be float32\[8\]; begin a new run/,
      ),
    });
    await expect(plan(4, { assignments: ['momentum=0'] })).rejects.toMatchObject({
      message: expect.stringMatching(
        /^--set momentum=0 .*: optimizer\/\S+ is float32\[6\] there and would be no such array/,
      ),
    });
  });

  it('where no setting differs', async () => {
    await expect(plan(4, {})).rejects.toThrow(/the branch has the settings of .*parent; change one, such as/);
    await expect(plan(4, { assignments: ['rate=0.05'], seed: 1 })).rejects.toThrow('has the settings of');
    await expect(plan(4, { assignments: ['rat=0.05'] })).rejects.toThrow("did you mean 'rate'?");
  });

  it('where the step is not done yet', async () => {
    await record('four', { config: { epochs: 3, until: 4 } });
    const planned = await plan(5, { assignments: ['rate=0.01'] }, 'four');
    expect(planned.config).not.toHaveProperty('until');
    await expect(begin(planned)).rejects.toThrow(/has done 4 steps so far, not 5/);
  });

  it('where a step computes something else than was recorded', async () => {
    await record('altered');
    const metrics = join(folderOf('altered'), 'metrics.jsonl');
    const lines = (await readFile(metrics, 'utf8')).split('\n');
    const altered = lines.map((line) =>
      line.includes('"step":4,') ? line.replace(/"loss":[\d.]+/, '"loss":0.5') : line,
    );
    await writeFile(metrics, altered.join('\n'));
    const planned = await plan(5, { assignments: ['rate=0.01'] }, 'altered');
    await expect(begin(planned)).rejects.toMatchObject({
      code: 'checkpoint',
      message: expect.stringMatching(
        /state of step 5 cannot be computed again: step 4 of .* the loss 0.5, and/,
      ),
    });
    // Step 6 has a checkpoint, after which nothing was altered.
    await expect(begin(await plan(6, { assignments: ['rate=0.01'] }, 'altered'))).resolves.toBeDefined();
    const other = { kind: 'step', step: 6, metrics: {}, chain: 'another' };
    await appendFile(metrics, `${JSON.stringify(other)}\n`);
    await expect(begin(await plan(6, { assignments: ['rate=0.01'] }, 'altered'))).rejects.toThrow(
      'has the chain another',
    );
  });
});
