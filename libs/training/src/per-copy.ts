/** Values bound to one copy of the replica and one batch slot. */
import type { BatchSlot, ReplicaCopy } from '@lockstep/run';

/** Makes each value when it is first needed: most runs use one copy only. */
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
