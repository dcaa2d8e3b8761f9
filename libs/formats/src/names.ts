/** From trees of arrays to names and back: files hold arrays side by side, each under a name. */
import { LockstepError } from '@lockstep/errors';
import type { Storage } from '@lockstep/tensor';

/**
 * The arrays of nested objects and lists by their paths: `{ layers: [{ weight: w }] }` → `{ 'layers.0.weight': w }`.
 * Throws an `argument` error for a key that holds the separator, since two paths could then spell one name.
 */
export function nameArrays<T extends Storage>(tree: Nested<T>, separator = '.'): Readonly<Record<string, T>> {
  return Object.fromEntries(named(tree, [], separator));
}

function named<T extends Storage>(
  tree: Nested<T>,
  path: readonly string[],
  separator: string,
): [string, T][] {
  if (isArray(tree)) return [[path.join(separator), tree]];
  return Object.entries(tree as Readonly<Record<string, Nested<T>>>).flatMap(([key, child]) => {
    if (!key.includes(separator)) return named(child, [...path, key], separator);
    throw new LockstepError(
      'argument',
      `nameArrays: the key '${key}' holds the separator '${separator}'; rename it or give another separator`,
      { key, separator },
    );
  });
}

function isArray<T extends Storage>(value: Nested<T>): value is T {
  return 'dtype' in value && 'shape' in value && 'data' in value;
}

/** A tree of objects, and of arrays where the keys of a level are 0, 1, 2, … */
export type Nested<T> = T | readonly Nested<T>[] | { readonly [key: string]: Nested<T> };

/**
 * The tree that names spell, for files that come without one: `{ 'layers.0.weight': w }` → `{ layers: [{ weight: w }] }`.
 * Throws an `argument` error where a name is also the beginning of another, which no tree can hold.
 */
export function nestArrays<T extends Storage>(
  tensors: Readonly<Record<string, T>>,
  separator = '.',
): Nested<T> {
  const root: Branch<T> = new Map();
  for (const [name, tensor] of Object.entries(tensors)) {
    const path = name.split(separator);
    const last = path.pop()!;
    let at = root;
    for (const key of path) {
      const next = at.get(key) ?? (new Map() as Branch<T>);
      if (!(next instanceof Map)) throw ambiguous(name, separator);
      at.set(key, next);
      at = next;
    }
    if (at.has(last)) throw ambiguous(name, separator);
    at.set(last, tensor);
  }
  return grown(root);
}

type Branch<T> = Map<string, T | Branch<T>>;

function grown<T>(branch: Branch<T>): Nested<T> {
  const children = [...branch].map(
    ([key, child]) => [key, child instanceof Map ? grown(child) : child] as const,
  );
  const byKey = new Map<string, Nested<T>>(children);
  const items = children.map((_, i) => byKey.get(String(i)));
  const isList = items.length > 0 && items.every((item) => item !== undefined);
  return isList ? (items as Nested<T>[]) : Object.fromEntries(children);
}

function ambiguous(name: string, separator: string): LockstepError {
  return new LockstepError(
    'argument',
    `nestArrays: '${name}' is both an array and the beginning of another name, or the other way round; name arrays at the leaves only, or give another separator than '${separator}'`,
    { name, separator },
  );
}
