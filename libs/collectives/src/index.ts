/** Deterministic tree reduction and all-reduce over a Link. */
export {};
