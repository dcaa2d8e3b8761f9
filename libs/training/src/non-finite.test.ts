/** A non-finite step stops training before its update, with the state of the step before. */
import { type Tensor, tensor, where, zeros } from '@lockstep/autodiff';
import { fromArrays } from '@lockstep/data';
import { batchNorm, dense, relu, sequential } from '@lockstep/nn';
import {
  adam,
  chain,
  clipByGlobalNorm,
  type GradientTransformation,
  sgd,
  skipNonFinite,
} from '@lockstep/optim';
import { describe, expect, it } from 'vitest';
import { defineExperiment } from './define-experiment.ts';
import type { Experiment, FunctionExperiment } from './experiment.ts';
import { trainLocally } from './local.ts';
import { resolveConfig } from './resolve-config.ts';

/** Sixteen samples [1] with the given values. */
const samples = (...values: readonly number[]) =>
  fromArrays({ x: values.map((value) => [value]), y: values.map(() => 0) }, { name: 'planted' });

const ones = Array.from({ length: 16 }, () => 1);

type Recipe = Partial<FunctionExperiment<Record<string, Tensor>>>;

/** w starts at 3 and each step takes 1 from it: the mean loss is w·x. */
const falling = (changes: Recipe = {}) =>
  defineExperiment({
    data: samples(...ones),
    init: () => ({ w: tensor(new Float32Array([3]), { shape: [] }) }),
    loss: ({ w }: Record<string, Tensor>, { x }) => x.squeeze(1).mul(w!),
    optimizer: sgd(1),
    batch: { size: 8, shards: 2 },
    steps: 6,
    ...changes,
  } as FunctionExperiment<Record<string, Tensor>>);

async function train(experiment: Experiment, options: Partial<Parameters<typeof trainLocally>[0]> = {}) {
  const dataset = await experiment.data.load();
  return trainLocally({ experiment, dataset, config: resolveConfig(experiment), ...options });
}

/** The loss is log(w)·x: w is 3, 2, 1, then smaller, and negative from some step on. */
const logarithm: Recipe['loss'] = ({ w }, { x }) => x.squeeze(1).mul(w!.log()).add(x.squeeze(1).mul(w!));

/** √x·w: one sample in sixteen makes the loss and the gradient NaN. */
const planted: Recipe = {
  data: samples(...ones.with(11, -1)),
  loss: ({ w }, { x }) => x.squeeze(1).sqrt().mul(w!),
};

describe('a step that is not finite', () => {
  it('is not applied: the state equals that of a run that ends before it', async () => {
    const stopped = await train(falling({ loss: logarithm }));
    // w: 3, then 3 − (1 + 1/3) = 5/3, then 5/3 − (1 + 3/5) = 1/15, then 1/15 − 16 < 0, whose logarithm is NaN.
    expect(stopped.nonFinite).toEqual({ cause: 'step', step: 4, what: ['loss'] });
    expect(stopped.steps).toBe(3);
    expect(stopped.history).toHaveLength(3);
    const shorter = await train(falling({ loss: logarithm, steps: 3 }));
    expect(shorter.nonFinite).toBeUndefined();
    expect(stopped.fingerprint).toBe(shorter.fingerprint);
    expect(stopped.optState).toEqual(shorter.optState);
  });

  it('is found for every division of the shards, with the same state', async () => {
    const experiment = falling({ loss: logarithm, batch: { size: 8, shards: 8 } });
    const whole = await train(experiment);
    const ranges = [
      { start: 0, count: 3 },
      { start: 3, count: 5 },
    ];
    const divided = await train(experiment, { ranges });
    expect(divided.nonFinite).toEqual(whole.nonFinite);
    expect(divided.fingerprint).toBe(whole.fingerprint);
  });

  it('may have a finite loss: the parameters with non-finite gradients are named', async () => {
    // √(w − 3) at w = 3 is 0 with an infinite slope; b has a slope of 1.
    const init = () => ({ w: tensor(new Float32Array([3]), { shape: [] }), b: zeros([]) });
    const loss: Recipe['loss'] = ({ w, b }, { x }) => x.squeeze(1).mul(w!.sub(3).sqrt().add(b!));
    const { nonFinite, steps } = await train(falling({ init, loss }));
    expect(nonFinite).toEqual({ cause: 'step', step: 1, what: ['gradient of w'] });
    expect(steps).toBe(0);
  });

  it('may be caused by the penalty alone', async () => {
    const penalty = ({ w }: Record<string, Tensor>): Tensor => w!.sub(3).sqrt();
    const { nonFinite } = await train(falling({ penalty }));
    expect(nonFinite).toEqual({ cause: 'step', step: 1, what: ['gradient of the penalty'] });
    const value = ({ w }: Record<string, Tensor>): Tensor => w!.log().mul(0);
    // 0 · log w is NaN once w is below 0: 3, 2, 1, 0, where it is 0 · −∞.
    expect((await train(falling({ penalty: value }))).nonFinite).toMatchObject({ cause: 'step', step: 4 });
  });

  it('is not one with a finite gradient whose norm overflows', async () => {
    // 1e30² overflows float32, 1e30 does not; the rate scales the update back to 1.
    const loss: Recipe['loss'] = ({ w }, { x }) => x.squeeze(1).mul(w!).mul(1e30);
    const penalty = ({ w }: Record<string, Tensor>): Tensor => w!.mul(0);
    for (const changes of [{ loss }, { loss, penalty }]) {
      const result = await train(falling({ ...changes, optimizer: sgd(1e-30), steps: 2 }));
      expect(result.nonFinite).toBeUndefined();
      expect(result.history.map(({ gradientNorm }) => gradientNorm)).toEqual([Infinity, Infinity]);
      expect(result.arrays[0]![0]).toBeCloseTo(1, 5);
    }
  });

  it('may come from one sample among many', async () => {
    const { nonFinite, steps } = await train(falling({ ...planted, batch: { size: 4, shards: 4 } }));
    expect(nonFinite).toMatchObject({ cause: 'step', what: ['loss', 'gradient of w'] });
    expect(steps).toBe(nonFinite!.step - 1);
    expect(steps).toBeLessThan(4);
  });

  it('does not end a run that only warns', async () => {
    const { nonFinite, steps, arrays } = await train(falling({ ...planted, onNonFinite: 'warn' }));
    expect(nonFinite).toBeUndefined();
    expect(steps).toBe(6);
    expect(arrays[0]![0]).toBe(Number.NaN);
  });

  it('is skipped by an optimizer with skipNonFinite', async () => {
    const optimizer = chain(clipByGlobalNorm(100), skipNonFinite(sgd(1)));
    const experiment = falling({ ...planted, optimizer, batch: { size: 4, shards: 4 }, steps: 4 });
    const { nonFinite, steps, arrays } = await train(experiment);
    expect(nonFinite).toBeUndefined();
    expect(steps).toBe(4);
    // Each of the three applied steps subtracted 1.
    expect(arrays[0]![0]).toBe(0);
  });

  it('stops skipNonFinite if the gradient is finite and only the loss is not', async () => {
    const { nonFinite } = await train(falling({ loss: logarithm, optimizer: skipNonFinite(sgd(1)) }));
    expect(nonFinite).toEqual({ cause: 'step', step: 4, what: ['loss'] });
  });

  it('stops skipNonFinite once the parameters are non-finite', async () => {
    const optimizer = skipNonFinite(sgd(1), { most: 0 });
    const experiment = falling({ ...planted, optimizer, batch: { size: 16, shards: 4 } });
    const { nonFinite, steps } = await train(experiment);
    expect(nonFinite).toEqual({ cause: 'update', step: 1, what: ['parameter w'] });
    expect(steps).toBe(0);
  });
});

