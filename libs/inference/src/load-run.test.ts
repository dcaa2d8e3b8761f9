import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { tensor } from '@lockstep/autodiff';
import { checkpointFolder, saveCheckpoint } from '@lockstep/checkpoint';
import { csv, formOfDataset, fromArrays } from '@lockstep/data';
import { writeArrays } from '@lockstep/formats';
import { dense, embedding, sequential, softmaxCrossEntropy } from '@lockstep/nn';
import { sgd } from '@lockstep/optim';
import { sha256 } from '@lockstep/tracking';
import { defineExperiment, type Experiment, trainLocally } from '@lockstep/training';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { loadRun } from './load-run.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lockstep-run-'));
});
afterEach(() => rm(folder, { recursive: true }));

/** Experiments by name, for the code in run folders: such a folder has no packages to import. */
const registry = new Map<string, Experiment>();
Object.assign(globalThis, { testExperiments: registry });

/** Trains for some steps, and leaves a run folder. */
async function trained(name: string, experiment: Experiment, steps = 3) {
  registry.set(name, experiment);
  const dataset = await experiment.data.load();
  const config = {
    seed: 1,
    numShards: experiment.batch.shards ?? 2,
    batchSize: experiment.batch.size,
    epochs: null,
    steps,
    limitSamples: null,
    fingerprintEvery: 50,
    checkpointEvery: 50,
  };
  const result = trainLocally({ experiment, dataset, config });
  const code = `export default globalThis.testExperiments.get(${JSON.stringify(name)});\n`;
  await writeFile(join(folder, 'experiment.mjs'), code);
  const manifest = {
    name,
    experiment: { file: join(process.cwd(), 'experiment.ts'), hash: sha256(Buffer.from(code)) },
    config,
    profile: 'portable',
  };
  await writeFile(join(folder, 'manifest.json'), JSON.stringify(manifest));
  // None of these models has state.
  const tensors = Object.fromEntries(
    result.variables.map(({ name: path, dtype, shape }, i) => [
      `params/${path}`,
      { dtype, shape, data: result.arrays[i]! },
    ]),
  );
  await saveCheckpoint(checkpointFolder(folder), {
    step: steps,
    header: {},
    tensors,
    metadata: { data: JSON.stringify(formOfDataset(dataset)) },
  });
  return { dataset, result };
}

const table = [
  'a,b,kind',
  ...Array.from({ length: 20 }, (_, i) => `${i * 1000},${i % 3},${i % 2 ? 'odd' : 'even'}`),
];

async function tableExperiment(options = {}): Promise<Experiment> {
  const path = join(folder, 'table.csv');
  await writeFile(path, `${table.join('\n')}\n`);
  return defineExperiment({
    data: csv(path, { label: 'kind', labelKind: 'class', standardize: true, ...options }),
    model: sequential(dense(2)),
    loss: softmaxCrossEntropy(),
    optimizer: sgd(0.1),
    batch: { size: 8, shards: 2 },
  });
}

