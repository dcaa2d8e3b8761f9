import { param } from '@lockstep/params';
import fc from 'fast-check';
import { describe, expect, expectTypeOf, it } from 'vitest';
import {
  type Assignment,
  type AssignmentOf,
  checkSpace,
  choice,
  describeDifference,
  describeSpace,
  dimensionsOf,
  integer,
  logUniform,
  oneOf,
  type Space,
  spaceDifference,
  spaceOf,
  uniform,
} from '../index.ts';
import { hasValue, valueAt } from './scale.ts';

const space = {
  rate: logUniform(1e-4, 1e-1),
  batch: choice([64, 128, 256]),
  head: oneOf({ linear: {}, mlp: { width: integer(32, 256, { log: true }) } }),
} satisfies Space;

const declared = {
  rate: param.number(1e-3, { min: 0, max: 1 }),
  batch: param.integer(64, { min: 1 }),
  head: param.choice('linear', 'mlp'),
  width: param.integer(64, { min: 1 }),
  depth: param.integer(2),
  augment: param.boolean(false),
  optimizer: param.choice('adam', 'sgd'),
};

describe('types', () => {
  it('an assignment narrows by the choice', () => {
    type Found = AssignmentOf<typeof space>;
    expectTypeOf<Extract<Found, { head: 'mlp' }>>().toEqualTypeOf<{
      readonly rate: number;
      readonly batch: 64 | 128 | 256;
      readonly head: 'mlp';
      readonly width: number;
    }>();
    expectTypeOf<Extract<Found, { head: 'linear' }>>().toEqualTypeOf<{
      readonly rate: number;
      readonly batch: 64 | 128 | 256;
      readonly head: 'linear';
    }>();
  });

  it('two conditional parameters are independent', () => {
    const two = {
      a: oneOf({ on: { x: uniform(0, 1) }, off: {} }),
      b: oneOf({ p: {}, q: { c: choice(['u', 'v']) } }),
    };
    type Found = AssignmentOf<typeof two>;
    expectTypeOf<Extract<Found, { a: 'on'; b: 'q' }>>().toEqualTypeOf<{
      readonly a: 'on';
      readonly x: number;
      readonly b: 'q';
      readonly c: 'u' | 'v';
    }>();
  });

  it('a space without choices, and one that is not known', () => {
    const flat = { rate: uniform(0, 1), flag: choice([true, false]) };
    expectTypeOf<AssignmentOf<typeof flat>>().toEqualTypeOf<{
      readonly rate: number;
      readonly flag: boolean;
    }>();
    expectTypeOf<AssignmentOf<Space>>().toEqualTypeOf<Assignment>();
  });
});

describe('domains', () => {
  it.each([
    [() => choice([]), 'choice: needs a list of at least one number, text, true or false'],
    [() => choice([1, 1]), 'each once; it got the list [1, 1]'],
    [() => choice([Number.NaN]), 'choice: needs a list'],
    [() => integer(5, 4), 'integer: lo is 5 and hi is 4; exchange them?'],
    [() => integer(0.5, 4), 'integer: lo is 0.5; it must be a whole number'],
    [() => integer(0, 8, { log: true }), 'integer: lo is 0; a range with logarithms begins at 1'],
    [() => integer(1, 8, { log: true, step: 2 }), 'log and step exclude each other'],
    [() => integer(1, 4, { step: 8 }), 'integer: step is 8, longer than the range from 1 to 4'],
    [() => integer(1, 4, { stp: 8 } as object), "did you mean 'step'"],
    [() => uniform(0, 1, { step: 0 }), 'uniform: step is 0; it must be a number > 0'],
    [() => uniform(0, 1, { step: 2 }), 'uniform: step is 2, longer than the range from 0 to 1'],
    [() => uniform(0, Number.POSITIVE_INFINITY), 'uniform: hi is Infinity; it must be a finite number'],
    [() => uniform(-1e308, 1e308), 'longer than the largest number'],
    [() => logUniform(0, 1), 'logUniform: lo is 0; a range with logarithms begins at a number > 0'],
    [() => oneOf({}), 'oneOf: needs an object of names and their parameters'],
    [() => oneOf({ a: 1 } as never), 'oneOf: a is 1; it must be an object of parameters'],
  ])('refuses %s', (make, message) => {
    expect(make).toThrow(message);
  });

  it('equal parts of the unit interval belong to the values', () => {
    const at = (domain: Parameters<typeof valueAt>[0]) =>
      [0, 0.24, 0.26, 0.51, 0.76, 1 - 2 ** -53].map((u) => valueAt(domain, u));
    expect(at(choice(['a', 'b', 'c', 'd']))).toEqual(['a', 'a', 'b', 'c', 'd', 'd']);
    expect(at(integer(1, 4))).toEqual([1, 1, 2, 3, 4, 4]);
    expect(at(integer(0, 30, { step: 10 }))).toEqual([0, 0, 10, 20, 30, 30]);
    expect(at(integer(0, 35, { step: 10 }))).toEqual([0, 0, 10, 20, 30, 30]);
    expect(at(uniform(0.1, 0.4, { step: 0.1 }))).toEqual([0.1, 0.1, 0.2, 0.3, 0.4, 0.4]);
    expect(at(oneOf({ d: {}, b: {}, c: {}, a: {} }))).toEqual(['a', 'a', 'b', 'c', 'd', 'd']);
    expect(at(logUniform(1, 16)).slice(0, 4)).toEqual([1, 16 ** 0.24, 16 ** 0.26, 16 ** 0.51].map(near));
    // The logarithm goes from that of 1/2 to that of 4.5: 3^(2u)/2 is rounded.
    expect(at(integer(1, 4, { log: true }))).toEqual([1, 1, 1, 2, 3, 4]);
  });

  const near = (x: number) => expect.closeTo(x, 12);

  it('every value that is drawn belongs to its domain', () => {
    const number = fc.double({ min: -1e6, max: 1e6, noNaN: true });
    const domains = fc.oneof(
      fc.tuple(number, number).map(([a, b]) => uniform(Math.min(a, b), Math.max(a, b))),
      fc
        .tuple(number, fc.double({ min: 0.01, max: 10, noNaN: true }), fc.integer({ min: 1, max: 50 }))
        .map(([lo, step, n]) => uniform(lo, lo + step * (n + 0.5), { step })),
      fc.tuple(fc.nat(1000), fc.nat(1000)).map(([lo, more]) => integer(lo, lo + more)),
      fc
        .tuple(fc.integer({ min: 1, max: 1000 }), fc.nat(1000))
        .map(([lo, more]) => integer(lo, lo + more, { log: true })),
    );
    fc.assert(
      fc.property(domains, fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), (domain, u) => {
        expect(hasValue(domain, valueAt(domain, u))).toBe(true);
      }),
    );
  });
});

