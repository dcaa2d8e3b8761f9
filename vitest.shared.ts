/** What holds for the short tests and the long ones. */

/** Sources are resolved, not builds. */
export const resolve = { conditions: ['source', 'module', 'node', 'development|production'] };

/**
 * Ends what hangs, in milliseconds. How long a test takes is no promise: real processes share the machine with whatever
 * else runs on it.
 */
export const limits = { testTimeout: 60_000, hookTimeout: 60_000 };
