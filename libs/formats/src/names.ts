/** Converts trees of arrays to flat names and back, because a file stores a flat list of named arrays. */

import {
  anObject,
  anything,
  describeValue,
  either,
  type Kind,
  LockstepError,
  nestedOptions,
  type Rules,
  signature,
} from '@lockstep/errors';
import type { Storage } from '@lockstep/tensor';
import { flatten, type MapLeaves, structurePaths, unflatten } from '@lockstep/tree';
import { anArray, someArrays } from './kinds.ts';

const aSeparator: Kind = {
  what: 'a string of one character or more',
  fits: (value) => typeof value === 'string' && value !== '',
};
const checkNames = signature('nameArrays', { tree: anything, 'separator?': aSeparator });
const nestRules: Rules<NestOptions> = { separator: aSeparator, like: anything };
const checkNesting = signature('nestArrays', {
  tensors: someArrays,
  'options?': either(aSeparator, nestedOptions(nestRules)),
});

/**
 * Names the arrays of nested objects and lists by their paths:
 * `{ layers: [{ weight: w }] }` → `{ 'layers.0.weight': w }`. Throws an `argument` error for a key that contains the
 * separator, since two paths could then give one name.
 */
export function nameArrays<T extends Storage>(tree: Nested<T>, separator = '.'): Readonly<Record<string, T>> {
  checkNames(tree, separator);
  return Object.fromEntries(named(tree, [], separator));
}

function named<T extends Storage>(
  tree: Nested<T> | null | undefined,
  path: readonly string[],
  separator: string,
): [string, T][] {
  if (tree === null || tree === undefined) return [];
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

/** A limit above the depth of any model, to detect cycles. */
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

/** A tree of objects and lists. A level whose keys are the numbers from 0 is a list. */
export type Nested<T> = T | readonly Nested<T>[] | { readonly [key: string]: Nested<T> };

export interface NestOptions<Like = unknown> {
  /** The text between the keys of a path. Default '.'. */
  readonly separator?: string;
  /**
   * A tree of the wanted structure, such as initial values. The result has this structure, including layers without
   * arrays.
   */
  readonly like?: Like;
}

/**
 * Rebuilds a tree from the names of a file: `{ 'layers.0.weight': w }` → `{ layers: [{ weight: w }] }`. Keys that are
 * numbers become a list. If a number is missing between nested arrays, such as that of a layer without parameters, its
 * item is `{}`. Names do not show layers after the last array; give `like` for the exact structure.
 *
 * Throws an `argument` error if one name is the beginning of another, which no tree can hold, and if the names are not
 * those of `like`.
 */
export function nestArrays<T extends Storage>(
  tensors: Readonly<Record<string, T>>,
  options?: string | NestOptions<undefined>,
): Nested<T>;
export function nestArrays<T extends Storage, Like>(
  tensors: Readonly<Record<string, T>>,
  options: NestOptions<Like>,
): MapLeaves<Like, T>;
export function nestArrays<T extends Storage>(
  tensors: Readonly<Record<string, T>>,
  options: string | NestOptions = {},
): unknown {
  checkNesting(tensors, options);
  const { separator = '.', like }: NestOptions =
    typeof options === 'string' ? { separator: options } : options;
  if (like !== undefined) return nestLike(tensors, like, separator);
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

function nestLike<T extends Storage>(
  tensors: Readonly<Record<string, T>>,
  like: unknown,
  separator: string,
): unknown {
  const { structure } = flatten(like, isStorage);
  const names = structurePaths(structure).map((path) => path.replaceAll('/', separator));
  const [missing, unknown] = [
    names.filter((name) => !Object.hasOwn(tensors, name)),
    Object.keys(tensors).filter((name) => !names.includes(name)),
  ];
  if (missing.length + unknown.length > 0) {
    const parts = [
      ...(missing.length > 0 ? [`${missing.join(', ')} ${missing.length === 1 ? 'is' : 'are'} missing`] : []),
      ...(unknown.length > 0
        ? [`${unknown.join(', ')} ${unknown.length === 1 ? 'has' : 'have'} no place`]
        : []),
    ];
    throw new LockstepError(
      'argument',
      `nestArrays: ${parts.join(', and ')} in the tree given as like, whose arrays are ${names.join(', ')}; give only the arrays of this model, and their separator`,
      { missing, unknown },
    );
  }
  return unflatten(
    structure,
    names.map((name) => tensors[name]!),
  );
}

const isStorage = (value: unknown): value is Storage => anArray.fits(value);

type Branch<T> = Map<string, T | Branch<T>>;

function grown<T>(branch: Branch<T>): Nested<T> {
  const children = [...branch].map(
    ([key, child]) => [key, child instanceof Map ? grown(child) : child] as const,
  );
  const length = lengthOfList(branch);
  if (length === undefined) return Object.fromEntries(children);
  const byKey = new Map<string, Nested<T>>(children);
  return Array.from({ length }, (_, i) => byKey.get(String(i)) ?? {});
}

/**
 * The number of missing items that a list may have for each present one; beyond it, numeric keys do not become a list.
 */
const mostGaps = 16;

/** The length of the list, if the keys of a level are the indices of a list. */
function lengthOfList<T>(branch: Branch<T>): number | undefined {
  const indices = [...branch.keys()].map((key) =>
    /^(0|[1-9]\d{0,8})$/.test(key) ? Number(key) : Number.NaN,
  );
  if (indices.length === 0 || indices.some(Number.isNaN)) return undefined;
  const length = Math.max(...indices) + 1;
  if (length === indices.length) return length;
  // Only layers may be missing, not arrays. Keys such as 1000, 2000, 3000 are no indices of layers.
  const isOfLayers = [...branch.values()].every((child) => child instanceof Map);
  return isOfLayers && length <= mostGaps * (indices.length + 1) ? length : undefined;
}

function ambiguous(name: string, separator: string): LockstepError {
  return new LockstepError(
    'argument',
    `nestArrays: '${name}' and another name conflict, since one of them is the beginning of the other; name arrays only at the leaves, or give another separator than '${separator}'`,
    { name, separator },
  );
}
