import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createKernels, offeredProfiles } from '@lockstep/kernels';
import type { Experiment } from '@lockstep/training';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { diffWithComputation } from './diff.ts';
import { diffRuns } from './diff-runs.ts';
import { convolutional } from './fixtures/experiments.ts';
import type { ClusterFault } from './fixtures/local-cluster.ts';
import { type RecordOptions, recordLocally } from './fixtures/recorded.ts';
import { openRecordedRun, type RecordedRun } from './recorded-run.ts';

let root: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'lockstep-diff-'));
});
afterEach(() => rm(root, { recursive: true }));

const four = [0, 1, 2, 3].map((start) => ({ start, count: 1 }));
const config = { epochs: null, steps: 5 };

async function run(
  name: string,
  options: RecordOptions = {},
  experiment: Experiment = convolutional(),
): Promise<RecordedRun> {
  const folder = join(root, name);
  await recordLocally(folder, name, experiment, {
    members: four,
    ...options,
    config: { ...config, ...options.config },
  });
  return openRecordedRun(folder);
}

describe('a run beside its own computation', () => {
  it('is identical, by digests or by the logs alone', async () => {
    expect(await diffWithComputation(await run('honest'))).toBeUndefined();
    const folder = join(root, 'logs');
    await recordLocally(folder, 'logs', convolutional(), { config });
    expect(await diffWithComputation(await openRecordedRun(folder))).toBeUndefined();
  });

  it.each<readonly [string, ClusterFault, object]>([
    [
      'a partial',
      { rank: 2, step: 3, part: 'partial', variable: 'params/5/kernel', element: 6, shard: 2 },
      {
        part: 'partial',
        variable: 'params/5/kernel',
        shards: { start: 2, count: 1 },
        worker: 'w2',
        cause: 'worker',
      },
    ],
    [
      'the replica',
      { rank: 1, step: 2, part: 'replica', variable: 'params/5/kernel', element: 7 },
      { part: 'replica', variable: 'params/5/kernel', shards: null, worker: 'w1', cause: 'worker' },
    ],
    [
      'a batch',
      { rank: 3, step: 4, part: 'batch', variable: 'x', element: 11, shard: 3 },
      { part: 'columns', variable: 'columns', shards: { start: 3, count: 1 }, worker: 'w3', cause: 'batch' },
    ],
  ])('shows a wrong bit in %s', async (_, fault, expected) => {
    const found = await diffWithComputation(await run('faulty', { fault }));
    expect(found).toMatchObject({ step: fault.step, element: null, ...expected });
    expect(found?.note).toContain('not kept');
  });

  it('gives the element where the checkpoint of the step was saved by the worker at fault', async () => {
    const fault = { rank: 0, step: 3, part: 'replica', variable: 'params/5/bias', element: 1 } as const;
    const found = await diffWithComputation(await run('saved', { fault }));
    expect(found).toMatchObject({ step: 3, variable: 'params/5/bias', worker: 'w0', element: { index: 1 } });
    expect(found!.element!.recorded).not.toBe(found!.element!.computed);
  });

  it('shows the worker whose model is wrong where that alone is recorded', async () => {
    const fault: ClusterFault = {
      rank: 1,
      step: 2,
      part: 'replica',
      variable: 'params/5/kernel',
      element: 7,
    };
    expect(await diffWithComputation(await run('honest', { record: 'chain' }))).toBeUndefined();
    expect(await diffWithComputation(await run('faulty', { record: 'chain', fault }))).toMatchObject({
      ...{ step: 2, part: 'replica', variable: 'model', shards: null, worker: 'w1', cause: 'worker' },
    });
  });

  /** Changes the loss of step 4 in the log. */
  async function alterLoss(folder: string): Promise<void> {
    const path = join(folder, 'metrics.jsonl');
    const lines = (await readFile(path, 'utf8')).split('\n');
    const at = lines.findIndex((line) => line.includes('"step":4,') && line.includes('"kind":"step"'));
    lines[at] = lines[at]!.replace(/"loss":[\d.]+/, '"loss":9');
    await writeFile(path, lines.join('\n'));
  }

  it('finds the step by the logs where nothing else is recorded', async () => {
    const folder = join(root, 'logs');
    await recordLocally(folder, 'logs', convolutional(), { config });
    await alterLoss(folder);
    expect(await diffWithComputation(await openRecordedRun(folder))).toMatchObject({
      ...{ step: 4, part: 'value', variable: 'loss', worker: null, shards: null, element: null },
      ...{ cause: 'worker', note: expect.stringContaining('recorded is 9') },
    });
  });

  it('finds the log at fault where all digests are the same', async () => {
    await run('altered');
    await alterLoss(join(root, 'altered'));
    expect(await diffWithComputation(await openRecordedRun(join(root, 'altered')))).toMatchObject({
      ...{ step: 4, part: 'value', variable: 'loss', worker: null, cause: 'log' },
      note: expect.stringContaining('metrics.jsonl was changed'),
    });
  });
});

/** The kernels of a build whose matrix products end in another bit. */
const ofOtherBuild: typeof createKernels = (options) => {
  const kernels = createKernels(options);
  return {
    ...kernels,
    matmul(out, a, b, attrs) {
      kernels.matmul(out, a, b, attrs);
      new Uint32Array(out.buffer, out.byteOffset, 1)[0]! ^= 1;
    },
  };
};

