/** What is bound to one copy of the replica and to one slot for batches. */
import type { BatchSlot, ReplicaCopy } from '@lockstep/run';

/** Makes one for each copy and slot when it is first asked for: most runs use one copy only. */
export function perCopy<T>(
  make: (copy: ReplicaCopy, slot: BatchSlot) => T,
): (copy: ReplicaCopy, slot?: BatchSlot) => T {
  const made = new Map<number, T>();
  return (copy, slot = 0) => {
    const key = 2 * copy + slot;
    let found = made.get(key);
    if (found === undefined) {
      found = make(copy, slot);
      made.set(key, found);
    }
    return found;
  };
}
