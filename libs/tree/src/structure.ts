import { LockstepError } from '@lockstep/errors';

/**
 * A tree without its leaves: plain data that can be compared, printed and sent to another thread. `frozen` is the mark
 * of `markFrozen`; comparisons of structures ignore it.
 */
export type Structure =
  | { readonly kind: 'leaf' }
  | { readonly kind: 'null' }
  | { readonly kind: 'undefined' }
  | { readonly kind: 'array'; readonly children: readonly Structure[]; readonly frozen?: true }
  /** `keys` are sorted; `children[i]` belongs to `keys[i]`. */
  | {
      readonly kind: 'object';
      readonly keys: readonly string[];
      readonly children: readonly Structure[];
      readonly frozen?: true;
    };

/** The key of the mark on a container: one symbol for all copies of this library. */
export const frozenKey = Symbol.for('lockstep.frozen');

/** Prints a structure with `*` for each leaf: `{b: *, layers: [*, *]}`. */
export function formatStructure(structure: Structure): string {
  switch (structure.kind) {
    case 'leaf':
      return '*';
    case 'null':
    case 'undefined':
      return structure.kind;
    case 'array':
      return `${markOf(structure)}[${structure.children.map(formatStructure).join(', ')}]`;
    case 'object':
      return `${markOf(structure)}{${structure.keys.map((key, i) => `${key}: ${formatStructure(structure.children[i]!)}`).join(', ')}}`;
    default:
      return structure satisfies never;
  }
}

const markOf = ({ frozen }: { readonly frozen?: true }): string => (frozen ? 'frozen ' : '');

export function numLeaves(structure: Structure): number {
  if (structure.kind === 'leaf') return 1;
  if (!('children' in structure)) return 0;
  return structure.children.reduce((count, child) => count + numLeaves(child), 0);
}

/** The path of each leaf; see `leafPaths` for the form and the error. */
export function structurePaths(structure: Structure, path = ''): string[] {
  if (structure.kind === 'leaf') return [path];
  if (!('children' in structure)) return [];
  return keysOf(structure).flatMap((key, i) => {
    if (key === '' || key.includes('/')) {
      throw new LockstepError(
        'argument',
        `leafPaths: the key '${key}' under '${path}' is empty or holds a slash; paths such as 'layers/0/w' need keys that are not empty and hold none`,
        { key, path },
      );
    }
    return structurePaths(structure.children[i]!, joinPath(path, key));
  });
}

/** The place where two structures first differ, in the order of leaves, and what each has there. */
export interface Difference {
  readonly path: string;
  readonly left: string;
  readonly right: string;
}

/** The first difference of two structures; `undefined` when there is none. */
export function firstDifference(left: Structure, right: Structure, path = ''): Difference | undefined {
  if ('children' in left && left.kind === right.kind) {
    const leftKeys = keysOf(left);
    const rightKeys = keysOf(right);
    if (leftKeys.length === rightKeys.length && leftKeys.every((key, i) => key === rightKeys[i])) {
      for (const [i, key] of leftKeys.entries()) {
        const found = firstDifference(left.children[i]!, right.children[i]!, joinPath(path, key));
        if (found) return found;
      }
      return undefined;
    }
  } else if (left.kind === right.kind) {
    return undefined;
  }
  return { path, left: describe(left), right: describe(right) };
}

/** Throws an `argument` error that names the first path at which `other` differs from `structure`. */
export function assertSameStructure(op: string, structure: Structure, other: Structure): void {
  const difference = firstDifference(structure, other);
  if (!difference) return;
  const { path, left, right } = difference;
  throw new LockstepError(
    'argument',
    `${op}: the trees differ at ${path === '' ? 'the root' : `'${path}'`}: ${left} in the first, ${right} in the other; give trees of one structure`,
    { op, path, first: formatStructure(structure), other: formatStructure(other) },
  );
}

function joinPath(path: string, key: string): string {
  return path === '' ? key : `${path}/${key}`;
}

function keysOf(node: Extract<Structure, { children: readonly Structure[] }>): readonly string[] {
  return node.kind === 'object' ? node.keys : node.children.map((_, i) => String(i));
}

function describe(node: Structure): string {
  switch (node.kind) {
    case 'leaf':
      return 'a leaf';
    case 'null':
    case 'undefined':
      return node.kind;
    case 'array':
      return `an array of ${node.children.length}`;
    case 'object':
      return node.keys.length === 0 ? 'an empty object' : `an object with ${node.keys.join(', ')}`;
    default:
      return node satisfies never;
  }
}
