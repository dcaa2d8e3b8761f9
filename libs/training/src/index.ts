/** The shard program, the update program and the step. */
export {};
