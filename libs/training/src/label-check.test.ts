/** A label that names no class is an error with its place in the data, and not NaN. */
import { mean, oneHot, type Tensor, vmap } from '@lockstep/autodiff';
import { fromArrays } from '@lockstep/data';
import {
  accuracy,
  binaryCrossEntropy,
  dense,
  type Empty,
  embedding,
  flatten,
  focal,
  meanSquaredError,
  multiMargin,
  negativeLogLikelihood,
  relu,
  sequential,
  softmaxCrossEntropy,
  topKAccuracy,
} from '@lockstep/nn';
import { sgd } from '@lockstep/optim';
import { describe, expect, it } from 'vitest';
import { defineExperiment } from './define-experiment.ts';
import type { ModelExperiment } from './experiment.ts';
import { compilePrograms } from './programs.ts';
import { resolveConfig } from './resolve-config.ts';

const numSamples = 1300;
const x = Array.from({ length: numSamples }, (_, i) => [i % 3, (i % 7) / 7]);
const labels = (changed: Readonly<Record<number, number>> = {}): number[] =>
  x.map((_, i) => changed[i] ?? i % 2);

const base = {
  model: sequential(dense(4), relu, dense(2)),
  loss: softmaxCrossEntropy(),
  optimizer: sgd(0.1),
  batch: { size: 16, shards: 2 },
} satisfies Omit<ModelExperiment, 'data'>;

async function compile(
  y: readonly (number | readonly number[])[],
  changes: Partial<Omit<ModelExperiment, 'data'>> = {},
  { dtype = 'int32' as 'int32' | 'float32', split = {}, inputs = x as readonly (readonly number[])[] } = {},
) {
  const dtypes = { y: dtype, ...(changes.model?.layers?.[0]?.inputType ? { x: 'int32' as const } : {}) };
  const data = fromArrays({ x: inputs, y }, { name: 'points.csv', dtypes, split });
  const experiment = defineExperiment({ ...base, ...changes, data });
  const dataset = await data.load();
  return compilePrograms(experiment, dataset, resolveConfig(experiment), 10);
}

