import { aFunction, anObject, anything, type Kind, LockstepError, listOf, signature } from '@lockstep/errors';
import {
  assertSameStructure,
  firstDifference,
  formatStructure,
  frozenKey,
  numLeaves,
  type Structure,
  structurePaths,
} from './structure.ts';
import type { LeafOf, MapLeaves, Tree } from './types.ts';

/** Says which values are leaves although they are arrays, plain objects, `null` or `undefined`. */
export type IsLeaf = (value: unknown) => boolean;

export interface Flat<Leaf> {
  readonly leaves: Leaf[];
  readonly structure: Structure;
}

const checkFlatten = signature('flattenTree', { tree: anything, 'isLeaf?': aFunction });

/**
 * The leaves of a tree, with object keys in sorted order, and its structure. A leaf is any value for which `isLeaf` is
 * true, and any value but `null`, `undefined`, an array or a plain object.
 */
export function flatten<T>(tree: T): Flat<LeafOf<T>>;
export function flatten<Leaf>(tree: unknown, isLeaf: (value: unknown) => value is Leaf): Flat<Leaf>;
export function flatten(tree: unknown, isLeaf?: IsLeaf): Flat<unknown>;
export function flatten(tree: unknown, isLeaf: IsLeaf = noneEarly): Flat<unknown> {
  checkFlatten(tree, isLeaf);
  const leaves: unknown[] = [];
  return { structure: walk(tree, isLeaf, leaves), leaves };
}

const aStructure: Kind = {
  what: 'a structure, as flattenTree gives it',
  fits: (value) => anObject.fits(value) && typeof (value as Partial<Structure>).kind === 'string',
};
const checkUnflatten = signature('unflattenTree', {
  structure: aStructure,
  leaves: listOf(anything, 'a list of leaves'),
});

/** The tree of a structure with these leaves, in the order of {@link flatten}. Throws if their number does not fit. */
export function unflatten<Leaf>(structure: Structure, leaves: readonly Leaf[]): Tree<Leaf> {
  checkUnflatten(structure, leaves);
  const expected = numLeaves(structure);
  if (leaves.length !== expected) {
    throw new LockstepError(
      'argument',
      `unflatten: got ${leaves.length} leaves, but ${formatStructure(structure)} has ${expected}; give one for each *`,
      { numLeaves: leaves.length, expected },
    );
  }
  let next = 0;
  const build = (node: Structure): Tree<Leaf> => {
    switch (node.kind) {
      case 'leaf':
        return leaves[next++]!;
      case 'null':
        return null;
      case 'undefined':
        return undefined;
      case 'array':
        return withMark(node.children.map(build), node.frozen);
      case 'object':
        return withMark(
          Object.fromEntries(node.keys.map((key, i) => [key, build(node.children[i]!)])),
          node.frozen,
        );
      default:
        return node satisfies never;
    }
  };
  return build(structure);
}

const checkMap = signature('mapTree', { f: aFunction, '...trees': anything });

/**
 * Applies `f` to each leaf, in the order of {@link flatten}; returns a tree of the same structure. The trees in `rest`
 * must have the structure of the first; `f` also gets their leaves.
 */
export function map<T, Rest extends readonly unknown[], Out>(
  f: (leaf: LeafOf<T>, ...rest: { [K in keyof Rest]: LeafOf<Rest[K]> }) => Out,
  tree: T,
  ...rest: Rest
): MapLeaves<T, Out> {
  checkMap(f);
  const { leaves, structure } = flatten(tree);
  const others = rest.map((other) => {
    const flat = flatten<unknown>(other);
    assertSameStructure('map', structure, flat.structure);
    return flat.leaves;
  });
  type RestLeaves = { [K in keyof Rest]: LeafOf<Rest[K]> };
  const results = leaves.map((leaf, i) => f(leaf, ...(others.map((list) => list[i]) as RestLeaves)));
  return unflatten(structure, results) as MapLeaves<T, Out>;
}

/**
 * The path of each leaf, in the order of {@link flatten}: `layers/0/w`. The path of a lone leaf is `''`. Throws an
 * `argument` error for a key that is empty or contains a slash, since paths name parameters in files.
 */
export function leafPaths(tree: unknown, isLeaf: IsLeaf = noneEarly): string[] {
  return structurePaths(flatten(tree, isLeaf).structure);
}

/** Whether two trees have the same structure; leaves are not compared. */
export function sameStructure(a: unknown, b: unknown): boolean {
  return firstDifference(flatten(a).structure, flatten(b).structure) === undefined;
}

/** The default of `isLeaf`: no array or object is a leaf. */
function noneEarly(): boolean {
  return false;
}

/** A limit above the depth of any tree of parameters, to detect cycles. */
const maxDepth = 1000;

function walk(node: unknown, isLeaf: IsLeaf, leaves: unknown[], depth = 0): Structure {
  if (depth > maxDepth) {
    throw new LockstepError(
      'argument',
      `a tree is nested more than ${maxDepth} deep; does a list or an object in it contain itself?`,
    );
  }
  if (!isLeaf(node)) {
    if (node === null) return { kind: 'null' };
    if (node === undefined) return { kind: 'undefined' };
    if (Array.isArray(node)) {
      // Array.from turns holes into undefined elements.
      const children = Array.from(node, (child) => walk(child, isLeaf, leaves, depth + 1));
      return { kind: 'array', children, ...markOf(node) };
    }
    if (isPlainObject(node)) {
      const keys = Object.keys(node).sort();
      const children = keys.map((key) => walk(node[key], isLeaf, leaves, depth + 1));
      return { kind: 'object', keys, children, ...markOf(node) };
    }
  }
  leaves.push(node);
  return { kind: 'leaf' };
}

const markOf = (container: object): { readonly frozen?: true } =>
  frozenKey in container ? { frozen: true } : {};

/** Sets the mark as an enumerable property, so that spreading an object keeps it. */
const withMark = <T extends object>(container: T, frozen: true | undefined): T =>
  frozen ? Object.assign(container, { [frozenKey]: true }) : container;

function isPlainObject(value: unknown): value is Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || prototype === Object.prototype;
}