describe('loadRun', () => {
  it('predicts new rows with the means of the training data, without the data', async () => {
    const experiment = await tableExperiment();
    const { dataset } = await trained('table', experiment);
    await rm(join(folder, 'table.csv'));
    const model = await loadRun(folder);
    expect(model.classes).toEqual(['even', 'odd']);
    const { x } = dataset.splits.train.fields;
    const prepared = tensor(x!.storage.slice(0, 6), { shape: [3, 2] });
    if (!('model' in experiment)) throw new Error('the experiment has a model');
    const [expected] = experiment.model.apply(model.params, model.state, prepared, {
      training: false,
      key: tensor(new Uint32Array(2)),
      weights: tensor(new Float32Array(3)),
    });
    const rows = [0, 1, 2].map((i) => ({ a: i * 1000, b: String(i % 3), other: 'ignored' }));
    expect(model.outputs(rows).toArray()).toEqual(expected.toArray());
    expect(
      model.predict([
        [0, 0],
        [1000, 1],
        [2000, 2],
      ]),
    ).toEqual(model.predict(rows));
    for (const [i, prediction] of model.predict(rows).entries()) {
      const output = prediction.output as number[];
      expect(output).toEqual((expected.toArray() as number[][])[i]);
      expect(prediction.class).toBe(output[1]! > output[0]! ? 'odd' : 'even');
    }
  });

  it('reads the rows of a file, which may have other columns and another order', async () => {
    await trained('file', await tableExperiment());
    const model = await loadRun(folder);
    const path = join(folder, 'new.csv');
    await writeFile(path, 'note,b,a\nx,0,0\ny,1,1000\n');
    expect(await model.predictFile(path)).toEqual(
      model.predict([
        { a: 0, b: 0 },
        { a: 1000, b: 1 },
      ]),
    );
    await writeFile(path, 'b,note\n0,x\n');
    await expect(model.predictFile(path)).rejects.toThrow("no column 'a'; the file has b, note");
    await writeArrays(join(folder, 'x.npy'), {
      x: { dtype: 'float32', shape: [2, 2], data: Float32Array.of(0, 0, 1000, 1) },
    });
    expect(await model.predictFile(join(folder, 'x.npy'))).toEqual(
      await model.predict([
        [0, 0],
        [1000, 1],
      ]),
    );
  });

  it('gives a row the same bits alone and among many', async () => {
    await trained('many', await tableExperiment());
    const model = await loadRun(folder);
    const rows = Array.from({ length: 600 }, (_, i) => [i * 37, i % 5]);
    const all = model.predict(rows);
    for (const i of [0, 255, 256, 599]) expect(model.predict([rows[i]!])).toEqual([all[i]]);
    expect(model.predict([])).toEqual([]);
  });

  it('knows the levels of columns of words', async () => {
    const path = join(folder, 'words.csv');
    await writeFile(path, 'color,n,y\nred,1,0\nblue,2,1\nred,3,0\nblue,4,1\n');
    const experiment = defineExperiment({
      data: csv(path, { label: 'y', categories: { color: 'oneHot' }, missing: 'mean' }),
      model: sequential(dense(1)),
      loss: (outputs, y) => outputs.reshape([-1]).sub(y).square(),
      optimizer: sgd(0.01),
      batch: { size: 4, shards: 1 },
    });
    await trained('words', experiment);
    const model = await loadRun(folder);
    const [red, filled] = model.predict([
      { color: 'red', n: 2.5 },
      { color: 'red', n: null },
    ]);
    expect(filled).toEqual(red);
    expect(() => model.predict([{ color: 'green', n: 1 }])).toThrow(
      "column 'color': 'green' is none of the levels that the training data have: blue, red",
    );
    expect(() => model.predict([[0, 1, 2]])).toThrow("column 'color' holds words");
    expect(() => model.predict([{ color: 'red' }])).toThrow("row 1 has no 'n'; it has color");
  });

  it('takes whole numbers where the model does', async () => {
    const experiment = defineExperiment({
      data: fromArrays(
        {
          x: [
            [0, 1],
            [2, 1],
          ],
          y: [0, 1],
        },
        { dtypes: { x: 'int32', y: 'int32' } },
      ),
      model: sequential(embedding(3, 4), (x) => x.mean(1), dense(2)),
      loss: softmaxCrossEntropy(),
      optimizer: sgd(0.1),
      batch: { size: 2, shards: 1 },
    });
    await trained('ids', experiment);
    const [prediction] = (await loadRun(folder)).predict([[0, 1]]);
    expect(prediction!.class).toBeUndefined();
    expect((prediction!.output as number[]).every(Number.isFinite)).toBe(true);
  });

  it('uses the predict function of an experiment with a loss of its own', async () => {
    const own = {
      data: fromArrays({ x: [[1], [2]], y: [2, 4] }),
      init: () => ({ w: tensor([1], { dtype: 'float32' }) }),
      loss: (
        { w }: { w: ReturnType<typeof tensor> },
        { x, y }: { x: ReturnType<typeof tensor>; y: ReturnType<typeof tensor> },
      ) => x.matmul(w).sub(y).square(),
      optimizer: sgd(0.1),
      batch: { size: 2, shards: 1 },
    };
    await trained('silent', defineExperiment(own));
    const silent = await loadRun(folder);
    expect(() => silent.predict([[1]])).toThrow('no function of predictions; add predict:');
    await trained('own', defineExperiment({ ...own, predict: ({ w }, { x }) => x.matmul(w) }), 60);
    const [{ output }] = (await loadRun(folder)).predict([[3]]) as [{ output: number }];
    expect(output).toBeCloseTo(6, 3);
  });

  it.each([
    [[1, 2], 'the rows have shape [2], the model takes [rows, 2]; give a list of rows'],
    [[[1, 2, 3]], 'the rows have shape [1, 3], the model takes [rows, 2]'],
    [[[1, Number.NaN]], 'predict: row 1 holds NaN at place 1'],
    [[[1, 1e39]], 'predict: row 1 holds 1e+39 at place 1, which is not a value of float32'],
    ['rows.csv', "takes a list of rows or a tensor, not the string 'rows.csv'"],
    [null, 'takes a list of rows or a tensor, not null'],
    [[{ height: 1, width: 2 }, null], 'row 2 is null; it must be an object by column name'],
  ])('refuses the rows %j', async (rows, message) => {
    await trained('refused', await tableExperiment());
    const model = await loadRun(folder);
    expect(() => model.predict(rows as never)).toThrow(message);
    expect(() => model.outputs([])).toThrow('outputs: there are no rows');
    await expect(model.predictFile(5 as never)).rejects.toThrow(
      'predictFile: path is 5; it must be a string',
    );
  });

  it('refuses tokens that are not in the table, and values that are not tokens', async () => {
    const tokens = defineExperiment({
      data: fromArrays(
        {
          x: [
            [0, 1],
            [2, 0],
          ],
          y: [0, 1],
        },
        { dtypes: { x: 'int32', y: 'int32' }, classes: ['no', 'yes'] },
      ),
      model: sequential(embedding(3, 4), (x) => x.mean(1), dense(2)),
      loss: softmaxCrossEntropy(),
      optimizer: sgd(0.1),
      batch: { size: 2, shards: 2 },
    });
    await trained('tokens', tokens);
    const model = await loadRun(folder);
    for (const token of [3, -1]) {
      expect(() =>
        model.predict([
          [0, 1],
          [2, token],
        ]),
      ).toThrow(
        new RegExp(`^row 2: layer 0 \\(embedding\\): embedding: token ${token}, number 1 of 2, has no row`),
      );
    }
    for (const rows of [[[0, 1.5]], tensor([[0, 1.5]]), tensor([[0, 1.5]], { dtype: 'float32' })]) {
      expect(() => model.predict(rows)).toThrow(
        'predict: row 1 holds 1.5 at place 1, which is not a value of int32, the type of',
      );
    }
    expect(model.predict(tensor([[0, 1]]))).toEqual(model.predict([[0, 1]]));
  });

  it('says what is missing in a folder', async () => {
    await expect(loadRun(folder)).rejects.toThrow('is not the folder of a run: it has no manifest.json');
    await trained('step', await tableExperiment());
    await expect(loadRun(folder, { step: 9 })).rejects.toThrow(
      'no checkpoint of step 9; it has those of steps 3',
    );
    await rm(checkpointFolder(folder), { recursive: true });
    await expect(loadRun(folder)).rejects.toThrow('has no checkpoint yet');
  });
});
