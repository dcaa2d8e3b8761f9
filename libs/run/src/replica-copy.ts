/**
 * One of a replica's two copies: updates change the current copy in place; state from other sources fills the spare
 * copy.
 */
export type ReplicaCopy = 0 | 1;

export const otherCopy = (copy: ReplicaCopy): ReplicaCopy => (copy === 0 ? 1 : 0);
