/** Which of a replica's two copies: the current one, which updates change in place, or the spare one, which other sources fill. */
export type ReplicaCopy = 0 | 1;

export const otherCopy = (copy: ReplicaCopy): ReplicaCopy => (copy === 0 ? 1 : 0);
