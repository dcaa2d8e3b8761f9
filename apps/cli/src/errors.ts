/** Turns an error into one short block of text and an exit code. */
import { type ErrorCode, LockstepError } from '@lockstep/errors';

export const exitCodes = {
  done: 0,
  /** The experiment or the run failed. */
  failed: 1,
  /** A mistake in the command line, a configuration value or an address. */
  usage: 2,
  /** Keys are missing or wrong, or the coordinator does not accept this worker. */
  refused: 3,
  /** A loss, gradient or parameter is not finite; the last finite state is saved. Code 4 belongs to workers. */
  nonFinite: 5,
  /** A run that was computed again is another one than was recorded. Code 6 belongs to workers. */
  different: 7,
  /** A sweep has set trials aside, so it has no table. */
  incomplete: 8,
  /** `lockstep launch`: the engine asked for a stop, the run is saved, and a new start goes on with it (EX_TEMPFAIL). */
  again: 75,
  /** Stopped by Ctrl-C or SIGTERM; the run is saved. */
  interrupted: 130,
} as const;

const byCode: Partial<Record<ErrorCode, number>> = {
  config: exitCodes.usage,
  address: exitCodes.usage,
  credentials: exitCodes.refused,
  refused: exitCodes.refused,
};

export function exitCodeOf(error: unknown): number {
  return (error instanceof LockstepError && byCode[error.code]) || exitCodes.failed;
}

/** The text `lockstep: what is wrong`. The stack is shown with --verbose; the text says so for errors of our own. */
export function describeError(error: unknown, verbose: boolean): string {
  if (!(error instanceof Error)) return `lockstep: ${String(error)}\n`;
  const isBug = !(error instanceof LockstepError) || error.code === 'internal';
  const hint = isBug && !verbose ? '  (--verbose shows where it comes from)\n' : '';
  const head = `lockstep: ${error.message}\n${hint}`;
  if (!verbose) return head;
  const cause = error.cause instanceof Error ? `caused by ${error.cause.stack ?? error.cause.message}\n` : '';
  return `${head}${error.stack ?? ''}\n${cause}`;
}