describe('checkSpace', () => {
  it('accepts what the experiment declares', () => {
    checkSpace(space, declared);
    checkSpace({ augment: choice([true, false]), optimizer: oneOf({ adam: {}, sgd: {} }) }, declared);
  });

  it.each([
    [
      { rat: uniform(0, 1) },
      "the experiment has no parameter 'rat'; did you mean 'rate'? it has rate, batch",
    ],
    [
      { rate: uniform(0, 2) },
      "the range from 0 to 2 goes beyond its bounds, but parameter 'rate' of the experiment is a finite number from 0 to 1",
    ],
    [{ batch: uniform(1, 64) }, 'the range from 1 to 64 has fractions; use integer(1, 64)'],
    [{ optimizer: uniform(1, 64) }, 'the range from 1 to 64 is of numbers; use choice([…])'],
    [
      { optimizer: choice(['adam', 'adamw']) },
      "choice has 'adamw', but parameter 'optimizer' of the experiment is 'adam' or 'sgd'",
    ],
    [{ head: oneOf({ linear: {}, cnn: {} }) }, "oneOf has 'cnn'"],
    [
      { head: oneOf({ mlp: { widht: integer(1, 2) } }) },
      "no parameter 'head=mlp/widht'; did you mean 'width'?",
    ],
    [{ width: integer(1, 2), head: oneOf({ mlp: { width: integer(1, 2) } }) }, "the space has 'width' twice"],
    [
      { head: oneOf({ mlp: { width: integer(1, 2) } }), optimizer: oneOf({ sgd: { width: integer(1, 2) } }) },
      "the space has 'width' twice",
    ],
    [{ 'a-b': uniform(0, 1) }, "'a-b' cannot be a parameter's name"],
    [{ rate: 0.1 }, 'space.rate is 0.1; make it by choice([…])'],
    [{ batch: [64, 128] }, 'space.batch is the list [64, 128]; make it by choice([64,128])'],
    [{}, 'sweep: space is an empty object; it must be an object of parameters'],
  ])('refuses %o', (given, message) => {
    expect(() => checkSpace(given as unknown as Space, declared)).toThrow(message);
  });

  it('a name may be in several branches of one choice', () => {
    const branches = oneOf({ linear: { width: integer(1, 2) }, mlp: { width: integer(8, 9) } });
    checkSpace({ head: branches }, declared);
    expect(dimensionsOf({ head: branches }).map(({ id }) => id)).toEqual([
      ...['head', 'head=linear/width', 'head=mlp/width'],
    ]);
  });
});

describe('describeSpace', () => {
  const text = (given: Space, constraints = {}) => JSON.stringify(describeSpace(given, constraints));

  it('does not depend on the order of names', () => {
    const { rate, batch } = space;
    const head = oneOf({ mlp: { width: integer(32, 256, { log: true }) }, linear: {} });
    expect(text({ head, batch, rate })).toBe(text(space));
    expect(text(space, { b: () => true, a: () => false })).toBe(text(space, { a: 1, b: 2 }));
    expect(text({ ...space, batch: choice([64, 128]) })).not.toBe(text(space));
  });

  it('names what changed', () => {
    const { head: _, ...rest } = space;
    const other = { ...rest, rate: uniform(0, 0.1), width: integer(1, 8, { step: 2 }) };
    const from = describeSpace(space, { small: () => true });
    expect(spaceDifference(from, from)).toBeUndefined();
    const difference = spaceDifference(from, describeSpace(other, { fits: () => true }))!;
    expect(difference.added).toEqual(['width']);
    expect(describeDifference(difference)).toBe(
      "'width' was added; 'head' was removed; 'head=mlp/width' was removed; " +
        "'rate' was logUniform(0.0001, 0.1) and is uniform(0, 0.1); " +
        "the constraint 'fits' was added; the constraint 'small' was removed",
    );
  });

  it('survives JSON', () => {
    const described = describeSpace(space);
    expect(spaceDifference(JSON.parse(JSON.stringify(described)), described)).toBeUndefined();
  });

  it('has all that a space is, branches within branches included', () => {
    const deep = {
      ...space,
      body: oneOf({ none: {}, deep: { kind: oneOf({ wide: { width: choice([1, 2]) }, thin: {} }) } }),
      warmup: uniform(0, 1, { step: 0.25 }),
    };
    const described = describeSpace(deep);
    const again = spaceOf(JSON.parse(JSON.stringify(described)));
    expect(describeSpace(again)).toEqual(described);
    expect(dimensionsOf(again).map(({ id }) => id)).toEqual(dimensionsOf(deep).map(({ id }) => id));
  });
});
