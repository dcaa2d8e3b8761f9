import fc from 'fast-check';
import { expect, expectTypeOf, it } from 'vitest';
import {
  checkDeclarations,
  type Declarations,
  expectedOf,
  param,
  parseAssignments,
  resolveParams,
  type ValuesOf,
} from './index.ts';

const declared = {
  rate: param.number(1e-3, { min: 0, max: 1, help: 'step size' }),
  width: param.integer(128, { min: 1 }),
  augment: param.boolean(false),
  file: param.text('points.csv'),
  optimizer: param.choice('adam', 'sgd'),
  batch: param.choice(64, 128, { help: 'samples a step' }),
} satisfies Declarations;

it('declarations are plain JSON', () => {
  expect(JSON.parse(JSON.stringify(declared))).toEqual(declared);
  expect(declared.optimizer).toEqual({ type: 'choice', default: 'adam', options: ['adam', 'sgd'] });
  expect(declared.batch).toEqual({
    ...{ type: 'choice', default: 64, options: [64, 128], help: 'samples a step' },
  });
});

it('values have the types of their declarations', () => {
  expectTypeOf<ValuesOf<typeof declared>>().toEqualTypeOf<{
    readonly rate: number;
    readonly width: number;
    readonly augment: boolean;
    readonly file: string;
    readonly optimizer: 'adam' | 'sgd';
    readonly batch: 64 | 128;
  }>();
});

it('a parameter that nobody sets has its default', () => {
  expect(resolveParams(declared)).toEqual({
    ...{ rate: 1e-3, width: 128, augment: false, file: 'points.csv', optimizer: 'adam', batch: 64 },
  });
  expect(resolveParams(declared, { width: 3 }).width).toBe(3);
});

it('values are in the order of the declarations, whatever the order in which they are set', () => {
  const names = Object.keys(resolveParams(declared, { batch: 128, rate: 0.5 }));
  expect(names).toEqual(Object.keys(declared));
});

it.each([
  [{ rate: 2 }, "parameter 'rate' must be a finite number from 0 to 1, not 2"],
  [{ rate: Number.NaN }, "parameter 'rate' must be a finite number from 0 to 1, not NaN"],
  [{ rate: '0.1' }, "parameter 'rate' must be a finite number from 0 to 1, not the string '0.1'"],
  [{ width: 1.5 }, "parameter 'width' must be a whole number of at least 1, not 1.5"],
  [{ width: null }, "parameter 'width' must be a whole number of at least 1, not null"],
  [{ augment: 1 }, "parameter 'augment' must be true or false, not 1"],
  [{ optimizer: 'adamm' }, "parameter 'optimizer' must be 'adam' or 'sgd', not the string 'adamm'"],
  [{ batch: 65 }, "parameter 'batch' must be 64 or 128, not 65"],
  [{ rat: 1 }, "the experiment has no parameter 'rat'; did you mean 'rate'? it has rate, width"],
  [{ toString: 1 }, "the experiment has no parameter 'toString'"],
])('refuses %o', (given, message) => {
  expect(() => resolveParams(declared, given)).toThrow(message);
});

it('an experiment without parameters says how to declare some', () => {
  expect(() => resolveParams({}, { rate: 1 })).toThrow(
    "no parameter 'rate'; it declares none: defineExperiment({ params: { … } }",
  );
});

it('reads assignments, of which the last one of a name counts', () => {
  const given = ['rate=1e-2', 'width=64', 'augment=true', 'file=a=b.csv', 'optimizer=sgd', 'batch=128'];
  expect(parseAssignments(declared, [...given, 'width=+65'])).toEqual({
    ...{ rate: 0.01, width: 65, augment: true, file: 'a=b.csv', optimizer: 'sgd', batch: 128 },
  });
  expect(parseAssignments(declared, [])).toEqual({});
});

it.each([
  ['rate', "'rate' sets nothing; write NAME=VALUE, such as rate=0.001"],
  ['=1', "'=1' sets nothing"],
  ['rate=', "parameter 'rate' must be a finite number from 0 to 1, not ''"],
  ['rate=0x10', "not '0x10'"],
  ['rate=1,5', "not '1,5'"],
  ['rate=Infinity', "not 'Infinity'"],
  ['width=1e400', "parameter 'width' must be a whole number of at least 1, not '1e400'"],
  ['augment=yes', "parameter 'augment' must be true or false, not 'yes'"],
  ['batch=64px', "parameter 'batch' must be 64 or 128, not '64px'"],
  ['lr=1', "the experiment has no parameter 'lr'"],
])('refuses the assignment %s', (assignment, message) => {
  expect(() => parseAssignments(declared, [assignment])).toThrow(message);
});

it('a number that is written and read again is the same number', () => {
  const free = { x: param.number(0) };
  fc.assert(
    fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (x) => {
      // JavaScript writes the shortest decimal that reads as the same number, and -0 as 0.
      expect(parseAssignments(free, [`x=${x}`]).x).toBe(x + 0);
    }),
  );
});

it.each([
  [() => param.number(Number.NaN), 'param.number: default is NaN; it must be a finite number'],
  [() => param.number(2, { max: 1 }), 'param.number: the default 2 is outside of its bounds, -Infinity to 1'],
  [() => param.number(2, { max: Number.NaN }), 'outside of its bounds'],
  [() => param.number(2, { mx: 3 } as object), "did you mean 'max'"],
  [() => param.integer(1.5), 'param.integer: default is 1.5; it must be a whole number'],
  [
    () => param.boolean('yes' as never),
    "param.boolean: default is the string 'yes'; it must be true or false",
  ],
  [() => param.choice(...([] as never)), 'param.choice: needs at least one value'],
  [() => param.choice('a', 'a'), 'and each value once; it got ["a","a"]'],
  [() => param.choice('a', { hlp: 'x' } as never), "did you mean 'help'"],
  [() => param.choice(['a', 'b'] as never), 'param.choice: options[0] is the list'],
])('refuses the declaration %s', (declare, message) => {
  expect(declare).toThrow(message);
});

it.each([
  [{ rate: 0.1 }, 'params.rate must be made by param, such as param.number(0.1), not 0.1'],
  [{ width: 3 }, 'such as param.integer(3), not 3'],
  [{ width: null }, 'such as param.number(0.1), not null'],
  [{ 'my rate': param.number(1) }, "'my rate' cannot be a parameter's name"],
  [[param.number(1)], 'params is a list of 1; it must be an object'],
])('refuses the declarations %o', (given, message) => {
  expect(() => checkDeclarations(given)).toThrow(message);
});

it('says what each type takes', () => {
  expect(Object.values(declared).map(expectedOf)).toEqual([
    'a finite number from 0 to 1',
    'a whole number of at least 1',
    'true or false',
    'text',
    "'adam' or 'sgd'",
    '64 or 128',
  ]);
});
