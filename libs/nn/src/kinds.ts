/** Kinds of the arguments of layers, losses and initialisers. */
import { kinds } from '@lockstep/autodiff';
import type { Kind } from '@lockstep/errors';

export const { aShape, aSize, aTensor, numberOrList, numberOrTensor } = kinds;

export const aLayer: Kind = {
  what: 'a layer such as dense(16), or a function of the batch such as relu',
  fits: (value) => typeof value === 'function' || isLayer(value),
};

function isLayer(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  const { init, apply } = value as { readonly init?: unknown; readonly apply?: unknown };
  return typeof init === 'function' && typeof apply === 'function';
}
