/** With an epsilon of 0, optimizers do not divide by a moment of 0. */
import { describe, expect, it } from 'vitest';
import { clipAdaptively, clipByGlobalNorm, clipByNorm } from './clipping.ts';
import { dataOf, float, progressAt } from './fixtures/runs.ts';
import {
  adadelta,
  adagrad,
  adam,
  adamax,
  adamw,
  amsgrad,
  lamb,
  lars,
  nadam,
  radam,
  rmsprop,
} from './optimizers.ts';
import { scaleByTrustRatio } from './scaling.ts';
import type { GradientTransformation } from './transformation.ts';

const epsilon = 0;
const optimizers: Record<string, GradientTransformation<unknown>> = {
  adam: adam(0.1, { epsilon }),
  'adam with one that float32 lacks': adam(0.1, { epsilon: 1e-60 }),
  amsgrad: amsgrad(0.1, { epsilon }),
  adamw: adamw(0.1, { epsilon }),
  nadam: nadam(0.1, { epsilon }),
  radam: radam(0.1, { epsilon, beta2: 0.5 }),
  adamax: adamax(0.1, { epsilon }),
  rmsprop: rmsprop(0.1, { epsilon }),
  'rmsprop, centered': rmsprop(0.1, { epsilon, centered: true }),
  adagrad: adagrad(0.1, { epsilon }),
  adadelta: adadelta(0.1, { epsilon }),
  lamb: lamb(0.1, { epsilon }),
  lars: lars(0.1, { epsilon }),
};

describe.each(Object.entries(optimizers))('%s', (_name, optimizer) => {
  /**
   * The moves of three parameters over ten steps of the same gradient. The weights are 0, so weight decay adds
   * nothing.
   */
  function moves(gradient: readonly number[]): number[][] {
    const params = { w: float(gradient.map(() => 0)) };
    const grads = { w: float(gradient) };
    let state = optimizer.init(params);
    return Array.from({ length: 10 }, (_, k) => {
      const [updates, next] = optimizer.update(grads, state, params, progressAt(k));
      state = next;
      return Array.from((updates as typeof params).w.data);
    });
  }

  it('does not move for a gradient of 0 or one whose square underflows', () => {
    for (const gradient of [0, 1e-25, -1e-25, 1e-44]) {
      for (const [move] of moves([gradient])) {
        expect(Number.isFinite(move)).toBe(true);
        expect(Math.abs(move!)).toBeLessThanOrEqual(0.2);
        if (gradient === 0) expect(Math.abs(move!)).toBe(0);
      }
    }
  });

  it('propagates NaN', () => {
    const [first] = moves([Number.NaN, 1]);
    expect(first![0]).toBeNaN();
    expect(first![1]).not.toBeNaN();
  });
});

it('spreads a NaN in a norm to everything that the norm scales', () => {
  const [w, g] = [float([1, 2]), float([Number.NaN, 1])];
  for (const link of [scaleByTrustRatio(), clipByNorm(1), clipByGlobalNorm(1), clipAdaptively()]) {
    const [updates] = (link as GradientTransformation<unknown>).update(g, link.init(w), w, progressAt(0));
    expect(dataOf(updates)).toEqual([Float32Array.of(Number.NaN, Number.NaN)]);
  }
});
