import { describe, expect, it } from 'vitest';
import {
  arange,
  eye,
  ggnvp,
  gradWithAux,
  hessianTensorProduct,
  hvp,
  type Tensor,
  tensor,
  tile,
  valueAndGradWithAux,
} from '../index.ts';

describe('results that are not pairs and arguments that are not lists', () => {
  it.each([
    ['gradWithAux', gradWithAux],
    ['valueAndGradWithAux', valueAndGradWithAux],
  ])('%s says that its function returns [scalar, auxiliary]', (_name, transform) => {
    for (const f of [(x: Tensor) => x.square(), () => undefined, (x: Tensor) => [x]]) {
      expect(() => transform(f as never)(tensor(2))).toThrow(
        /the function must return \[scalar, auxiliary\], not /,
      );
    }
    expect(gradWithAux((x: Tensor) => [x.square(), 1])(tensor(2))[0].item()).toBe(4);
  });

  it.each([
    ['hvp', hvp],
    ['hessianTensorProduct', hessianTensorProduct],
    ['ggnvp', ggnvp],
  ])('%s says that its arguments are a list', (name, transform) => {
    const made = transform as (f: (x: Tensor) => Tensor) => (...args: readonly unknown[]) => unknown;
    const product = made((x) => x.square());
    for (const args of [undefined, tensor(1), 5]) {
      expect(() => product(args, tensor(1))).toThrow(
        new RegExp(`^(${name}|hvp): the arguments are .*give them as a list`),
      );
    }
  });
});

describe('arrays beyond memory', () => {
  it.each([
    ['arange', () => arange(1e11)],
    ['eye', () => eye(1e6)],
    ['tile', () => tile(tensor([1, 2]), 1e11)],
    ['repeat', () => tensor([1, 2]).repeat(1e11)],
  ])('%s says how much memory they need', (_name, make) => {
    expect(make).toThrow(/takes .* GiB, more than this process can allocate/);
  });

  it('arange refuses numbers that the type does not hold', () => {
    expect(() => arange(3, 'bool')).toThrow('arange: 2 is not a bool value');
    expect(() => arange(2 ** 33, 'uint32')).toThrow('arange: 4294967296 is not a uint32 value');
    expect(Array.from(arange(3, 'int32').data)).toEqual([0, 1, 2]);
  });
});
