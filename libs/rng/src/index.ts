/** Counter-based random numbers (Threefry) and key derivation. */
export type { Key, Purpose } from './key.ts';
export { foldIn, keyFromSeed, purposes } from './key.ts';
export { fillRandomBits, permutation, randomUint } from './stream.ts';
export { threefry2x32 } from './threefry.ts';
