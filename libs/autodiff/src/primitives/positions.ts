/** Checks of what says where in an array something is: positions, counts and lists of them. */
import { LockstepError } from '@lockstep/errors';
import { formatShape } from '@lockstep/tensor';
import { Tensor } from '../core.ts';

/** What came instead of a position, in words for a message. */
export function described(value: unknown): string {
  if (value instanceof Tensor) return `a tensor ${value.dtype}${formatShape(value.shape)}`;
  if (typeof value === 'string') return `the string '${value}'`;
  if (typeof value === 'function') return 'a function';
  if (Array.isArray(value)) return `the list [${value.map(described).join(', ')}]`;
  if (ArrayBuffer.isView(value)) return `a ${value.constructor.name}`;
  if (typeof value === 'object' && value !== null) return `an object {${Object.keys(value).join(', ')}}`;
  return String(value);
}

/** A list in which every entry passes; `expected` says in words what `what` is. */
export function requireList(
  op: string,
  what: string,
  list: unknown,
  isEntry: (entry: unknown) => boolean,
  expected: string,
): void {
  // `every` and `find` of an array with holes see what an index would give.
  const entries: readonly unknown[] | undefined = Array.isArray(list) ? Array.from(list) : undefined;
  const odd = entries?.findIndex((entry) => !isEntry(entry));
  if (odd === -1) return;
  const found = odd === undefined ? described(list) : `${described(entries![odd])} at place ${odd}`;
  throw new LockstepError('argument', `${op}: ${what} is ${expected}, not ${found}`, {
    op,
  });
}
