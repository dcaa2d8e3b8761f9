/** Optimizers as gradient transformations, clipping, averages and schedules. */
export type { AccumulationOptions, AccumulationState } from './accumulation.ts';
export { accumulateGradients } from './accumulation.ts';
export type {
  AdadeltaLinkOptions,
  AdadeltaState,
  AdagradLinkOptions,
  AdagradState,
  LionLinkOptions,
  LionState,
  MomentumOptions,
  MomentumState,
  RmsOptions,
  RmsState,
} from './accumulators.ts';
export {
  scaleByAdadelta,
  scaleByAdagrad,
  scaleByLion,
  scaleByRms,
  traceMomentum,
} from './accumulators.ts';
export type {
  EmaOptions,
  EmaState,
  LookaheadOptions,
  LookaheadState,
  SwaOptions,
  SwaState,
} from './averaging.ts';
export { averagedParams, averageIn, emaParams, lookahead, swaParams } from './averaging.ts';
export type { AccumulationRule, BatchStage, NoiseRule } from './batch-growth.ts';
export { byNoiseScale } from './batch-growth.ts';
export type { AdaptiveClipOptions } from './clipping.ts';
export {
  centralizeGradients,
  clipAdaptively,
  clipByGlobalNorm,
  clipByNorm,
  clipByValue,
  globalNorm,
} from './clipping.ts';
export type { CosineRestartsOptions, CyclicOptions, OneCycleOptions } from './cycles.ts';
export { cosineRestarts, cyclic, oneCycle } from './cycles.ts';
export type { BatchScaling } from './joining.ts';
export { joinSchedules, scaledByBatch, warmup } from './joining.ts';
export type { LearningRateOptions, LearningRateState } from './learning-rate-monitor.ts';
export { monitorLearningRate } from './learning-rate-monitor.ts';
export type { Mask, MaskedOptions } from './masks.ts';
export { freeze, masked, multiTransform } from './masks.ts';
export type {
  AdamaxState,
  AdamOptions,
  AdamState,
  MomentsOptions,
  MomentsState,
  NadamOptions,
  NadamState,
  RadamState,
} from './moments.ts';
export { scaleByAdam, scaleByAdamax, scaleByNadam, scaleByRadam } from './moments.ts';
export type { GradientNoiseOptions } from './noise.ts';
export { addGradientNoise } from './noise.ts';
export type { NoiseScaleOptions, NoiseScaleState } from './noise-scale.ts';
export { monitorNoiseScale } from './noise-scale.ts';
export type {
  AdagradOptions,
  AdamWOptions,
  CoupledDecay,
  DecoupledDecay,
  LambOptions,
  LarsOptions,
  LionOptions,
  RmspropOptions,
  SgdOptions,
} from './optimizers.ts';
export {
  adadelta,
  adagrad,
  adam,
  adamax,
  adamw,
  amsgrad,
  lamb,
  lars,
  lion,
  nadam,
  radam,
  rmsprop,
  sgd,
} from './optimizers.ts';
export type { PlateauOptions, PlateauState } from './plateau.ts';
export { reduceOnPlateau } from './plateau.ts';
export type { Role } from './role.ts';
export type { TrustRatioOptions } from './scaling.ts';
export {
  addDecayedWeights,
  scaleBy,
  scaleByLearningRate,
  scaleBySchedule,
  scaleByTrustRatio,
} from './scaling.ts';
export type {
  CosineOptions,
  ExponentialDecayOptions,
  InverseTimeDecayOptions,
  MultiStepDecayOptions,
  PolynomialOptions,
  Schedule,
  WarmupOptions,
} from './schedule.ts';
export {
  constant,
  cosine,
  exponentialDecay,
  inverseSquareRoot,
  inverseTimeDecay,
  linearWarmup,
  multiStepDecay,
  polynomial,
  stepDecay,
  warmupCosine,
} from './schedule.ts';
export type { SkipState } from './skipping.ts';
export { skipNonFinite, skipsNonFinite } from './skipping.ts';
export type { StepMetrics } from './step-metrics.ts';
export { stepMetricsOf } from './step-metrics.ts';
export type { Empty, GradientTransformation, Progress, Stretch, TensorTree } from './transformation.ts';
export { applyUpdates, chain, identity, stateless } from './transformation.ts';
