/** Results of ops for int32, uint32 and bool: every result is exact, or the op refuses the type and names a cast. */
import { LockstepError } from '@lockstep/errors';
import { describe, expect, it } from 'vitest';
import { allOps } from './fixtures/ops/index.ts';
import type { OpCase } from './fixtures/ops/op-case.ts';
import {
  isExact,
  outcomeOf,
  type WholeType,
  wholeInputs,
  wholeTypes,
  wholeTypesOf,
} from './fixtures/ops/whole.ts';
import * as library from './index.ts';
import { jit, type Tensor } from './index.ts';

function holdsFor(given: OpCase, dtype: WholeType, name: string): void {
  const inputs = wholeInputs(given, dtype);
  if (inputs === undefined) return;
  const { exact, whole } = inputs;
  // Whole numbers have no infinity: a quotient by 0 is 0.
  if (dividing.has(name) && exact[1]!.data.includes(0)) return;
  const wanted = outcomeOf(given.f, exact);
  const found = outcomeOf(given.f, whole);
  if (found instanceof LockstepError) {
    if (wanted instanceof LockstepError && wanted.code === found.code) return;
    expect(found.code, found.message).toBe('dtype');
    expect(found.message).toMatch(/\.cast\('float(32|64)'\)/);
    return;
  }
  expect(wanted, 'an error in float64 alone').not.toBeInstanceOf(LockstepError);
  for (const [i, y] of found.entries()) {
    const right = (wanted as readonly Tensor[])[i]!;
    expect(y.shape).toEqual(right.shape);
    const odd = [...y.data].findIndex((value, k) => !isExact(value, right.data[k]!, y.dtype));
    expect(odd, `${y} of ${whole.join(', ')}; in float64 ${right}`).toBe(-1);
  }
}

const dividing = new Set(['floorDivide', 'remainder', 'mod']);

describe('with whole numbers every op is exact or refuses them', () => {
  for (const [name, { cases }] of Object.entries(allOps)) {
    it(name, () => {
      for (const given of cases) for (const dtype of wholeTypes) holdsFor(given, dtype, name);
    });
  }
});

it('ops whose results are not whole in general refuse whole numbers, eagerly and compiled', () => {
  const averages = [
    'mean', 'variance', 'std', 'median', 'quantile', 'average', 'nanMean', 'softmax', 'logSoftmax', 'logSumExp',
    'div', 'reciprocal', 'sqrt', 'exp', 'log', 'sigmoid', 'tanh', 'hypot', 'avgPool', 'avgPool1d', 'globalAvgPool',
    'adaptiveAvgPool', 'adaptiveAvgPool1d', 'gelu', 'leakyRelu', 'hardSigmoid', 'softsign', 'logCumSumExp',
    'inverse', 'solve', 'determinant', 'xLogY', 'logit',
  ] as const; // biome-ignore format: a list
  for (const name of averages) {
    expect(wholeTypesOf(allOps[name]!), name).toEqual([]);
    const [given] = allOps[name]!.cases;
    const { whole } = wholeInputs(given!, 'int32')!;
    expect(() => jit(given!.f as (...xs: Tensor[]) => Tensor)(...whole), name).toThrow(/\.cast\('float32'\)/);
  }
});

it('arrays of fractions are made as floats', () => {
  const key = library.keyTensor(1);
  const makers: Readonly<Record<string, (dtype: 'float32') => Tensor>> = {
    linspace: (dtype) => library.linspace(0, 1, 5, dtype),
    uniform: (dtype) => library.uniform(key, [3], 0, 1, dtype),
    normal: (dtype) => library.normal(key, [3], dtype),
    gumbel: (dtype) => library.gumbel(key, [3], dtype),
    exponential: (dtype) => library.exponential(key, [3], dtype),
    laplace: (dtype) => library.laplace(key, [3], dtype),
    truncatedNormal: (dtype) => library.truncatedNormal(key, [3], -1, 1, dtype),
  };
  for (const [name, make] of Object.entries(makers)) {
    for (const dtype of wholeTypes) {
      // A caller without types may ask for a whole type.
      const run = (): Tensor => make(dtype as 'float32');
      expect(run, name).toThrow(LockstepError);
      expect(run, name).toThrow(/float32' or 'float64'|float32 or float64, not (int32|uint32|bool)/);
    }
  }
});

it('moments exist for floats only', () => {
  const x = library.ones([2, 3], 'int32');
  for (const moments of [library.shardMoments, library.localMoments])
    expect(() => moments(x, library.ones([2], 'int32'))).toThrow(
      'moments: takes float32 or float64, not int32',
    );
});

it('ops with whole results compute them', () => {
  for (const name of [
    'add',
    'mul',
    'sum',
    'prod',
    'cumSum',
    'floorDivide',
    'remainder',
    'matmul',
    'square',
  ] as const)
    expect(wholeTypesOf(allOps[name]!), name).toEqual(expect.arrayContaining(['int32', 'uint32']));
  for (const name of [
    'max',
    'min',
    'argmax',
    'argmin',
    'equal',
    'where',
    'sort',
    'countNonZero',
    'any',
    'all',
  ] as const)
    expect(wholeTypesOf(allOps[name]!), name).toEqual(['int32', 'uint32', 'bool']);
});
