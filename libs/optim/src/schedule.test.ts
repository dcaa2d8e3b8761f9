import { jit, type Tensor, tensor } from '@lockstep/autodiff';
import { describe, expect, it } from 'vitest';
import {
  constant,
  cosine,
  exponentialDecay,
  linearWarmup,
  type Schedule,
  stepDecay,
  warmupCosine,
} from './schedule.ts';

const totalSteps = 100;
const rateAt = (schedule: Schedule, step: number): number =>
  schedule(tensor(step, { dtype: 'float32' }), totalSteps).item();

/** Half a cosine from 1 to 0 as `progress` goes from 0 to 1. */
const halfCosine = (progress: number): number => (1 + Math.cos(Math.PI * progress)) / 2;

interface Case {
  readonly schedule: Schedule;
  readonly expected: (step: number) => number;
}

const cases: Readonly<Record<string, Case>> = {
  constant: { schedule: constant(0.3), expected: () => 0.3 },
  linearWarmup: {
    schedule: linearWarmup({ peak: 0.5, warmupSteps: 10 }),
    expected: (step) => 0.5 * Math.min(1, (step + 1) / 10),
  },
  cosine: {
    schedule: cosine({ peak: 0.5, end: 0.1 }),
    expected: (step) => 0.1 + 0.4 * halfCosine(Math.min(1, step / totalSteps)),
  },
  'cosine of its own length': {
    schedule: cosine({ peak: 0.5, totalSteps: 40 }),
    expected: (step) => 0.5 * halfCosine(Math.min(1, step / 40)),
  },
  warmupCosine: {
    schedule: warmupCosine({ peak: 2e-3, warmupSteps: 20, end: 1e-4 }),
    expected: (step) =>
      step < 20
        ? (2e-3 * (step + 1)) / 20
        : 1e-4 + 1.9e-3 * halfCosine(Math.min(1, (step - 20) / (totalSteps - 20))),
  },
  'warmupCosine without a warmup': {
    schedule: warmupCosine({ peak: 1, warmupSteps: 0 }),
    expected: (step) => halfCosine(Math.min(1, step / totalSteps)),
  },
  'warmupCosine that outlasts the run': {
    schedule: warmupCosine({ peak: 1, warmupSteps: 200 }),
    expected: (step) => (step + 1) / 200,
  },
  exponentialDecay: {
    schedule: exponentialDecay({ initial: 0.1, factor: 0.5, every: 30 }),
    expected: (step) => 0.1 * 0.5 ** (step / 30),
  },
  stepDecay: {
    schedule: stepDecay({ initial: 0.1, factor: 0.1, every: 30 }),
    expected: (step) => 0.1 * 0.1 ** Math.floor(step / 30),
  },
};

describe.each(Object.entries(cases))('%s', (_name, { schedule, expected }) => {
  const steps = [0, 1, 9, 10, 19, 20, 21, 29, 30, 31, 59, 60, 99, 100, 140];

  it('follows its formula to float32', () => {
    for (const step of steps) {
      const wanted = expected(step);
      expect(Math.abs(rateAt(schedule, step) - wanted)).toBeLessThan(1e-6 * (wanted + 0.1));
    }
  });

  it('reads the step at run time: one program for all steps, with the same bits', () => {
    const compiled = jit((step: Tensor) => schedule(step, totalSteps));
    for (const step of steps) {
      expect(compiled(tensor(step, { dtype: 'float32' })).item()).toBe(rateAt(schedule, step));
    }
  });
});

describe('a schedule', () => {
  it('is float32', () => {
    for (const { schedule } of Object.values(cases)) {
      expect(schedule(tensor(3, { dtype: 'float32' }), totalSteps).dtype).toBe('float32');
    }
  });

  it('jumps exactly at the step', () => {
    const halved = stepDecay({ initial: 1, factor: 0.5, every: 7 });
    for (let step = 0; step < 70; step++) {
      const wanted = 0.5 ** Math.floor(step / 7);
      expect(Math.abs(rateAt(halved, step) / wanted - 1)).toBeLessThan(1e-6);
    }
  });

  it('refuses lengths that are no whole number of steps', () => {
    expect(() => linearWarmup({ peak: 1, warmupSteps: -1 })).toThrow(/warmupSteps is -1; .* ≥ 0/);
    expect(() => cosine({ peak: 1, totalSteps: 1.5 })).toThrow(/totalSteps is 1.5/);
    expect(() => stepDecay({ initial: 1, factor: 0, every: 2 })).toThrow(/factor is 0/);
    expect(() => exponentialDecay({ initial: 1, factor: 0.5, every: -1 })).toThrow(/every is -1/);
  });
});
