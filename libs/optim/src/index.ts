/** Optimizers as gradient transformations, clipping and schedules. */
export {};
