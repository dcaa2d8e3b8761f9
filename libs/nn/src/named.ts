/**
 * Numbers that name something: labels name classes, tokens rows of a table. Where they are at hand they are checked at
 * once. In a traced program they are not, and one that names nothing gives NaN; who traces it can watch which values
 * are used so, and check their source.
 */
import { ConcreteTensor, type Tensor } from '@lockstep/autodiff';
import { LockstepError } from '@lockstep/errors';

export interface NamingUse {
  /** The loss, metric or layer. */
  readonly owner: string;
  readonly kind: 'label' | 'token';
  /** int32 */
  readonly numbers: Tensor;
  /** They name 0 to `count` − 1. */
  readonly count: number;
  /** One that may lie outside. */
  readonly ignored?: number | undefined;
}

let watcher: ((use: NamingUse) => void) | undefined;

/** Runs `f` and tells `watch` of each use of numbers that are not at hand. */
export function watchNames<T>(watch: (use: NamingUse) => void, f: () => T): T {
  const before = watcher;
  watcher = watch;
  try {
    return f();
  } finally {
    watcher = before;
  }
}

/** Throws an `argument` error for a number at hand that names nothing. */
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

/** For what gives a value to every number, such as a metric: nothing is checked but what is watched. */
export function noteNames(use: NamingUse): void {
  watcher?.(use);
}

/** The place of the first number that names nothing, or −1. */
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

/** What is wrong with the number, and what to do; `source` gives the outputs, or has the table. */
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
