/** Optimizers refuse wrong options when they are made, with a message that names the option. */
import { LockstepError } from '@lockstep/errors';
import { describe, expect, it } from 'vitest';
import { accumulateGradients } from './accumulation.ts';
import { emaParams, lookahead, swaParams } from './averaging.ts';
import { clipAdaptively, clipByNorm } from './clipping.ts';
import { addGradientNoise } from './noise.ts';
import {
  adadelta,
  adagrad,
  adam,
  adamax,
  adamw,
  amsgrad,
  lamb,
  lars,
  lion,
  nadam,
  radam,
  rmsprop,
  sgd,
} from './optimizers.ts';
import { reduceOnPlateau } from './plateau.ts';
import { scaleBy, scaleByLearningRate, scaleByTrustRatio } from './scaling.ts';

const optimizers = {
  adadelta,
  adagrad,
  adam,
  adamax,
  adamw,
  amsgrad,
  lamb,
  lars,
  lion,
  nadam,
  radam,
  rmsprop,
  sgd,
};

it.each(Object.entries(optimizers))('%s refuses invalid rates and decays', (name, make) => {
  const owner = name === 'amsgrad' ? 'adam' : name;
  expect(() => make(-1)).toThrow(`${owner}: the learning rate is -1; give a number ≥ 0 or a schedule`);
  expect(() => make(Number.POSITIVE_INFINITY)).toThrow(/the learning rate is Infinity/);
  expect(() => make(0.1, { weightDecay: -1 })).toThrow(
    `${owner}: weightDecay is -1; it must be a number ≥ 0`,
  );
});

it.each([
  [() => sgd(1, { dampening: 0.5 }), /need a momentum greater than 0, not 0/],
  [() => sgd(1, { momentum: 0.5, dampening: 2 }), /dampening is 2; it must be from 0 to 1/],
  [
    () => sgd(1, { momentum: 0.5, nesterov: true, dampening: 0.1 }),
    /nesterov needs a dampening of 0, not 0.1/,
  ],
  [() => adam(1, { epsilon: -1 }), /epsilon is -1/],
  [() => nadam(1, { momentumDecay: Number.NaN }), /momentumDecay is NaN/],
  [() => radam(1, { beta1: 1 }), /beta1 is 1; it must be at least 0 and less than 1/],
  [() => adamax(1, { beta2: -0.1 }), /beta2 is -0.1/],
  [() => rmsprop(1, { decay: 1 }), /decay is 1/],
  [() => rmsprop(1, { momentum: 1 }), /momentum is 1/],
  [() => adagrad(1, { initialAccumulator: -1 }), /initialAccumulator is -1/],
  [() => adagrad(1, { rateDecay: -1 }), /adagrad: rateDecay is -1/],
  [() => adadelta(1, { decay: 2 }), /decay is 2/],
  [() => lion(1, { beta1: 1 }), /beta1 is 1/],
  [() => lars(1, { coefficient: 0 }), /coefficient is 0; it must be greater than 0/],
  [() => scaleByTrustRatio({ epsilon: -1 }), /epsilon is -1/],
  [() => scaleByLearningRate(Number.NaN), /scaleByLearningRate: rate is NaN/],
  [() => scaleBy(Number.NaN), /factor is NaN; it must be a finite number/],
  [() => clipByNorm(0), /max is 0/],
  [() => clipAdaptively({ clipping: 0 }), /clipping is 0/],
  [() => addGradientNoise({ seed: -1 }), /seed is -1; it must be a whole number ≥ 0/],
  [() => emaParams({ decay: 1 }), /emaParams: decay is 1/],
  [() => swaParams({ every: 0 }), /swaParams: every is 0; it must be a whole number ≥ 1/],
  [() => swaParams({ start: -1 }), /start is -1/],
  [() => lookahead(sgd(1), { every: 1.5 }), /lookahead: every is 1.5/],
  [() => lookahead(sgd(1), { rate: 2 }), /rate is 2/],
  [() => accumulateGradients(0, sgd(1)), /accumulateGradients: every is 0/],
  [() => reduceOnPlateau({ factor: 1 }), /factor is 1/],
  [() => reduceOnPlateau({ patience: -1 }), /patience is -1/],
  [() => reduceOnPlateau({ relativeTolerance: 2 }), /relativeTolerance is 2/],
])('%s', (make, message) => {
  expect(make).toThrow(message);
});

describe('the error', () => {
  it('has code argument and the facts', () => {
    const error = (() => {
      try {
        return adam(1, { beta1: 2 });
      } catch (caught) {
        return caught;
      }
    })();
    expect(error).toBeInstanceOf(LockstepError);
    expect(error).toMatchObject({ code: 'argument', facts: { name: 'beta1', value: 2 } });
  });
});
