/** Learning rates are PyTorch's over the whole length of each schedule. */
import { type Tensor, tensor } from '@lockstep/autodiff';
import {
  constant,
  cosine,
  cosineRestarts,
  cyclic,
  exponentialDecay,
  inverseSquareRoot,
  joinSchedules,
  multiStepDecay,
  oneCycle,
  type PlateauOptions,
  polynomial,
  reduceOnPlateau,
  type Schedule,
  stepDecay,
} from '@lockstep/optim';
import { describe, expect, it } from 'vitest';
import { precisions, readReference } from './reference.ts';

const reference = readReference('schedules');
const valuesOf = (name: string): number[] => Array.from(reference(name).data);

const rate = 0.3;

const schedules: Readonly<Record<string, Schedule>> = {
  constant: constant(rate),
  step: stepDecay({ initial: rate, factor: 0.5, every: 7 }),
  multiStep: multiStepDecay({ initial: rate, factor: 0.2, at: [5, 6, 30] }),
  exponential: exponentialDecay({ initial: rate, factor: 0.9, every: 1 }),
  polynomial: polynomial({ initial: rate, power: 2.5, totalSteps: 50 }),
  'polynomial/straight': polynomial({ initial: rate, totalSteps: 50 }),
  linear: polynomial({ initial: 0.25 * rate, end: 0.75 * rate, totalSteps: 20 }),
  cosine: cosine({ peak: rate, end: 0.01, totalSteps: 50 }),
  cosineRestarts: cosineRestarts({ peak: rate, end: 0.01, period: 17 }),
  'cosineRestarts/growing': cosineRestarts({ peak: rate, period: 5, periodFactor: 2 }),
  'cosineRestarts/tripling': cosineRestarts({ peak: rate, end: 0.01, period: 4, periodFactor: 3 }),
  oneCycle: oneCycle({ peak: rate }),
  'oneCycle/linear': oneCycle({ peak: rate, rise: 0.4, curve: 'linear', divisor: 10, finalDivisor: 100 }),
  'oneCycle/three': oneCycle({ peak: rate, rise: 0.35, phases: 3 }),
  'oneCycle/threeLinear': oneCycle({ peak: rate, phases: 3, curve: 'linear', totalSteps: 61 }),
  cyclic: cyclic({ low: 0.01, high: rate, stepsUp: 8 }),
  'cyclic/uneven': cyclic({ low: 0.01, high: rate, stepsUp: 5, stepsDown: 12 }),
  'cyclic/triangular2': cyclic({ low: 0.01, high: rate, stepsUp: 6, mode: 'triangular2' }),
  'cyclic/exponential': cyclic({
    low: 0.01,
    high: rate,
    stepsUp: 6,
    stepsDown: 9,
    mode: 'exponential',
    decay: 0.97,
  }),
  sequential: joinSchedules(
    [
      polynomial({ initial: 0.2 * rate, end: rate, totalSteps: 5 }),
      cosine({ peak: rate }),
      constant(0.5 * rate),
    ],
    [5, 25],
  ),
  inverseSquareRoot: inverseSquareRoot({ peak: 1 / Math.sqrt(512 * 15), warmupSteps: 15 }),
};

/** The thresholds are PyTorch's defaults but where the reference has another. */
const plateaus: Readonly<Record<string, PlateauOptions>> = {
  plateau: { patience: 3 },
  'plateau/cooldown': { patience: 2, factor: 0.5, cooldown: 4 },
  'plateau/absolute': { patience: 2, factor: 0.5, relativeTolerance: 0, absoluteTolerance: 0.05 },
  'plateau/least': { patience: 0, factor: 0.3, relativeTolerance: 0.01, minScale: 0.05 },
};

/** The largest difference, relative to the largest rate. */
const worstOf = (rates: readonly number[], expected: readonly number[]): number =>
  Math.max(...expected.map((wanted, i) => Math.abs(rates[i]! - wanted))) / Math.max(...expected);

it('has a schedule for every reference, and the other way round', () => {
  const stored = reference.names.filter((name) => name !== 'losses');
  expect([...Object.keys(schedules), ...Object.keys(plateaus)].sort()).toEqual(stored.sort());
});

describe.each(Object.entries(schedules))('%s', (name, schedule) => {
  for (const { dtype } of precisions) {
    it(`is the reference in ${dtype}`, () => {
      const expected = valuesOf(name);
      const rates = expected.map((_, step) => schedule(tensor(step, { dtype }), expected.length).item());
      expect(rates.length).toBeGreaterThanOrEqual(20);
      expect(worstOf(rates, expected)).toBeLessThan(dtype === 'float64' ? 1e-14 : 16 * 2 ** -23);
    });
  }
});

describe.each(Object.entries(plateaus))('%s', (name, options) => {
  it('lowers the rate where the reference does', () => {
    const link = reduceOnPlateau(options);
    const update: Tensor = tensor([rate]);
    let state = link.init(update);
    const rates = valuesOf('losses').map((loss, k) => {
      const progress = { step: tensor(k, { dtype: 'float32' }), totalSteps: 90, loss: tensor(loss) };
      const [updates, next] = link.update(update, state, update, progress);
      state = next;
      return (updates as Tensor).at(0).item();
    });
    const expected = valuesOf(name);
    expect(new Set(expected).size).toBeGreaterThan(2);
    expect(worstOf(rates, expected)).toBeLessThan(1e-14);
  });
});
