/** Keys of random numbers. A key depends on its purpose, never on the place where it is used. */
import { foldIn, type Key, keyFromSeed, purposes } from '@lockstep/rng';

/** The key of the initial parameters. */
export const initKey = (seed: number): Key => foldIn(keyFromSeed(seed), purposes.init);

/** The key of one shard of one step, the same wherever the shard is computed. */
export function shardKey(seed: number, step: number, shard: number): Key {
  return foldIn(foldIn(foldIn(keyFromSeed(seed), 'step'), step), shard);
}
