/** Frozen parameters keep the bytes of their initial values until the end of a run, however the others move. */
import { keyTensor, normal, type Tensor } from '@lockstep/autodiff';
import { fromArrays } from '@lockstep/data';
import { batchNorm, dense, frozen, l2, relu, residual, sequential, softmaxCrossEntropy } from '@lockstep/nn';
import {
  accumulateGradients,
  adam,
  adamw,
  addGradientNoise,
  chain,
  clipByGlobalNorm,
  emaParams,
  type GradientTransformation,
  lamb,
  lookahead,
  sgd,
} from '@lockstep/optim';
import { markFrozen } from '@lockstep/tree';
import { describe, expect, it } from 'vitest';
import { defineExperiment } from './define-experiment.ts';
import type { Experiment, ModelExperiment } from './experiment.ts';
import { trainLocally } from './local.ts';
import { resolveConfig } from './resolve-config.ts';

const x = Array.from({ length: 45 }, (_, i) => [(i % 9) / 9 - 0.5, ((i * 5) % 7) / 7 - 0.5]);
const data = fromArrays(
  { x, y: x.map(([a, b]) => (a! > b! ? 1 : 0)) },
  { name: 'points', dtypes: { y: 'int32' }, split: { validation: 0.2 } },
);

const build = (optimizer: GradientTransformation, changes: Partial<ModelExperiment> = {}): Experiment =>
  defineExperiment({
    data,
    model: sequential(frozen(sequential(dense(4), batchNorm(), relu)), residual(frozen(dense(4))), dense(2)),
    loss: softmaxCrossEntropy(),
    penalty: l2(0.1),
    optimizer,
    batch: { size: 8, shards: 4 },
    epochs: 4,
    ...changes,
  });

async function train(experiment: Experiment) {
  const dataset = await experiment.data.load();
  const run = (steps: number | undefined) =>
    trainLocally({
      experiment,
      dataset,
      config: resolveConfig(experiment, { steps }),
      ranges: [{ start: 0, count: 4 }],
    });
  const [first, last] = [run(1), run(undefined)];
  const byName = ({ variables, arrays }: typeof first) =>
    Object.fromEntries(variables.map(({ name }, i) => [name, arrays[i]!]));
  return { first: byName(first), last: byName(last), result: last };
}

describe('a frozen part of a model', () => {
  it.each([
    ['adam with l2', adam(0.05)],
    ['adamw', adamw(0.05, { weightDecay: 0.5 })],
    ['lamb', lamb(0.05, { weightDecay: 0.5 })],
    [
      'noise, clipping, lookahead',
      chain(addGradientNoise({ variance: 1 }), clipByGlobalNorm(0.1), lookahead(sgd(0.1))),
    ],
    ['accumulation', accumulateGradients(2, adamw(0.05))],
  ])('keeps its bytes under %s while the rest moves', async (_name, optimizer) => {
    const plain = await train(build(sgd(0), { penalty: () => normal(keyTensor(1), []).mul(0) }));
    const { last, result } = await train(build(optimizer));
    const frozenNames = ['0/0/kernel', '0/0/bias', '0/1/gamma', '0/1/beta', '1/0/kernel', '1/0/bias'];
    for (const name of frozenNames) expect(last[name], name).toEqual(plain.first[name]);
    expect(last['2/kernel']).not.toEqual(plain.first['2/kernel']);
    const kept = Object.keys(result.optState).filter((name) => /0\/0\/kernel|1\/0\/kernel/.test(name));
    expect(kept).toEqual([]);
  });

  it('is its own average in evaluations', async () => {
    const average = chain(adamw(0.05), emaParams({ decay: 0, debias: true }));
    const { result } = await train(build(average, { evaluateWith: 'average' }));
    const { result: plain } = await train(build(average));
    expect(result.metrics).toEqual(plain.metrics);
    expect(result.fingerprint).toBe(plain.fingerprint);
  });

  it("may be marked in a function experiment's tree", async () => {
    const experiment = defineExperiment({
      data,
      init: (key: Tensor) => ({
        body: markFrozen({ w: normal(key, [2, 2]) }),
        head: { w: normal(key, [2]) },
      }),
      loss: ({ body, head }, batch) =>
        batch.x.matmul(body.w).matmul(head.w).sub(batch.y.cast('float32')).square(),
      penalty: ({ body, head }) => body.w.square().sum().add(head.w.square().sum()).mul(0.1),
      optimizer: adamw(0.05),
      batch: { size: 8, shards: 4 },
      epochs: 4,
    });
    const { first, last } = await train(experiment);
    expect(last['body/w']).toEqual(first['body/w']);
    expect(last['head/w']).not.toEqual(first['head/w']);
  });
});

it('refuses an optimizer that returns gradients', async () => {
  await expect(train(build(clipByGlobalNorm(1)))).rejects.toThrow(
    /returns gradients, and adding gradients to the parameters goes uphill; end the chain with scaleByLearningRate/,
  );
});