describe('labels', () => {
  it('that name no class are reported with row, split, file and number of outputs', async () => {
    await expect(compile(labels({ 1203: 5 }))).rejects.toThrow(
      "label 5 in row 1203 of the train split of 'points.csv' names no class: dense(2) gives 2 outputs, numbered from 0 to 1; label 5 needs at least 6",
    );
    await expect(compile(labels({ 7: -1 }))).rejects.toThrow(
      /label -1 in row 7 .* ignoreIndex: -1 leaves it out/,
    );
    await expect(compile(labels())).resolves.toBeDefined();
  });

  it('are checked in every split', async () => {
    for (const split of [{ validation: 0.2 }, { test: 0.2 }]) {
      const [name] = Object.keys(split);
      const data = fromArrays({ x, y: labels() }, { dtypes: { y: 'int32' }, split });
      const { splits } = await data.load();
      const held = splits[name as 'validation' | 'test']!;
      held.fields.y!.storage[3] = 2;
      const dataset = { name: 'held', splits, hash: '' };
      const experiment = defineExperiment({ ...base, data });
      expect(() => compilePrograms(experiment, dataset, resolveConfig(experiment), 10)).toThrow(
        new RegExp(`label 2 in row 3 of the ${name} split of 'held'`),
      );
    }
  });

  it.each([
    ['negativeLogLikelihood', { loss: negativeLogLikelihood() }],
    ['focal', { loss: focal() }],
    ['multiMargin', { loss: multiMargin() }],
    [
      'a loss inside of a function',
      { loss: (out: Tensor, y: Tensor) => softmaxCrossEntropy()(out, y).mul(2) },
    ],
    [
      'labels that are reshaped',
      { loss: (out: Tensor, y: Tensor) => focal()(out, y.reshape([-1, 1]).reshape([-1])) },
    ],
    ['accuracy', { loss: (out: Tensor) => out.square().sum(1), metrics: { accuracy } }],
    ['topKAccuracy', { loss: (out: Tensor) => out.square().sum(1), metrics: { top: topKAccuracy(1) } }],
  ])('are checked through %s', async (_name, changes) => {
    await expect(compile(labels({ 9: 2 }), changes)).rejects.toThrow(/label 2 in row 9 of the train split/);
    await expect(compile(labels(), changes)).resolves.toBeDefined();
  });

  it('are found in a function experiment', async () => {
    const data = fromArrays({ x, y: labels({ 600: 3 }) }, { dtypes: { y: 'int32' } });
    const model = dense(3);
    const experiment = defineExperiment({
      ...{ data, optimizer: sgd(0.1), batch: base.batch },
      init: (key: Tensor) => model.init(key, [2]).params,
      loss: (params, batch, key) =>
        softmaxCrossEntropy()(
          model.apply(params, {}, batch.x, { training: true, key, weights: batch.y })[0],
          batch.y,
        ),
    });
    const dataset = await data.load();
    expect(() => compilePrograms(experiment, dataset, resolveConfig(experiment), 10)).toThrow(
      /label 3 in row 600 .* names no class: the model gives 3 outputs/,
    );
  });

  it('that the loss ignores are valid in a metric of the same labels', async () => {
    const ignoring = { loss: softmaxCrossEntropy({ ignoreIndex: -1 }), metrics: { accuracy } };
    await expect(compile(labels({ 7: -1 }), ignoring)).resolves.toBeDefined();
    await expect(compile(labels({ 7: -2 }), ignoring)).rejects.toThrow(/label -2 in row 7/);
  });

  it('are reported with their place if a sample has several', async () => {
    const model = sequential(dense(6), (y) => y.reshape([-1, 3, 2]));
    const y = x.map((_, i) => [0, 1, i === 4 ? 2 : 0]);
    await expect(compile(y, { model })).rejects.toThrow(
      /label 2 in row 4, place 2 of the train split .* the model gives 2/,
    );
  });

  it('that are not whole are refused, not truncated', async () => {
    const loss = (out: Tensor, y: Tensor): Tensor => softmaxCrossEntropy()(out, y.cast('int32'));
    await expect(compile(labels({ 5: 0.5 }), { loss }, { dtype: 'float32' })).rejects.toThrow(
      /label 0.5 in row 5 of the train split .* is not a whole number/,
    );
    await expect(compile(labels(), { loss }, { dtype: 'float32' })).resolves.toBeDefined();
  });

  it('of regression losses may be any numbers', async () => {
    const y = labels({ 3: -7.5 });
    const numbers = { model: dense(1), metrics: {} };
    await expect(
      compile(y, { ...numbers, loss: meanSquaredError() }, { dtype: 'float32' }),
    ).resolves.toBeDefined();
    await expect(
      compile(y, { ...numbers, loss: binaryCrossEntropy() }, { dtype: 'float32' }),
    ).resolves.toBeDefined();
    const own = (out: Tensor, t: Tensor): Tensor => mean(out.sub(oneHot(t, 2)).square(), 1);
    await expect(compile(labels({ 3: 9 }), { loss: own })).resolves.toBeDefined();
  });

  it('inside a vmap of the loss do not prevent checks of the others', async () => {
    const loss = (out: Tensor, y: Tensor): Tensor => {
      const one = (z: Tensor, label: Tensor): Tensor =>
        softmaxCrossEntropy()(z.reshape([1, 2]), label.reshape([1])).reshape([]);
      return vmap(one)(out, y).add(softmaxCrossEntropy()(out, y));
    };
    await expect(compile(labels({ 9: 2 }), { loss })).rejects.toThrow(/label 2 in row 9/);
    await expect(compile(labels(), { loss })).resolves.toBeDefined();
  });
});

describe('tokens', () => {
  const model = sequential(embedding(5, 3), flatten, dense(2));
  const tokens = (changed = 0): number[][] => x.map((_, i) => [i % 5, i === 8 ? changed : 1]);

  it('must name rows of the table', async () => {
    await expect(compile(labels(), { model }, { inputs: tokens(5) })).rejects.toThrow(
      "token 5 in row 8, place 1 of the train split of 'points.csv' has no row in the table of 5, numbered from 0 to 4; token 5 needs at least 6",
    );
    await expect(compile(labels(), { model }, { inputs: tokens(4) })).resolves.toBeDefined();
  });

  it('that depend on parameters are not checked', async () => {
    const chosen = sequential(dense(2), {
      kind: 'chosen',
      init: (key, input) => ({ ...embedding(2, 2).init(key, []), output: input }),
      apply: (params, state, y, context) =>
        embedding(2, 2).apply(params as { table: Tensor }, state as Empty, y.argmax(-1), context),
    });
    await expect(compile(labels(), { model: chosen })).resolves.toBeDefined();
  });
});
