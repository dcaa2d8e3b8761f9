/** Errors of functions that are tried on a few rows, for readers who know no batch of that size. */
import { LockstepError } from './lockstep-error.ts';

/**
 * Calls `run` with a number of rows. If it fails, calls it again with one row more, and writes the numbers that differ
 * between the two messages in terms of `rows`: `[rows, 784]`, `2·rows`.
 */
export function withRows<T>(numRows: number, run: (rows: number) => T): T {
  try {
    return run(numRows);
  } catch (error) {
    if (!isOurs(error)) throw error;
    const { code, facts, message } = error;
    const next = messageOf(() => run(numRows + 1));
    const named = next === undefined ? undefined : nameRows(message, next, numRows);
    const text = named ?? `${message} (tried with ${numRows} rows)`;
    throw new LockstepError(code, text, facts, { cause: error });
  }
}

/**
 * The message in terms of `rows`; undefined if the messages for `numRows` and `numRows + 1` differ in more than
 * numbers.
 */
function nameRows(message: string, next: string, numRows: number): string | undefined {
  const number = /(?<![\w.])\d+(?![\w.]*\w)/g;
  const [texts, others] = [message.split(number), next.split(number)];
  if (texts.length !== others.length || texts.some((text, i) => text !== others[i])) return undefined;
  const grown = (next.match(number) ?? []).map(Number);
  return message.replaceAll(number, (text) => {
    const factor = grown.shift()! - Number(text);
    return factor === 0 ? text : inRows(factor, Number(text) - factor * numRows);
  });
}

function inRows(factor: number, rest: number): string {
  const product = factor === 1 ? 'rows' : `${factor}·rows`;
  if (rest === 0) return product;
  return rest > 0 ? `${product} + ${rest}` : `${product} - ${-rest}`;
}

function messageOf(run: () => unknown): string | undefined {
  try {
    run();
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : undefined;
  }
}

/** Compares the name, since the error may come from another copy of this library. */
const isOurs = (error: unknown): error is LockstepError =>
  error instanceof Error && error.name === 'LockstepError';
