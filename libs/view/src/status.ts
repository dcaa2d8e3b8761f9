/**
 * `interrupted`: no process trains the run, and `lockstep resume` goes on with it. `non-finite`: it stopped at a loss, gradient or
 * parameter that is not finite. `unknown`: nothing in its folder says how it ended.
 */
export const statuses = ['running', 'finished', 'interrupted', 'non-finite', 'failed', 'unknown'] as const;

export type RunStatus = (typeof statuses)[number];
