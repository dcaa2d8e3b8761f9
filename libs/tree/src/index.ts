/** Pytrees: nested containers of leaves. */
export { frozenLeaves, markFrozen } from './frozen.ts';
export type { Difference, Structure } from './structure.ts';
export {
  assertSameStructure,
  firstDifference,
  formatStructure,
  numLeaves,
  structurePaths,
} from './structure.ts';
export type { Flat, IsLeaf } from './tree.ts';
export { flatten, leafPaths, map, sameStructure, unflatten } from './tree.ts';
export type { LeafOf, MapLeaves, Tree } from './types.ts';
