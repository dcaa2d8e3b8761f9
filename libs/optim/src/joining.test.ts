/** Compositions of schedules, and cycles. Comparisons with PyTorch are in test/golden. */
import { jit, type Tensor, tensor } from '@lockstep/autodiff';
import { describe, expect, it } from 'vitest';
import { cosineRestarts, cyclic, oneCycle } from './cycles.ts';
import { joinSchedules, scaledByBatch, warmup } from './joining.ts';
import {
  constant,
  cosine,
  inverseSquareRoot,
  inverseTimeDecay,
  multiStepDecay,
  polynomial,
  type Schedule,
  warmupCosine,
} from './schedule.ts';

const totalSteps = 100;
const rateAt = (schedule: Schedule, step: number, total = totalSteps): number =>
  schedule(tensor(step, { dtype: 'float32' }), total).item();

const schedules: Readonly<Record<string, Schedule>> = {
  polynomial: polynomial({ initial: 1, end: 0.1, power: 2 }),
  multiStepDecay: multiStepDecay({ initial: 1, factor: 0.1, at: [10, 50] }),
  inverseTimeDecay: inverseTimeDecay({ initial: 1, decay: 0.1 }),
  inverseSquareRoot: inverseSquareRoot({ peak: 1, warmupSteps: 10 }),
  cosineRestarts: cosineRestarts({ peak: 1, period: 9 }),
  'growing cosineRestarts': cosineRestarts({ peak: 1, period: 9, periodFactor: 2 }),
  oneCycle: oneCycle({ peak: 1 }),
  cyclic: cyclic({ low: 0, high: 1, stepsUp: 7, mode: 'exponential', decay: 0.99 }),
  joinSchedules: joinSchedules([constant(1), cosine({ peak: 2 })], [20]),
  warmup: warmup(10, cosine({ peak: 1 })),
};

describe.each(Object.entries(schedules))('%s', (_name, schedule) => {
  it('reads the step at run time: one program for all steps, with the same bits, in float32', () => {
    const compiled = jit((step: Tensor) => schedule(step, totalSteps));
    for (const step of [0, 1, 9, 10, 20, 50, 63, 99, 100, 140]) {
      const rate = compiled(tensor(step, { dtype: 'float32' }));
      expect(rate.dtype).toBe('float32');
      expect(rate.item()).toBe(rateAt(schedule, step));
      expect(rate.item()).toBeGreaterThanOrEqual(0);
    }
  });
});

describe('warmup', () => {
  it('has no update with rate 0, and gives the rest of the run to the schedule', () => {
    const line = warmup(10, polynomial({ initial: 0.5 }));
    const wanted = (step: number) => (step < 10 ? (0.5 * (step + 1)) / 10 : 0.5 * (1 - (step - 10) / 90));
    for (const step of [0, 5, 9, 10, 55, 100]) expect(rateAt(line, step)).toBeCloseTo(wanted(step), 6);
  });

  it('equals warmupCosine with a cosine', () => {
    const [joined, whole] = [warmup(20, cosine({ peak: 0.1 })), warmupCosine({ peak: 0.1, warmupSteps: 20 })];
    for (const step of [0, 7, 19, 20, 21, 60, 99]) {
      expect(rateAt(joined, step)).toBeCloseTo(rateAt(whole, step), 7);
    }
  });

  it('equals the schedule for 0 steps, and rises all the way if longer than the run', () => {
    const fall = cosine({ peak: 1 });
    expect(warmup(0, fall)).toBe(fall);
    expect(rateAt(warmup(200, fall), 99)).toBeCloseTo(0.5, 6);
  });
});

describe('joinSchedules', () => {
  it('lets each schedule count from its start, over its part of the run', () => {
    const part: Schedule = (step, total) => step.add(total * 1000);
    const joined = joinSchedules([part, part, part], [10, 30]);
    expect([0, 9, 10, 29, 30, 99].map((step) => rateAt(joined, step))).toEqual([
      10_000, 10_009, 20_000, 20_019, 70_000, 70_069,
    ]);
  });
});

