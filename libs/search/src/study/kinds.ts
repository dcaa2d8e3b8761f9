/** Kinds of values that functions of this library take, which JavaScript files give without types. */
import { isPlainObject, type Kind } from '@lockstep/errors';

export const anObjective: Kind = {
  what: "an objective, such as minimize('validation/loss')",
  fits: (value) =>
    isPlainObject(value) &&
    typeof value.metric === 'string' &&
    (value.direction === 'minimize' || value.direction === 'maximize'),
};

export const aRecordedTrial: Kind = {
  what: 'a trial with its number, params and result',
  fits: (value) =>
    isPlainObject(value) &&
    Number.isSafeInteger(value.number) &&
    isPlainObject(value.params) &&
    isPlainObject(value.result) &&
    typeof value.result.status === 'string' &&
    Array.isArray(value.result.values),
};

/** A share of a whole, which is neither nothing nor all. */
export const aShare: Kind = {
  what: 'a number above 0 and below 1',
  fits: (value) => typeof value === 'number' && value > 0 && value < 1,
};
