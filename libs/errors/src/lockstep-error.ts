export type ErrorCode =
  /** Shapes of arguments do not fit the operation's rule. */
  | 'shape'
  /** Element types differ or are not supported by the operation. */
  | 'dtype'
  /** An argument is outside its domain. */
  | 'argument'
  /** A value that exists only while a program is traced was used as a concrete value. */
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
  /** A checkpoint or run folder is missing, is damaged or belongs to another experiment. */
  | 'checkpoint'
  /** A file cannot be written or read: the disk is full, a permission is missing, a folder is gone. */
  | 'file'
  /** An internal invariant is broken: this is a bug in Lockstep. */
  | 'internal';

export type Facts = Readonly<Record<string, unknown>>;

/** Every error that a user can meet: a code to branch on, the facts, and a message that says what to do. */
export class LockstepError extends Error {
  override readonly name = 'LockstepError';
  readonly code: ErrorCode;
  readonly facts: Facts;

  constructor(code: ErrorCode, message: string, facts: Facts = {}, options?: { cause?: unknown }) {
    super(message, options);
    this.code = code;
    this.facts = facts;
  }
}

/** Throws an `internal` error unless `condition` holds. Use it for internal invariants, never for mistakes of users. */
export function invariant(condition: unknown, message: string, facts: Facts = {}): asserts condition {
  if (!condition) throw new LockstepError('internal', `invariant broken: ${message}`, facts);
}
