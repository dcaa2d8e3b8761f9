/** Layers, initialisers and losses. */
export { relu, sigmoid, tanh } from '@lockstep/autodiff';
export type {
  AttendOptions,
  AttentionOptions,
  MultiHeadAttention,
  MultiHeadAttentionOptions,
  MultiHeadAttentionParams,
} from './attention.ts';
export { attention, multiHeadAttention } from './attention.ts';
export type { BatchNormOptions, BatchNormParams, BatchNormState } from './batch-norm.ts';
export { batchNorm } from './batch-norm.ts';
export type { Combination } from './composition.ts';
export { frozen, lambda, parallel, residual, residualWith } from './composition.ts';
export type {
  Conv1dLayerOptions,
  Conv2dLayerOptions,
  ConvTranspose1dLayerOptions,
  ConvTranspose2dLayerOptions,
  DepthwiseConv2dOptions,
} from './convolution.ts';
export { conv1d, conv2d, convTranspose1d, convTranspose2d, depthwiseConv2d } from './convolution.ts';
export { countParams } from './count.ts';
export type { ClassOptions, CrossEntropyOptions, FocalOptions } from './cross-entropy.ts';
export { focal, negativeLogLikelihood, softmaxCrossEntropy } from './cross-entropy.ts';
export type { KernelOptions, KernelParams } from './dense.ts';
export { dense } from './dense.ts';
export { dropout, spatialDropout } from './dropout.ts';
export type { EmbeddingOptions, EmbeddingParams } from './embedding.ts';
export { embedding } from './embedding.ts';
export type { Initializer } from './fans.ts';
export type { TruncatedNormalOptions } from './initializers.ts';
export * as initializers from './initializers.ts';
export {
  fill,
  heNormal,
  heUniform,
  identity,
  lecunNormal,
  lecunUniform,
  normal,
  ones,
  orthogonal,
  torchDefault,
  truncatedNormal,
  uniform,
  xavierNormal,
  xavierUniform,
  zeros,
} from './initializers.ts';
export type {
  Context,
  Empty,
  EvaluationContext,
  Initialized,
  Layer,
  LayerLike,
  TensorTree,
  TrainingContext,
} from './layer.ts';
export { applied, asLayer, initialize } from './layer.ts';
export type { Loss, Metric } from './loss.ts';
export type { BinaryCrossEntropyOptions, KlDivergenceOptions } from './losses.ts';
export {
  binaryCrossEntropy,
  gaussianNegativeLogLikelihood,
  huber,
  klDivergence,
  meanAbsoluteError,
  meanSquaredError,
  poissonNegativeLogLikelihood,
  smoothL1,
} from './losses.ts';
export {
  cosineEmbedding,
  hinge,
  hingeEmbedding,
  marginRanking,
  multiMargin,
  softMargin,
  tripletMargin,
} from './margin-losses.ts';
export { accuracy, binaryAccuracy, perplexity, topKAccuracy } from './metrics.ts';
export type { NamingUse } from './named.ts';
export { firstUnnamed, unnamedText, watchNames } from './named.ts';
export type { LayerNormOptions, NormOptions, NormParams } from './normalization.ts';
export { groupNorm, instanceNorm, layerNorm, rmsNorm } from './normalization.ts';
export type { Penalty } from './penalty.ts';
export { l2 } from './penalty.ts';
export {
  adaptiveAvgPool,
  adaptiveAvgPool1d,
  adaptiveMaxPool,
  avgPool,
  avgPool1d,
  globalAvgPool,
  globalMaxPool,
  maxPool,
  maxPool1d,
  upsample,
} from './pooling.ts';
export type { PositionOptions, PositionParams } from './position.ts';
export { positionalEmbedding, sinusoidalPositions } from './position.ts';
export type { PreluOptions, PreluParams } from './prelu.ts';
export { prelu } from './prelu.ts';
export type { CellParams, RecurrentOptions, RecurrentParams, RnnOptions } from './recurrent.ts';
export { gru, lstm, rnn } from './recurrent.ts';
export { sequential } from './sequential.ts';
export { flatten, permute, unflatten } from './shape.ts';
export { summary } from './summary.ts';
export type { StateDict } from './torch.ts';
export { fromTorch } from './torch.ts';
export type { TransformerBlockOptions } from './transformer.ts';
export { transformerBlock } from './transformer.ts';
export type { LayerOutput } from './watch.ts';
export { watchLayers } from './watch.ts';
