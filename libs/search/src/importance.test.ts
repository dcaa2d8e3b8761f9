import { foldIn } from '@lockstep/rng';
import { expect, it } from 'vitest';
import {
  choice,
  importances,
  integer,
  minimize,
  oneOf,
  type RecordedTrial,
  type Space,
  uniform,
} from './index.ts';
import { trialKey, uniformOf } from './random.ts';

const space = {
  large: uniform(-1, 1),
  small: uniform(-1, 1),
  none: uniform(-1, 1),
  option: choice(['a', 'b', 'c']),
  head: oneOf({ linear: {}, mlp: { width: integer(1, 8) } }),
  fixed: choice([1]),
} satisfies Space;

/** Trials whose loss depends on `large` most, on `small` less, on `option` a little and on nothing else. */
const trials = Array.from({ length: 400 }, (_, number): RecordedTrial => {
  const u = (name: string) => uniformOf(foldIn(trialKey(1, number), name));
  const [large, small] = [2 * u('large') - 1, 2 * u('small') - 1];
  const option = ['a', 'b', 'c'][Math.floor(3 * u('option'))]!;
  const head = u('head') < 0.5 ? { head: 'linear' } : { head: 'mlp', width: 1 + Math.floor(8 * u('width')) };
  const loss = (large - 0.3) ** 2 + 0.2 * small ** 2 + (option === 'b' ? 0 : 0.02);
  return {
    ...{ number, generation: 0, params: { large, small, none: u('none'), option, fixed: 1, ...head } },
    result: { status: 'complete', values: [loss] },
  };
});

it('parameters that decide the loss come first', () => {
  const found = importances(space, minimize('loss'), trials);
  expect(found.map(({ id }) => id).slice(0, 3)).toEqual(['large', 'small', 'option']);
  expect(found.at(-1)).toEqual({ id: 'fixed', importance: 0 });
  expect(found.reduce((sum, { importance }) => sum + importance, 0)).toBeCloseTo(1, 12);
  expect(found[0]!.importance).toBeGreaterThan(0.5);
});

it('does not depend on the order of trials', () => {
  expect(importances(space, minimize('loss'), [...trials].reverse())).toEqual(
    importances(space, minimize('loss'), trials),
  );
});

it('needs two complete trials', () => {
  expect(importances(space, minimize('loss'), trials.slice(0, 1))).toEqual([]);
  expect(() => importances(space, minimize('loss'), trials, { best: 2 })).toThrow(
    'importances: best is 2; it must be a number above 0 and below 1',
  );
});
