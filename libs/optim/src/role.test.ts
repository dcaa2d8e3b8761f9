/** Orders and masks with which parameters would climb. */
import { describe, expect, it } from 'vitest';
import { accumulateGradients } from './accumulation.ts';
import { emaParams, lookahead } from './averaging.ts';
import { clipByGlobalNorm } from './clipping.ts';
import { dataOf, gradsAt, params, progressAt } from './fixtures/runs.ts';
import { freeze, masked, multiTransform } from './masks.ts';
import { scaleByAdam } from './moments.ts';
import { addGradientNoise } from './noise.ts';
import { adam, adamw, sgd } from './optimizers.ts';
import { reduceOnPlateau } from './plateau.ts';
import { addDecayedWeights, scaleBy, scaleByLearningRate, scaleBySchedule } from './scaling.ts';
import { constant } from './schedule.ts';
import { skipNonFinite } from './skipping.ts';
import { chain, type GradientTransformation, identity, stateless } from './transformation.ts';

const isBias = (path: string): boolean => path.endsWith('bias');
const split = (path: string): 'a' | 'b' => (isBias(path) ? 'a' : 'b');

describe('masked', () => {
  it.each([
    ['an optimizer', sgd(0.1)],
    ['a chain that ends in one', chain(clipByGlobalNorm(1), adam(0.1))],
    ['one that is wrapped', skipNonFinite(accumulateGradients(2, lookahead(sgd(0.1))))],
    ['a schedule downhill', scaleByLearningRate(constant(0.1))],
  ] as [string, GradientTransformation<unknown>][])(
    'refuses %s without a word on the rest',
    (_name, link) => {
      const unsaid = masked(link, isBias);
      expect(() => unsaid.init(params)).toThrow(
        /raw gradients .* \(layers\/0\/kernel, .* \{ rest: 'zero' \}/,
      );
      expect(() => masked(link, () => true).init(params)).not.toThrow();
    },
  );

  it('sets the other updates to 0, or passes them, as the option says', () => {
    const grads = gradsAt(1);
    const updatesOf = (rest: 'zero' | 'pass') => {
      const link = masked(sgd(0.5), isBias, { rest });
      return dataOf(link.update(grads, link.init(params), params, progressAt(0))[0]) as Float32Array[];
    };
    const [raw, zero, pass] = [dataOf(grads) as Float32Array[], updatesOf('zero'), updatesOf('pass')];
    // The order of leaves: bias, kernel, bias, kernel, scale.
    for (const [i, g] of raw.entries()) {
      const moved = g.map((x) => -0.5 * x);
      expect(zero[i]!.every((x, j) => x === (i % 2 === 0 && i < 4 ? moved[j] : 0))).toBe(true);
      expect(pass[i]).toEqual(i % 2 === 0 && i < 4 ? moved : g);
    }
  });

  it('needs no option for links that return gradients', () => {
    for (const link of [addDecayedWeights(0.1), clipByGlobalNorm(1), scaleBy(2), freeze(), scaleByAdam()]) {
      expect(() => masked(link as GradientTransformation<unknown>, isBias).init(params)).not.toThrow();
    }
  });
});

describe('chain', () => {
  it.each([
    ['two optimizers', () => chain(sgd(0.1), adam(0.1))],
    ['decay after the rate', () => chain(sgd(0.1), addDecayedWeights(0.01))],
    ['two rates', () => chain(scaleByLearningRate(0.1), scaleByLearningRate(constant(1)))],
    ['nested optimizers', () => chain(chain(sgd(0.1)), emaParams(), chain(clipByGlobalNorm(1), adamw(0.1)))],
  ])('refuses %s', (_name, make) => {
    expect(make).toThrow(/chain: link \d takes gradients, but .* turn uphill/);
  });

  it('refuses links that would move parameters frozen by an earlier link', () => {
    expect(() => chain(masked(freeze(), isBias), adamw(0.1))).toThrow(/put freeze\(\) last/);
    expect(() => chain(freeze(), addGradientNoise())).toThrow(/put freeze\(\) last/);
    expect(() => chain(masked(freeze(), isBias), sgd(0.1))).not.toThrow();
    expect(() => chain(adamw(0.1), masked(freeze(), isBias))).not.toThrow();
  });

  it('accepts sensible orders', () => {
    const own = stateless((grads) => grads);
    for (const make of [
      () => chain(scaleBy(-1), sgd(0.1)),
      () => chain(sgd(0.1), scaleBy(-1)),
      () => chain(sgd(0.1), clipByGlobalNorm(1), reduceOnPlateau(), emaParams()),
      () => chain(own, sgd(0.1), own),
      () =>
        chain(
          masked(sgd(0.1), isBias, { rest: 'pass' }),
          masked(adam(0.1), (p) => !isBias(p), { rest: 'pass' }),
        ),
      () =>
        chain(
          accumulateGradients(2, scaleByAdam()),
          scaleBySchedule((step) => step),
        ),
    ]) {
      expect(make).not.toThrow();
    }
  });
});

describe('multiTransform', () => {
  it('refuses a mix of gradients and steps', () => {
    expect(() => multiTransform({ a: sgd(0.1), b: identity }, split)).toThrow(
      /multiTransform: a returns steps downhill, b returns gradients/,
    );
    expect(() => multiTransform({ a: chain(clipByGlobalNorm(1)), b: adam(1) }, split)).toThrow(
      /b returns steps/,
    );
    const own = stateless((grads) => grads);
    expect(() => multiTransform({ a: sgd(0.1), b: freeze() }, split)).not.toThrow();
    expect(() => multiTransform({ a: sgd(0.1), b: own }, split)).not.toThrow();
    expect(multiTransform({ a: sgd(0.1), b: freeze() }, split).role?.gives).toBe('steps');
    expect(multiTransform({ a: scaleByAdam(), b: freeze() }, split).role?.gives).toBe('gradients');
  });
});
