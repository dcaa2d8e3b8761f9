/** Kinds of the arguments of this library's functions. */
import { type Kind, recordOf } from '@lockstep/errors';
import { dtypes } from '@lockstep/tensor';

/** An array: elements with their type and shape. Tensors are arrays too. */
export const anArray: Kind = {
  what: 'an array, an object of dtype, shape and data, such as a tensor',
  fits: isArray,
};

export const someArrays: Kind = recordOf(
  anArray,
  'an object of arrays by name, each a tensor or { dtype, shape, data }',
);

export const someBytes: Kind = {
  what: "a Uint8Array, the file's bytes",
  fits: (value) => value instanceof Uint8Array,
};

function isArray(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  const { dtype, shape, data } = value as Readonly<Record<'dtype' | 'shape' | 'data', unknown>>;
  const isKnown = dtypes.some((known) => known === dtype);
  return isKnown && Array.isArray(shape) && ArrayBuffer.isView(data) && !(data instanceof DataView);
}
