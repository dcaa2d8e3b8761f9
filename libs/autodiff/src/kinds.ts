/** Kinds of arguments of ops and transformations, for the checks at the beginning of each. */
import { either, type Kind, listOf, oneOf } from '@lockstep/errors';
import { dtypes } from '@lockstep/tensor';
import { Tensor } from './tensor.ts';

export const aTensor: Kind = {
  what: 'a tensor, such as tensor([1, 2])',
  fits: (value) => value instanceof Tensor,
};

/** The elements are checked when the value becomes a tensor. */
export const tensorLike: Kind = {
  what: 'a tensor, a number or nested arrays of numbers',
  fits: (value) =>
    value instanceof Tensor ||
    typeof value === 'number' ||
    typeof value === 'boolean' ||
    Array.isArray(value) ||
    ArrayBuffer.isView(value),
};

const isNumber = (value: unknown): boolean => typeof value === 'number';

/** Only the op knows which axes exist. */
export const anAxis: Kind = { what: 'an axis, a whole number', fits: isNumber };
const aNumberOf = (what: string): Kind => ({ what, fits: isNumber });

export const someAxes: Kind = {
  what: 'an axis or a list of axes',
  fits: (value) => isNumber(value) || (Array.isArray(value) && value.every(isNumber)),
};

export const aShape: Kind = listOf(aNumberOf('a length'), 'a list of lengths such as [2, 3]');
export const aDType: Kind = oneOf(...dtypes);
export const aFloatDType: Kind = oneOf('float32', 'float64');

export const numberOrList: Kind = either(
  aNumberOf('a number'),
  listOf(aNumberOf('a number'), 'a list of numbers'),
);
export const numberOrTensor: Kind = either(aNumberOf('a number'), aTensor);

/** Only the call tells which arguments exist. */
export const someArguments: Kind = {
  ...someAxes,
  what: 'the number of an argument, from 0, or a list of such numbers',
};

const pairOfNumbers = (what: string): Kind => listOf(aNumberOf('a number'), what, 2);

/** One length for both axes, or two. */
export const aSize: Kind = either(aNumberOf('a whole number'), pairOfNumbers('[down, across]'));

const modes = oneOf('same', 'valid');
export const aPadding: Kind = either(
  modes,
  aNumberOf('a whole number ≥ 0'),
  listOf(pairOfNumbers('[before, after]'), '[[top, bottom], [left, right]]', 2),
);
export const aPadding1d: Kind = either(
  modes,
  aNumberOf('a whole number ≥ 0'),
  pairOfNumbers('[before, after]'),
);
