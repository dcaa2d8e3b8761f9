/**
 * Calls every export with arguments that callers without types may give. Each error must be a LockstepError, which says what was
 * given and what was expected.
 */
import { describe, expect, it } from 'vitest';
import * as extend from './extend.ts';
import * as users from './index.ts';
import { keyTensor, LockstepError, Tensor, tensor } from './index.ts';

const library = { ...users, ...extend };

const cyclic: unknown[] = [];
cyclic.push(cyclic);
const looped: Record<string, unknown> = {};
looped.self = looped;

const vector = tensor([1, 2, 3]);
const matrix = tensor([
  [2, 1],
  [1, 3],
]);

/** Values by name; messages of failures use the names. */
const grid: Readonly<Record<string, unknown>> = {
  undefined: undefined,
  null: null,
  NaN: Number.NaN,
  infinity: Number.POSITIVE_INFINITY,
  minusOne: -1,
  half: 0.5,
  two: 2,
  true: true,
  text: 'text',
  empty: '',
  bigint: 3n,
  symbol: Symbol('s'),
  object: {},
  axis: { axis: 0 },
  list: [],
  strings: ['a', 'b'],
  nulls: [null, null],
  ragged: [[1], [2, 3]],
  sparse: new Array(2),
  cyclic,
  looped,
  date: new Date(0),
  map: new Map([['a', 1]]),
  typed: new Float32Array(2),
  bigints: new BigInt64Array(2),
  view: new DataView(new ArrayBuffer(8)),
  function: (x: unknown) => x,
  tensor: vector,
  matrix,
  key: keyTensor(0),
};

const names = Object.keys(grid);
const few = ['undefined', 'null', 'two', 'text', 'object', 'strings', 'function', 'tensor', 'matrix'];

/** Whether each place of every list takes every value, as in `npm run test:thorough`. */
const thorough = process.env.LOCKSTEP_THOROUGH === '1';

/** Lists of arguments, as lists of names. */
function* calls(): Generator<readonly string[]> {
  yield [];
  for (const one of names) yield [one];
  for (const first of few) for (const second of thorough ? names : few) yield [first, second];
  for (const first of ['tensor', 'key', 'function']) {
    for (const second of ['undefined', 'list', 'matrix']) {
      for (const third of thorough ? names : few) yield [first, second, third];
    }
  }
  for (const fourth of thorough ? names : few) {
    yield ['two', 'two', 'function', fourth];
    yield ['key', 'list', 'two', fourth];
    yield ['matrix', 'matrix', 'matrix', fourth];
    yield ['function', 'function', 'function', fourth];
  }
}

type Callable = (...args: readonly unknown[]) => unknown;

/** Methods of layers and optimizers, which successful calls return. */
const parts = ['init', 'apply', 'update', 'attend'] as const;

/** Arguments of these methods; some of them are valid. */
function* partCalls(): Generator<readonly string[]> {
  for (const one of names) {
    yield [one, 'list'];
    yield ['key', one];
    yield ['object', 'object', one, 'object'];
    yield ['tensor', one, 'tensor', 'object'];
    yield [one, 'object', 'tensor', one];
  }
}

/** Errors of calls that are not a LockstepError. Functions and methods that come back are called too. */
async function strangers(
  name: string,
  f: Callable,
  lists: Iterable<readonly string[]>,
  depth = 0,
): Promise<string[]> {
  const found: string[] = [];
  // Two results are enough, because results are alike for all arguments.
  let numTried = 0;
  const note = (error: unknown, call: string): void => {
    if (!(error instanceof LockstepError) || error.code === 'internal')
      found.push(`${call}: ${String(error)}`);
  };
  for (const list of lists) {
    const call = `${name}(${list.join(', ')})`;
    try {
      const result = f(...list.map((one) => grid[one]));
      if (result instanceof Promise) await result.catch((error: unknown) => note(error, call));
      if (result === undefined || result === f || numTried === 2 || depth > 0) continue;
      if (typeof result === 'object' && result !== null && !(result instanceof Tensor)) {
        for (const part of parts) {
          const method: unknown = (result as Readonly<Record<string, unknown>>)[part];
          if (typeof method !== 'function') continue;
          numTried++;
          found.push(...(await strangers(`${call}.${part}`, method.bind(result), partCalls(), 1)));
        }
      }
      if (typeof result !== 'function' || list.includes('function')) continue;
      numTried++;
      for (const one of names) {
        try {
          (result as Callable)(grid[one], grid.tensor);
        } catch (error) {
          note(error, `${call}(${one}, tensor)`);
        }
      }
    } catch (error) {
      note(error, call);
    }
  }
  return found;
}

/** The first error of each kind. */
const summary = (found: readonly string[]): string[] => {
  const seen = new Map<string, string>();
  for (const one of found) {
    const message = one.slice(one.indexOf('): ') + 3);
    if (!seen.has(message)) seen.set(message, one);
  }
  return [...seen.values()].slice(0, 12);
};

/** Exports that are not called here, and the reason. */
const exceptions: Readonly<Record<string, string>> = {
  LockstepError: 'a class: a call without `new` is an error of the language',
  Tensor: 'a class',
  ConcreteTensor: 'a class',
  bind: 'what ops are made of: each of them goes through it, and has checked its arguments before',
  primitive: 'what ops are made of: an entry of the table is code, not input',
};

const functions = Object.entries(library).flatMap(([name, value]) =>
  typeof value === 'function' && !(name in exceptions) ? [[name, value as Callable] as const] : [],
);

describe('exports', () => {
  it('have every exception', () => {
    expect(Object.keys(exceptions).filter((name) => !(name in library))).toEqual([]);
  });

  it.each(functions)('%s throws LockstepErrors only', async (name, f) => {
    expect(summary(await strangers(name, f, calls()))).toEqual([]);
  });
});

const methods = Object.getOwnPropertyNames(Tensor.prototype).filter(
  (name) =>
    typeof Object.getOwnPropertyDescriptor(Tensor.prototype, name)?.value === 'function' &&
    name !== 'constructor',
);

describe('a method of tensors', () => {
  it.each(methods)('%s throws LockstepErrors only', async (name) => {
    const own =
      (x: Tensor): Callable =>
      (...args) =>
        (x as unknown as Record<string, Callable>)[name]!(...args);
    const found = [
      ...(await strangers(`vector.${name}`, own(vector), calls())),
      ...(await strangers(`matrix.${name}`, own(matrix), calls())),
    ];
    expect(summary(found)).toEqual([]);
  });
});
