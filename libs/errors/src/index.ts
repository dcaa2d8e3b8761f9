/**
 * Typed errors. Every error that a user can meet is a {@link LockstepError}: it has a `code` to branch on, facts as
 * fields, and a message that says what was given, what was expected and what to do.
 */
export { describeValue } from './describe.ts';
export type { Kind, Rules } from './kinds.ts';
export {
  aBoolean,
  aFunction,
  aNumber,
  anObject,
  anything,
  aString,
  either,
  finite,
  isPlainObject,
  listOf,
  nestedOptions,
  numberFrom,
  oneOf,
  orNull,
  recordOf,
  required,
  whole,
} from './kinds.ts';
export type { ErrorCode, Facts } from './lockstep-error.ts';
export { invariant, LockstepError } from './lockstep-error.ts';
export { nearNames } from './near.ts';
export type { Origin } from './origin.ts';
export { addOrigin, causesOf, ofField, originOf } from './origin.ts';
export { withRows } from './rows.ts';
export type { Check } from './signature.ts';
export { checkOptions, checkValue, signature } from './signature.ts';
export type { WireError } from './wire.ts';
export { fromWireError, toWireError } from './wire.ts';
