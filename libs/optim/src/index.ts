/** Optimizers as gradient transformations, clipping and schedules. */
export { clipByGlobalNorm, clipByValue, globalNorm } from './clipping.ts';
export type { AdamWOptions, SgdOptions } from './optimizers.ts';
export { adam, adamw, sgd } from './optimizers.ts';
export type { AdamOptions, AdamState, MomentumState } from './scaling.ts';
export {
  addDecayedWeights,
  scaleByAdam,
  scaleByLearningRate,
  scaleByMomentum,
  scaleBySchedule,
} from './scaling.ts';
export type { CosineOptions, ExponentialDecayOptions, Schedule, WarmupOptions } from './schedule.ts';
export {
  constant,
  cosine,
  exponentialDecay,
  linearWarmup,
  stepDecay,
  warmupCosine,
} from './schedule.ts';
export type { Empty, GradientTransformation, Progress, TensorTree } from './transformation.ts';
export { applyUpdates, chain } from './transformation.ts';
