import { ConcreteTensor, jit, type Tensor, tensor } from '@lockstep/autodiff';
import { flatten } from '@lockstep/tree';
import { describe, expect, it } from 'vitest';
import { clipByGlobalNorm, clipByValue, globalNorm } from './clipping.ts';
import { scaleByAdam } from './moments.ts';
import { adam, adamw, sgd } from './optimizers.ts';
import { addDecayedWeights, scaleBy, scaleByLearningRate, scaleBySchedule } from './scaling.ts';
import { warmupCosine } from './schedule.ts';
import { applyUpdates, chain, type GradientTransformation, type TensorTree } from './transformation.ts';

const float = (values: readonly number[]): Tensor => tensor(values, { dtype: 'float32' });
const at = (step: number) => ({ step: tensor(step, { dtype: 'float32' }), totalSteps: 50 });
const params = { layers: [{ kernel: float([1, -2, 3]) }, {}], bias: float([0.5]) };
const grads = { layers: [{ kernel: float([3, 0, -4]) }, {}], bias: float([12]) };

const optimizers: Readonly<Record<string, GradientTransformation<unknown>>> = {
  sgd: sgd(0.1),
  'sgd with everything': sgd(warmupCosine({ peak: 0.1, warmupSteps: 2 }), {
    momentum: 0.9,
    nesterov: true,
    weightDecay: 0.01,
  }),
  'clipped adam': chain(clipByGlobalNorm(1), adam(warmupCosine({ peak: 0.1, warmupSteps: 3 }))),
  adamw: adamw(0.01),
  'clipped values': chain(clipByValue(2), sgd(0.1)),
};

describe.each(Object.entries(optimizers))('%s', (_name, optimizer) => {
  it('has a state of tensors only', () => {
    const leaves: readonly unknown[] = flatten<unknown>(optimizer.init(params)).leaves;
    expect(leaves.every((leaf) => leaf instanceof ConcreteTensor)).toBe(true);
  });

  it('has the same bits compiled, one program for all steps', () => {
    const update = (state: unknown, current: TensorTree, step: Tensor): unknown => {
      const [updates, next] = optimizer.update(grads, state, current, { step, totalSteps: 50 });
      return [next, applyUpdates(current, updates)];
    };
    const compiled = jit(update);
    let eager: unknown = [optimizer.init(params), params];
    let replayed: unknown = eager;
    for (let k = 0; k < 6; k++) {
      const { step } = at(k);
      eager = update(...(eager as [unknown, TensorTree]), step);
      replayed = compiled(...(replayed as [never, never]), step);
      expect(dataOf(replayed)).toEqual(dataOf(eager));
    }
  });

  it('minimises a quadratic function', () => {
    let current = params;
    let state = optimizer.init(params);
    for (let k = 0; k < 400; k++) {
      // The gradient of half the squared distance from 0. The step stays below the end of the run, where a schedule
      // reaches 0.
      const [updates, next] = optimizer.update(current, state, current, at(Math.min(k, 20)));
      current = applyUpdates(current, updates);
      state = next;
    }
    expect(globalNorm(current).item()).toBeLessThan(0.5);
  });
});

const dataOf = (tree: unknown) => (flatten<unknown>(tree).leaves as Tensor[]).map(({ data }) => data);

describe('chain', () => {
  it('passes the updates of one link to the next', () => {
    const decayFirst = chain(addDecayedWeights(1), scaleByLearningRate(0.5));
    const decayLast = chain(scaleBy(-0.5), addDecayedWeights(1));
    const [first] = decayFirst.update(grads, decayFirst.init(params), params, at(0));
    const [last] = decayLast.update(grads, decayLast.init(params), params, at(0));
    expect(dataOf(first)).toEqual([Float32Array.of(-6.25), Float32Array.of(-2, 1, 0.5)]);
    expect(dataOf(last)).toEqual([Float32Array.of(-5.5), Float32Array.of(-0.5, -2, 5)]);
  });

  it('gives a schedule the step and the length of the run', () => {
    const link = scaleBySchedule((step, totalSteps) => step.div(totalSteps));
    const [updates] = link.update(grads, link.init(params), params, at(25));
    expect(dataOf(updates)).toEqual([Float32Array.of(6), Float32Array.of(1.5, 0, -2)]);
  });
});

describe('clipping', () => {
  it('by value moves elements to the limit', () => {
    const link = clipByValue(3.5);
    const [updates] = link.update(grads, link.init(params), params, at(0));
    expect(dataOf(updates)).toEqual([Float32Array.of(3.5), Float32Array.of(3, 0, -3.5)]);
  });

  it('by global norm takes all leaves as one vector of norm 13', () => {
    expect(globalNorm(grads).item()).toBe(13);
    const clipped = (max: number): TensorTree => {
      const link = clipByGlobalNorm(max);
      return link.update(grads, link.init(params), params, at(0))[0];
    };
    expect(globalNorm(clipped(6.5)).item()).toBeCloseTo(6.5, 5);
    expect(dataOf(clipped(20))).toEqual(dataOf(grads));
  });

  it('refuses a limit that is not positive', () => {
    expect(() => clipByGlobalNorm(0)).toThrow(/max is 0/);
    expect(() => clipByValue(-1)).toThrow(/limit is -1/);
  });
});

describe('adam', () => {
  it('moves by the rate at the first step, whatever the gradient', () => {
    const optimizer = adam(0.01);
    const tiny = { w: float([1e-4, -7, 3000]) };
    const [updates] = optimizer.update(tiny, optimizer.init(tiny), tiny, at(0));
    const [moves] = dataOf(updates);
    for (const [i, sign] of [-1, 1, -1].entries()) expect(moves![i]! * sign).toBeCloseTo(0.01, 5);
  });

  it('does not let moments decay into denormal numbers', () => {
    const link = scaleByAdam();
    const zero = { w: float([0, 0, 0]) };
    const state = {
      ...link.init(zero),
      first: { w: float([1e-30, -1e-30, 1e-29]) },
      second: { w: float([1e-30, 1e-38, 1e-29]) },
    };
    const [, next] = link.update(zero, state, zero, at(9));
    const [first] = dataOf(next.first);
    const [second] = dataOf(next.second);
    expect([...first!].map((value) => value !== 0)).toEqual([false, false, true]);
    expect([...second!].map((value) => value !== 0)).toEqual([false, false, true]);
  });

  it('propagates NaN', () => {
    const link = scaleByAdam();
    const broken = { w: float([Number.NaN]) };
    const [updates] = link.update(broken, link.init(broken), broken, at(0));
    expect(dataOf(updates)).toEqual([Float32Array.of(Number.NaN)]);
  });
});

describe('optimizers refuse', () => {
  it.each([
    ['a rate that is no number', () => adam(Number.NaN), /adam: the learning rate is NaN/],
    ['a negative rate', () => sgd(-1), /sgd: the learning rate is -1/],
    ['nesterov without momentum', () => sgd(1, { nesterov: true }), /need a momentum/],
    ['momentum 1', () => sgd(1, { momentum: 1 }), /momentum is 1; it must be at least 0 and less than 1/],
    ['beta2 above 1', () => adamw(1, { beta2: 1.5 }), /beta2 is 1.5/],
  ])('%s', (_name, make, message) => {
    expect(make).toThrow(message);
  });
});
