/** With prescribed gradients, optimizers give the parameters of PyTorch or of the paper's equations. */
import { type Tensor, tensor } from '@lockstep/autodiff';
import {
  accumulateGradients,
  adadelta,
  adagrad,
  adam,
  adamax,
  adamw,
  amsgrad,
  applyUpdates,
  averagedParams,
  centralizeGradients,
  chain,
  clipAdaptively,
  clipByNorm,
  cyclic,
  emaParams,
  type GradientTransformation,
  lamb,
  lars,
  lion,
  lookahead,
  nadam,
  oneCycle,
  radam,
  rmsprop,
  scaleBy,
  sgd,
  swaParams,
  type TensorTree,
} from '@lockstep/optim';
import { describe, expect, it } from 'vitest';
import { castTree, distance, precisions, readReference } from './reference.ts';

const reference = readReference('optimizers');
const numSteps = reference('gradients').shape[0]!;
const kept = Array.from(reference('steps').data);

const optimizers: Readonly<Record<string, GradientTransformation<unknown>>> = {
  sgd: sgd(0.1),
  'sgd/decay': sgd(0.1, { weightDecay: 0.1 }),
  momentum: sgd(0.1, { momentum: 0.9 }),
  'momentum/dampening': sgd(0.1, { momentum: 0.9, dampening: 0.3, weightDecay: 0.05 }),
  'momentum/maximize': chain(scaleBy(-1), sgd(0.01, { momentum: 0.9 })),
  'momentum/oneCycle': sgd(oneCycle({ peak: 0.1 }), {
    momentum: oneCycle({ peak: 0.85, divisor: 0.85 / 0.95, finalDivisor: 1 }),
  }),
  'nesterov/cyclic': sgd(cyclic({ low: 0.01, high: 0.1, stepsUp: 6 }), {
    momentum: cyclic({ low: 0.9, high: 0.8, stepsUp: 6 }),
    nesterov: true,
  }),
  nesterov: sgd(0.1, { momentum: 0.9, nesterov: true }),
  adam: adam(0.01),
  'adam/decay': adam(0.01, { beta1: 0.8, beta2: 0.99, epsilon: 1e-4, weightDecay: 0.1 }),
  'adam/amsgrad': amsgrad(0.01),
  'adam/amsgradDecay': adam(0.01, { beta1: 0.8, beta2: 0.9, amsgrad: true, weightDecay: 0.1 }),
  adamw: adamw(0.01, { weightDecay: 0.1 }),
  'adamw/amsgrad': adamw(0.01, { beta1: 0.8, beta2: 0.9, amsgrad: true }),
  nadam: nadam(0.002),
  'nadam/options': nadam(0.01, {
    beta1: 0.8,
    beta2: 0.99,
    epsilon: 1e-5,
    weightDecay: 0.1,
    momentumDecay: 0.05,
  }),
  radam: radam(0.01),
  'radam/options': radam(0.01, { beta1: 0.8, beta2: 0.95, epsilon: 1e-5, weightDecay: 0.1 }),
  'radam/never': radam(0.01, { beta2: 0.6 }),
  adamax: adamax(0.002),
  'adamax/options': adamax(0.01, { beta1: 0.8, beta2: 0.9, epsilon: 1e-5, weightDecay: 0.1 }),
  rmsprop: rmsprop(0.01),
  'rmsprop/centered': rmsprop(0.01, { decay: 0.9, epsilon: 1e-4, centered: true }),
  'rmsprop/momentum': rmsprop(0.01, { momentum: 0.9, weightDecay: 0.1 }),
  'rmsprop/everything': rmsprop(0.001, {
    decay: 0.95,
    epsilon: 1e-4,
    momentum: 0.8,
    weightDecay: 0.1,
    centered: true,
  }),
  adagrad: adagrad(0.01),
  'adagrad/options': adagrad(0.1, {
    rateDecay: 0.02,
    weightDecay: 0.1,
    initialAccumulator: 0.1,
    epsilon: 1e-6,
  }),
  adadelta: adadelta(1),
  'adadelta/options': adadelta(0.5, { decay: 0.8, epsilon: 1e-4, weightDecay: 0.1 }),
  lion: lion(0.01),
  'lion/options': lion(0.01, { beta1: 0.8, beta2: 0.9, weightDecay: 0.1 }),
  lars: lars(1, { coefficient: 0.1 }),
  'lars/decay': lars(1, { coefficient: 0.1, weightDecay: 0.1 }),
  lamb: lamb(0.01),
  'lamb/options': lamb(0.01, { beta1: 0.8, beta2: 0.9, epsilon: 1e-3, weightDecay: 0.1 }),
  clipAdaptively: chain(clipAdaptively({ clipping: 0.2 }), sgd(0.1)),
  clipByNorm: chain(clipByNorm(0.1), sgd(0.1)),
  centralize: chain(centralizeGradients(), sgd(0.1)),
  ema: chain(sgd(0.1), emaParams({ decay: 0.9 })),
  'ema/debiased': chain(sgd(0.1), emaParams({ decay: 0.9, debias: true })),
  swa: chain(sgd(0.1), swaParams()),
  'swa/options': chain(sgd(0.1), swaParams({ start: 10, every: 4 })),
  lookahead: lookahead(sgd(0.1), { every: 5, rate: 0.5 }),
  accumulated: accumulateGradients(3, sgd(0.1, { momentum: 0.9 })),
};

/** References that show the average of the parameters, not the parameters. */
const averages = /^(ema|swa)/;

/** The eight numbers of a row as the parameters of a dense layer. */
const layer = (row: Tensor) => ({
  kernel: row.slice([0], [6]).reshape([3, 2]),
  bias: row.slice([6], [8]),
});

/** The parameters that the reference shows after each of the kept steps. */
function trajectory(name: string, dtype: 'float32' | 'float64'): TensorTree[] {
  const optimizer = optimizers[name]!;
  let params: TensorTree = castTree(layer(reference('initial')), dtype);
  let state = optimizer.init(params);
  const shown: TensorTree[] = [];
  for (let k = 0; k < numSteps; k++) {
    const grads = castTree(layer(reference('gradients').at(k)), dtype);
    const progress = { step: tensor(k, { dtype: 'float32' }), totalSteps: numSteps };
    const [updates, next] = optimizer.update(grads, state, params, progress);
    params = applyUpdates(params, updates);
    state = next;
    if (kept.includes(k)) shown.push(averages.test(name) ? averagedParams(state) : params);
  }
  return shown;
}

it('has an optimizer for every reference, and the other way round', () => {
  const stored = reference.names.filter((name) => name.endsWith('/trajectory64'));
  expect(stored.map((name) => name.replace('/trajectory64', '')).sort()).toEqual(
    Object.keys(optimizers).sort(),
  );
});

describe.each(Object.keys(optimizers))('%s', (name) => {
  for (const { dtype, suffix } of precisions) {
    const stored = `${name}/trajectory${suffix}`;
    if (!reference.names.includes(stored)) continue;
    it(`follows its reference in ${dtype}`, () => {
      const expected = reference(stored);
      const errors = trajectory(name, dtype).map((params, row) => distance(params, layer(expected.at(row))));
      expect(errors).toHaveLength(kept.length);
      // 8 units in the last place of 1: 50 steps round in another order.
      expect(Math.max(...errors)).toBeLessThan(8 * (dtype === 'float64' ? 2 ** -52 : 2 ** -23));
    });
  }
});
