/** Keys of random numbers: by what they are for, never by where they are drawn. */
import { foldIn, type Key, keyFromSeed, purposes } from '@lockstep/rng';

/** The key that parameters are drawn from. */
export const initKey = (seed: number): Key => foldIn(keyFromSeed(seed), purposes.init);

/** The key of one shard of one step: by what it is for, never by where it runs. */
export function shardKey(seed: number, step: number, shard: number): Key {
  return foldIn(foldIn(foldIn(keyFromSeed(seed), 'step'), step), shard);
}
