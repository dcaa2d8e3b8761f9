/** How much may come from peers that are ahead. */

const leastBytes = 256 << 20;

/** A peer is one exchange ahead of this worker at most, in this generation or in the next. */
const numAhead = 2;

/**
 * A bound on held frames that no correct peer exceeds: a frame that is dropped is not sent again. Where workers own single
 * shards, an exchange brings up to its own size from each of them.
 *
 * @param exchangeBytes the size of each exchange of a run
 */
export function maxHeldBytes(exchangeBytes: readonly number[], numShards: number): number {
  return leastBytes + numAhead * numShards * Math.max(0, ...exchangeBytes);
}