describe('cosineRestarts', () => {
  it('starts each period at the peak, to the bit', () => {
    const growing = cosineRestarts({ peak: 0.3, end: 0.1, period: 3, periodFactor: 3 });
    // Periods of 3, 9, 27, 81, …
    const peaks = Array.from({ length: 130 }, (_, step) => step).filter(
      (step) => rateAt(growing, step, 130) === Math.fround(0.3),
    );
    expect(peaks).toEqual([0, 3, 12, 39, 120]);
  });
});

describe('oneCycle', () => {
  it('stays at its last rate after the run, and works for a run of one step', () => {
    const rate = oneCycle({ peak: 1, divisor: 10, finalDivisor: 10 });
    expect(rateAt(rate, 99)).toBeCloseTo(0.01, 6);
    expect(rateAt(rate, 150)).toBeCloseTo(0.01, 6);
    expect(Number.isFinite(rateAt(rate, 0, 1))).toBe(true);
  });
});

describe('scaledByBatch', () => {
  it('scales a number or a schedule, linearly or by the root', () => {
    const scaling = { batchSize: 1024, baseBatchSize: 256 };
    expect(scaledByBatch(0.1, scaling)).toBe(0.4);
    expect(scaledByBatch(0.1, { ...scaling, rule: 'sqrt' })).toBe(0.2);
    expect(rateAt(scaledByBatch(constant(0.1), scaling), 3)).toBe(Math.fround(0.4));
  });
});

describe('schedules refuse', () => {
  it.each([
    ['a rate that is no number', () => polynomial({ initial: Number.NaN }), /polynomial: initial is NaN/],
    [
      'a constant that is none',
      () => constant(Number.NaN),
      /constant: rate is NaN; it must be a finite number/,
    ],
    ['a peak that is none', () => cosine({ peak: Number.POSITIVE_INFINITY }), /cosine: peak is Infinity/],
    ['a power of 0', () => polynomial({ initial: 1, power: 0 }), /power is 0; it must be greater than 0/],
    [
      'steps that do not rise',
      () => multiStepDecay({ initial: 1, factor: 0.1, at: [5, 5] }),
      /at is \[5, 5\]; give/,
    ],
    [
      'a negative decay',
      () => inverseTimeDecay({ initial: 1, decay: -1 }),
      /decay is -1; it must be a number ≥ 0/,
    ],
    [
      'no warm-up where there must be one',
      () => inverseSquareRoot({ peak: 1, warmupSteps: 0 }),
      /warmupSteps is 0/,
    ],
    [
      'a period of 0',
      () => cosineRestarts({ peak: 1, period: 0 }),
      /period is 0; it must be a whole number ≥ 1/,
    ],
    ['half a factor', () => cosineRestarts({ peak: 1, period: 2, periodFactor: 1.5 }), /periodFactor is 1.5/],
    [
      'a rise longer than the run',
      () => oneCycle({ peak: 1, rise: 2 }),
      /oneCycle: rise is 2; it must be from 0 to 1/,
    ],
    ['a divisor of 0', () => oneCycle({ peak: 1, divisor: 0 }), /divisor is 0/],
    ['no steps up', () => cyclic({ low: 0, high: 1, stepsUp: 0 }), /stepsUp is 0/],
    ['a decay without its mode', () => cyclic({ low: 0, high: 1, decay: 0.9 }), /choose mode 'exponential'/],
    [
      'too few boundaries',
      () => joinSchedules([constant(1), constant(2)], []),
      /2 schedules and 0 boundaries; give one/,
    ],
    [
      'boundaries that fall',
      () => joinSchedules([constant(1), constant(2), constant(3)], [5, 4]),
      /boundaries is \[5, 4\]/,
    ],
    ['half a warm-up step', () => warmup(0.5, constant(1)), /warmup: steps is 0.5/],
    ['a batch of 0', () => scaledByBatch(1, { batchSize: 0, baseBatchSize: 2 }), /batchSize is 0/],
  ])('%s', (_name, make, message) => {
    expect(make).toThrow(message);
  });
});
