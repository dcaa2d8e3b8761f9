/** Values by their keys, and their order. */
import { LockstepError, nearNames } from '@lockstep/errors';

export type Value = string | number | boolean;

/**
 * Every value of a run by its key. Keys of one name take precedence in this order: the run's own (`status`), its settings
 * (`batchSize`), the parameters of its experiment, its metrics. A prefix names one kind: `config.`, `params.`, `last.`, `best.`.
 */
export type Values = ReadonlyMap<string, Value>;

/** Options of the command line are written `--batch-size`, settings `batchSize`. */
const camelCase = (key: string): string =>
  key.replace(/-([a-z])/g, (_, letter: string) => letter.toUpperCase());

/** The key as runs or trials have it. Throws `config`, with the nearest keys, where none of them has it. */
export function keyNamed(all: readonly Values[], key: string, what: 'run' | 'trial' = 'run'): string {
  const known = [key, camelCase(key)].find((name) => all.some((values) => values.has(name)));
  if (known !== undefined) return known;
  const names = [...new Set(all.flatMap((values) => [...values.keys()]))];
  const near = nearNames(key, names);
  const shown = names.filter((name) => !/^(?:config|params|last|best|spread)\./.test(name)).sort();
  const hint = near.length > 0 ? `did you mean ${near.join(' or ')}?` : `they have ${shown.join(', ')}`;
  throw new LockstepError('config', `no ${what} has '${key}'; ${hint}`, { key, near });
}

/**
 * Of two values the one that comes first is less. Numbers come before text; NaN and what is missing come last in either direction.
 */
export function compareValues(a: Value | undefined, b: Value | undefined, descending: boolean): number {
  return groupOf(a) - groupOf(b) || (descending ? -1 : 1) * order(a, b);
}

/** Numbers come before text, and what has no order comes last. */
function groupOf(value: Value | undefined): number {
  if (value === undefined || Number.isNaN(value)) return 2;
  return typeof value === 'string' ? 1 : 0;
}

/** Within a group. */
function order(a: Value | undefined, b: Value | undefined): number {
  if (typeof a === 'string') return byText(a, String(b));
  // Infinity less Infinity is NaN.
  return a === b || groupOf(a) === 2 ? 0 : Number(a) < Number(b) ? -1 : 1;
}

export const byText = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