describe('what is not the fault of a worker', () => {
  const one = { config: { steps: 1 } };
  const fault: ClusterFault = {
    ...{ rank: 2, step: 3, variable: 'params/5/kernel', element: 6, shard: 2 },
    part: 'partial',
  };

  it('is the build, where another one computes and all members differ from it', async () => {
    await run('built', { createKernels: ofOtherBuild, ...one });
    const found = await diffWithComputation(
      await openRecordedRun(join(root, 'built'), { build: 'of-this-machine' }),
    );
    expect(found).toMatchObject({ step: 1, part: 'partial', cause: 'build', worker: null });
  });

  it('is no longer the build where the others agree with the one that computes here', async () => {
    await run('faulty', { fault });
    const found = await diffWithComputation(
      await openRecordedRun(join(root, 'faulty'), { build: 'of-this-machine' }),
    );
    expect(found).toMatchObject({ step: 3, cause: 'worker', worker: 'w2' });
  });

  it('is the build between two runs, of which it computed one', async () => {
    await run('here', one);
    await run('there', { createKernels: ofOtherBuild, ...one, manifest: { builds: ['of-another-machine'] } });
    const open = (name: string) => openRecordedRun(join(root, name), { build: 'of-the-test' });
    const [a, b] = [await open('here'), await open('there')];
    const expected = { step: 1, cause: 'build', worker: null, run: b.folder };
    expect(await diffRuns(a, b)).toMatchObject(expected);
    expect(await diffRuns(b, a)).toMatchObject(expected);
  });

  it('is nobody in particular where all members of an unchanged run differ', async () => {
    const found = await diffWithComputation(await run('all', { createKernels: ofOtherBuild, ...one }));
    expect(found).toMatchObject({ step: 1, cause: 'worker', worker: null });
  });

  it.runIf(offeredProfiles().includes('fma'))(
    'is the profile, where two runs have different ones',
    async () => {
      const [a, b] = [await run('portable', one), await run('fma', { profile: 'fma', ...one })];
      expect(await diffWithComputation(b)).toBeUndefined();
      const found = await diffRuns(a, b);
      expect(found).toMatchObject({ step: 1, cause: 'profile', worker: null });
      expect(found!.run).toBeUndefined();
      expect(found!.element!.recorded).not.toBe(found!.element!.computed);
      const faulty = await run('faulty-fma', {
        ...one,
        profile: 'fma',
        fault: { ...fault, step: 1 },
      });
      expect(await diffRuns(a, faulty)).toMatchObject({
        step: 1,
        cause: 'worker',
        worker: 'w2',
        run: faulty.folder,
      });
    },
  );
});

describe('a difference that the sum rounds away', () => {
  const fault: ClusterFault = {
    ...{ rank: 2, step: 3, variable: 'params/5/kernel', element: 4, shard: 2 },
    part: 'partial',
  };
  const expected = { step: 3, part: 'partial', worker: 'w2', shards: { start: 2, count: 1 } };

  it('is found, and is said not to reach the result', async () => {
    const found = await diffWithComputation(await run('rounded', { fault }));
    expect(found).toMatchObject({ ...expected, note: expect.stringContaining('rounds the difference away') });
  });

  it('is found between runs with the same members', async () => {
    expect(await diffRuns(await run('a'), await run('b', { fault }))).toMatchObject(expected);
  });
});

describe('two runs', () => {
  it('show the step at which their models part where those alone are recorded', async () => {
    const fault: ClusterFault = {
      rank: 1,
      step: 2,
      part: 'replica',
      variable: 'params/5/kernel',
      element: 7,
    };
    const [a, b] = [await run('a', { record: 'chain' }), await run('b', { record: 'chain', fault })];
    expect(await diffRuns(a, b)).toMatchObject({ step: 2, worker: 'w1', run: b.folder });
  });

  it('are identical on other members', async () => {
    const members = [{ start: 0, count: 4 }];
    expect(await diffRuns(await run('a'), await run('b', { members }))).toBeUndefined();
  });

  it('show the worker of the run that is at fault', async () => {
    const fault = {
      rank: 2,
      step: 3,
      part: 'partial',
      variable: 'params/5/kernel',
      element: 6,
      shard: 2,
    } as const;
    const [a, b] = [await run('a'), await run('b', { fault })];
    const expected = { step: 3, worker: 'w2', run: b.folder, cause: 'worker' };
    expect(await diffRuns(a, b)).toMatchObject(expected);
    expect(await diffRuns(b, a)).toMatchObject(expected);
  });

  it('with other programs part in the first array that these give, with its element', async () => {
    const [a, b] = [await run('a'), await run('other-rate', {}, convolutional(0.02))];
    const found = await diffRuns(a, b);
    expect(found).toMatchObject({ step: 1, part: 'replica', cause: 'program', worker: null });
    expect(found!.element).toMatchObject({ index: expect.any(Number) });
    expect(found!.note).toContain('both runs');
  });

  it('with other seeds part in the initial state', async () => {
    const [a, b] = [await run('a'), await run('b', { config: { seed: 2 } })];
    expect(await diffRuns(a, b)).toMatchObject({ step: 0, part: 'replica', cause: 'setting' });
  });
});
