/** Kinds of the arguments of optimizers and schedules. */

import { kinds } from '@lockstep/autodiff';
import { aFunction, aNumber, either, type Kind } from '@lockstep/errors';
import { flatten } from '@lockstep/tree';

export const { aTensor } = kinds;

/** A learning rate. The function that takes it checks its range. */
export const aRate: Kind = either(aNumber, { ...aFunction, what: 'a schedule' });

/** Parameters, gradients, updates or state. */
export const aTree: Kind = {
  what: 'a tree of tensors, such as { w, b }',
  fits: (value) => flatten<unknown>(value).leaves.every(aTensor.fits),
};

export const aTransformation: Kind = {
  what: 'an optimizer or a link of one, such as adam(1e-3)',
  fits(value) {
    if (typeof value !== 'object' || value === null) return false;
    const { init, update } = value as { readonly init?: unknown; readonly update?: unknown };
    return typeof init === 'function' && typeof update === 'function';
  },
};
