/** Membership, shard assignment, journal and checkpoints. */
export {};
