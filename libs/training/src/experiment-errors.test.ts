import { mean, normal, type Tensor, transpose, zeros } from '@lockstep/autodiff';
import { fromArrays } from '@lockstep/data';
import { LockstepError, originOf } from '@lockstep/errors';
import { conv2d, dense, relu, sequential, softmaxCrossEntropy } from '@lockstep/nn';
import { sgd } from '@lockstep/optim';
import { describe, expect, it } from 'vitest';
import { defineExperiment, definitionOf } from './define-experiment.ts';
import type { Experiment } from './experiment.ts';
import { compilePrograms } from './programs.ts';
import { resolveConfig } from './resolve-config.ts';

const rows = Array.from({ length: 40 }, (_, i) => [i, i + 1, 2 * i, 1]);
const data = fromArrays({ x: rows, y: rows.map((_, i) => i % 3) }, { dtypes: { y: 'int32' } });
const crossEntropy = softmaxCrossEntropy();
const common = { data, optimizer: sgd(0.1), batch: { size: 16, shards: 4 } };
const ofLayers = { ...common, model: sequential(dense(3)), loss: crossEntropy };
type Weights = { readonly w: Tensor };

async function failureOf(experiment: Experiment): Promise<Error> {
  const dataset = await experiment.data.load({});
  try {
    compilePrograms(experiment, dataset, resolveConfig(experiment), 1).shard(1);
  } catch (error) {
    return error as Error;
  }
  return expect.fail('the experiment was taken');
}

describe('errors of an experiment', () => {
  it('name the batch axis, even if a probe has as many rows as there are classes', async () => {
    const product = defineExperiment<Weights>({
      ...common,
      init: (key) => ({ w: normal(key, [5, 3]) }),
      loss: ({ w }, { x, y }) => crossEntropy(x.matmul(w), y),
    });
    expect((await failureOf(product)).message).toMatch(
      /^matmul: inner dimensions differ: \[rows, 4\] × \[5, 3\]/,
    );
    for (const classes of [2, 3, 13]) {
      const turned = defineExperiment({
        ...ofLayers,
        model: sequential(dense(classes)),
        loss: (o, y) => crossEntropy(transpose(o), y),
      });
      expect((await failureOf(turned)).message).toContain(`not [${classes}, rows] and [rows]`);
    }
  });

  it('carry the field of the experiment that they are about', async () => {
    const field = async (wrong: Experiment): Promise<readonly string[] | undefined> =>
      originOf(await failureOf(wrong)).field;
    expect(await field(defineExperiment({ ...ofLayers, loss: (o) => mean(o) }))).toEqual(['loss']);
    expect(await field(defineExperiment({ ...ofLayers, metrics: { wrong: (o) => mean(o) } }))).toEqual([
      'metrics',
      'wrong',
    ]);
    expect(await field(defineExperiment({ ...ofLayers, penalty: () => zeros([2]) }))).toEqual(['penalty']);
    expect(await field(defineExperiment({ ...ofLayers, model: sequential(conv2d(2, 3)) }))).toEqual([
      'model',
    ]);
    const scaled: Experiment = defineExperiment({
      ...ofLayers,
      loss: (o, y) => crossEntropy(o, y).mul(Math.random()),
    });
    expect(await field(scaled)).toEqual(['loss']);
    const unlabelled = fromArrays({ x: rows });
    expect(await field(defineExperiment({ ...ofLayers, data: unlabelled }))).toEqual(['data']);
    const update = (): never => {
      throw new Error('no update');
    };
    expect(await field(defineExperiment({ ...ofLayers, optimizer: { init: () => ({}), update } }))).toEqual([
      'optimizer',
    ]);
  });

  it('carry the place where a layer of the library was made', async () => {
    const error = await failureOf(
      defineExperiment({ ...ofLayers, model: sequential(dense(8), relu, conv2d(2, 3)) }),
    );
    expect(error.message).toMatch(/^layer 2 \(conv2d\): conv2d: takes images/);
    expect(originOf(error).made).toContain('experiment-errors.test.ts');
  });

  it('name the impure call, and leave the watched function as it was', async () => {
    const { random } = Math;
    const now = Object.getOwnPropertyDescriptor(performance, 'now');
    for (const [name, call] of [
      ['Math.random', () => Math.random()],
      ['Date.now', () => Date.now() + process.hrtime()[1]],
      ['performance.now', () => performance.now()],
    ] as const) {
      const error = await failureOf(
        defineExperiment({ ...ofLayers, loss: (o, y) => crossEntropy(o, y).mul(call()) }),
      );
      expect(error.message).toContain(`two different programs; it calls ${name}; take randomness`);
      expect(originOf(error).made).toContain('experiment-errors.test.ts');
    }
    expect(Math.random).toBe(random);
    expect(Object.getOwnPropertyDescriptor(performance, 'now')).toEqual(now);
  });

  it('find the call of defineExperiment', () => {
    expect(definitionOf(defineExperiment(ofLayers))).toMatch(/\n +at .*experiment-errors\.test\.ts/);
  });

  it('name the missing column', async () => {
    const asking = (name: string): Experiment =>
      defineExperiment<Weights>({
        ...common,
        init: (key) => ({ w: normal(key, [4, 3]) }),
        loss: ({ w }, batch) => crossEntropy(batch.x.matmul(w), batch[name]!.cast('int32')),
      });
    const error = await failureOf(asking('Y'));
    expect(error).toBeInstanceOf(LockstepError);
    expect(error.message).toMatch(
      /^Cannot read properties of undefined .*; the batch has no column 'Y'; its columns are x, y/,
    );
    const optional = defineExperiment<Weights>({
      ...common,
      init: (key) => ({ w: normal(key, [4, 3]) }),
      loss: ({ w }, batch) => crossEntropy(batch.x.matmul(w), batch.labels ?? batch.y),
    });
    await expect(failureOf(optional)).rejects.toThrow('the experiment was taken');
  });

  it('suggest methods of tensors', async () => {
    const typo = (o: Tensor): Tensor => (o as unknown as { matmull(x: Tensor): Tensor }).matmull(o);
    const error = await failureOf(defineExperiment({ ...ofLayers, model: sequential(dense(3), typo) }));
    expect(error.message).toMatch(/\.matmull is not a function; did you mean matmul\?$/);
  });

  it('say what a penalty must return', async () => {
    const penalised = (penalty: unknown): Experiment =>
      defineExperiment({ ...ofLayers, penalty: penalty as () => Tensor });
    expect((await failureOf(penalised(() => zeros([4, 3])))).message).toBe(
      'penalty: must give one number, a tensor of shape [], not [4, 3]; add up its elements, as with sum(…)',
    );
    expect((await failureOf(penalised(() => () => zeros([])))).message).toMatch(
      /^penalty: must give one number, .* not a function; is a call missing, as in f\(\)\?/,
    );
  });
});
