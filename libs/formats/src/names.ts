/** From trees of arrays to names and back: files hold arrays side by side, each under a name. */

import { anObject, anything, describeValue, type Kind, LockstepError, signature } from '@lockstep/errors';
import type { Storage } from '@lockstep/tensor';
import { anArray, someArrays } from './kinds.ts';

const aSeparator: Kind = {
  what: 'a string of one character or more',
  fits: (value) => typeof value === 'string' && value !== '',
};
const checkNames = signature('nameArrays', { tree: anything, 'separator?': aSeparator });
const checkNesting = signature('nestArrays', { tensors: someArrays, 'separator?': aSeparator });

/**
 * The arrays of nested objects and lists by their paths: `{ layers: [{ weight: w }] }` → `{ 'layers.0.weight': w }`.
 * Throws an `argument` error for a key that holds the separator, since two paths could then spell one name.
 */
export function nameArrays<T extends Storage>(tree: Nested<T>, separator = '.'): Readonly<Record<string, T>> {
  checkNames(tree, separator);
  return Object.fromEntries(named(tree, [], separator));
}

function named<T extends Storage>(
  tree: Nested<T>,
  path: readonly string[],
  separator: string,
): [string, T][] {
  if (anArray.fits(tree)) return [[path.join(separator), tree as T]];
  requireBranch(tree, path);
  return Object.entries(tree as Readonly<Record<string, Nested<T>>>).flatMap(([key, child]) => {
    if (!key.includes(separator)) return named(child, [...path, key], separator);
    throw new LockstepError(
      'argument',
      `nameArrays: the key '${key}' holds the separator '${separator}'; rename it or give another separator`,
      { key, separator },
    );
  });
}

/** More levels than any model has. */
const maxDepth = 256;

function requireBranch(value: unknown, path: readonly string[]): void {
  const isBranch = Array.isArray(value) || anObject.fits(value);
  if (isBranch && path.length <= maxDepth) return;
  const place = path.length === 0 ? 'the tree' : `'${path.slice(0, 8).join('.')}'`;
  throw new LockstepError(
    'argument',
    isBranch
      ? `nameArrays: ${place} is nested more than ${maxDepth} deep; does it contain itself?`
      : `nameArrays: ${place} is ${describeValue(value)}; a tree is made of objects and lists, and its leaves are arrays`,
    { path: path.slice(0, 8) },
  );
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
  checkNesting(tensors, separator);
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