describe('an update that makes a parameter non-finite', () => {
  /** Divides by the number of remaining steps of `numSteps`, and so by 0 in the last of them. */
  const breaksAt = (numSteps: number): GradientTransformation => ({
    init: () => [],
    update: (grads, state, _params, { step }) => {
      const { w } = grads as Record<string, Tensor>;
      return [
        {
          ...(grads as object),
          w: w!.neg().div(
            step
              .neg()
              .add(numSteps - 1)
              .minimum(1),
          ),
        },
        state,
      ];
    },
  });

  it('is found at the next step, undone and named', async () => {
    const { nonFinite, steps, fingerprint } = await train(falling({ optimizer: breaksAt(3) }));
    expect(nonFinite).toEqual({ cause: 'update', step: 3, what: ['parameter w'] });
    expect(steps).toBe(2);
    expect(fingerprint).toBe((await train(falling({ steps: 2 }))).fingerprint);
  });

  it('is found at the end even if no loss reads the parameter', async () => {
    // A parameter that no sample uses.
    const init = () => ({ w: tensor(new Float32Array([3]), { shape: [] }), unused: zeros([]) });
    const optimizer: GradientTransformation = {
      init: () => [],
      update: (grads, state, _params, { step }) => {
        const { w } = grads as Record<string, Tensor>;
        const unused = where(step.equal(1), w!.div(0), w!.mul(0));
        return [{ w: w!.neg(), unused }, state];
      },
    };
    const { nonFinite, steps } = await train(falling({ init, optimizer }));
    expect(nonFinite).toEqual({ cause: 'update', step: 2, what: ['parameter unused'] });
    expect(steps).toBe(1);
  });

  it('is also found in running statistics', async () => {
    // Squares of 1e30 overflow float32: the variance is infinite, and values normalised with it are 0.
    const data = samples(...ones.map((_, i) => (i % 2 === 0 ? 1e30 : -1e30)));
    const experiment = defineExperiment({
      data,
      model: sequential(batchNorm(), dense(2), relu, dense(1)),
      loss: (out, _y) => out.square().sum(1),
      optimizer: adam(1e-3),
      batch: { size: 16, shards: 2 },
      steps: 2,
    });
    const { nonFinite } = await train(experiment);
    expect(nonFinite?.what[0]).toMatch(/^(state|gradient|loss)/);
    expect(nonFinite?.step).toBe(1);
  });
});

it('reports initial parameters that are not finite, before any step', async () => {
  const init = () => ({ w: tensor(new Float32Array([Number.NaN]), { shape: [] }) });
  const { nonFinite, steps } = await train(falling({ init }));
  expect(nonFinite).toEqual({ cause: 'state', step: 0, what: ['parameter w'] });
  expect(steps).toBe(0);
});

it('accepts two values of onNonFinite', () => {
  expect(() => falling({ onNonFinite: 'ignore' as never })).toThrow(
    "onNonFinite must be 'stop' or 'warn', not ignore",
  );
  expect(resolveConfig(falling()).onNonFinite).toBe('stop');
  expect(resolveConfig(falling({ onNonFinite: 'warn' })).onNonFinite).toBe('warn');
});
