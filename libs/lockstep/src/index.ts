/** Everything a user of Lockstep imports. */
export * from '@lockstep/autodiff';
/** The ops behind the layers of the same names: `ops.conv2d(x, kernel)`. */
export * as ops from '@lockstep/autodiff';
export type { CsvOptions, DataSource, Dataset, TextOptions } from '@lockstep/data';
export { csv, fashionMnist, fromArrays, mnist, mobyDick, text } from '@lockstep/data';
export { LockstepError } from '@lockstep/errors';
export type { Context, Initializer, Layer } from '@lockstep/nn';
export {
  accuracy,
  avgPool,
  batchNorm,
  binaryCrossEntropy,
  conv2d,
  dense,
  dropout,
  embedding,
  flatten,
  globalAvgPool,
  heNormal,
  heUniform,
  l2,
  lecunNormal,
  maxPool,
  meanSquaredError,
  sequential,
  softmaxCrossEntropy,
  summary,
  xavierNormal,
  xavierUniform,
} from '@lockstep/nn';
export type { GradientTransformation, Schedule } from '@lockstep/optim';
export {
  adam,
  adamw,
  chain,
  clipByGlobalNorm,
  clipByValue,
  constant,
  cosine,
  exponentialDecay,
  linearWarmup,
  sgd,
  stepDecay,
  warmupCosine,
} from '@lockstep/optim';
export type { Batch, EarlyStopping, Experiment } from '@lockstep/training';
export { defineExperiment } from '@lockstep/training';
