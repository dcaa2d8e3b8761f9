/**
 * Typed errors. Every error a user can meet is a {@link LockstepError}: a `code` to branch on, the facts as
 * fields, and a message that says what came, what was expected and what to do.
 */
import { LockstepError } from './lockstep-error.ts';

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
export { LockstepError } from './lockstep-error.ts';
export { nearNames } from './near.ts';
export type { Origin } from './origin.ts';
export { addOrigin, causesOf, ofField, originOf } from './origin.ts';
export { withRows } from './rows.ts';
export type { Check } from './signature.ts';
export { checkOptions, checkValue, signature } from './signature.ts';

export type ErrorCode =
  /** Shapes of arguments do not fit the operation's rule. */
  | 'shape'
  /** Element types differ or are not supported by the operation. */
  | 'dtype'
  /** An argument is outside its domain. */
  | 'argument'
  /** A value that exists only while a program is traced was used as a concrete one. */
  | 'trace'
  /** The experiment file is missing, does not load or is not an experiment. */
  | 'experiment'
  /** A dataset is missing or damaged. */
  | 'data'
  /** An option or configuration value is unknown or invalid. */
  | 'config'
  /** An address cannot be bound or reached. */
  | 'address'
  /** A key is missing, unknown or wrong. */
  | 'credentials'
  /** The coordinator does not accept this worker. */
  | 'refused'
  /** A message breaks the protocol. */
  | 'protocol'
  /** A peer or process is gone. */
  | 'lost'
  /** A checkpoint or run folder is missing, damaged or of another experiment. */
  | 'checkpoint'
  /** A file cannot be written or read: the disk is full, a permission is missing, a folder is gone. */
  | 'file'
  /** An invariant of ours is broken: a bug. */
  | 'internal';

export type Facts = Readonly<Record<string, unknown>>;

/** What crosses a thread or process boundary, where classes do not survive cloning. */
export interface WireError {
  readonly code: ErrorCode;
  readonly message: string;
  readonly facts: Facts;
  readonly stack?: string;
}

export function toWireError(error: unknown): WireError {
  if (error instanceof LockstepError) {
    const { code, message, facts, stack } = error;
    return { code, message, facts, ...(stack === undefined ? {} : { stack }) };
  }
  if (error instanceof Error) {
    const { message, stack } = error;
    return { code: 'internal', message, facts: {}, ...(stack === undefined ? {} : { stack }) };
  }
  return { code: 'internal', message: String(error), facts: {} };
}

export function fromWireError(wire: WireError): LockstepError {
  const error = new LockstepError(wire.code, wire.message, wire.facts);
  if (wire.stack !== undefined) error.stack = wire.stack;
  return error;
}

/** Throws an `internal` error unless `condition` holds. For our own invariants, never for user mistakes. */
export function invariant(condition: unknown, message: string, facts: Facts = {}): asserts condition {
  if (!condition) throw new LockstepError('internal', `invariant broken: ${message}`, facts);
}
