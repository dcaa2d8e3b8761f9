/**
 * Numbers that name something: labels name classes, tokens name rows of a table. Numbers with values are checked at
 * once. In a traced program they have no values, and one that names nothing gives NaN; the code that traces can watch
 * which values are used as names and check their source.
 */
import { ConcreteTensor, type Tensor } from '@lockstep/autodiff';
import { LockstepError } from '@lockstep/errors';

export interface NamingUse {
  /** The loss, metric or layer. */
  readonly owner: string;
  readonly kind: 'label' | 'token';
  /** int32 */
  readonly numbers: Tensor;
  /** Valid numbers are 0 to `count` − 1. */
  readonly count: number;
  /** A number that is valid although it may lie outside. */
  readonly ignored?: number | undefined;
}

let watcher: ((use: NamingUse) => void) | undefined;

/** Runs `f` and calls `watch` for each use of numbers that have no values yet. */
export function watchNames<T>(watch: (use: NamingUse) => void, f: () => T): T {
  const before = watcher;
  watcher = watch;
  try {
    return f();
  } finally {
    watcher = before;
  }
}

/** Throws `argument` for a number with a value that names nothing. */
export function requireNamed(use: NamingUse): void {
  const { numbers } = use;
  if (!(numbers instanceof ConcreteTensor)) {
    noteNames(use);
    return;
  }
  const place = firstUnnamed(numbers.data, use);
  if (place === -1) return;
  const value = numbers.data[place]!;
  throw new LockstepError(
    'argument',
    `${use.owner}: ${use.kind} ${value}, number ${place} of ${numbers.size}, ${unnamedText(use, value)}`,
    { owner: use.owner, value, count: use.count },
  );
}

/** Only reports the use to the watcher: for functions, such as metrics, that give every number a value. */
export function noteNames(use: NamingUse): void {
  watcher?.(use);
}

/** The index of the first number that names nothing, or −1. */
export function firstUnnamed(
  numbers: ArrayLike<number>,
  { count, ignored }: Pick<NamingUse, 'count' | 'ignored'>,
): number {
  for (let i = 0; i < numbers.length; i++) {
    const value = numbers[i]!;
    if (!(value >= 0 && value < count) && value !== ignored) return i;
  }
  return -1;
}

/** The problem of a number and its remedy; `source` makes the outputs or holds the table. */
export function unnamedText({ kind, count }: NamingUse, value: number, source?: string): string {
  const last = count - 1;
  if (kind === 'token') {
    const needs = value < 0 ? 'tokens are numbered from 0' : `token ${value} needs at least ${value + 1}`;
    return `has no row in the table of ${count}, numbered from 0 to ${last}; ${needs}`;
  }
  const needs =
    value < 0
      ? `labels are numbered from 0, and ignoreIndex: ${value} leaves it out`
      : `label ${value} needs at least ${value + 1}`;
  return `names no class: ${source ?? 'the prediction'} gives ${count} output${count === 1 ? '' : 's'}, numbered from 0 to ${last}; ${needs}`;
}
