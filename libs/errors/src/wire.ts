import { type ErrorCode, type Facts, LockstepError } from './lockstep-error.ts';

/** An error as plain data, to cross a thread or process boundary, where classes do not survive cloning. */
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
