/** Layers, initialisers and losses. */
export { relu, sigmoid, tanh } from '@lockstep/autodiff';
export type { BatchNormOptions, BatchNormParams, BatchNormState } from './batch-norm.ts';
export { batchNorm } from './batch-norm.ts';
export type { Combination } from './composition.ts';
export { frozen, lambda, parallel, residual, residualWith } from './composition.ts';
export type { Conv2dLayerOptions } from './conv2d.ts';
export { conv2d } from './conv2d.ts';
export { countParams } from './count.ts';
export type { KernelOptions, KernelParams } from './dense.ts';
export { dense } from './dense.ts';
export { dropout, spatialDropout } from './dropout.ts';
export type { EmbeddingOptions, EmbeddingParams } from './embedding.ts';
export { embedding } from './embedding.ts';
export type { Initializer } from './initializers.ts';
export {
  heNormal,
  heUniform,
  lecunNormal,
  normal,
  ones,
  xavierNormal,
  xavierUniform,
  zeros,
} from './initializers.ts';
export type { Context, Empty, Initialized, Layer, LayerLike, TensorTree } from './layer.ts';
export { asLayer } from './layer.ts';
export type { Loss, Metric } from './losses.ts';
export { accuracy, binaryCrossEntropy, meanSquaredError, softmaxCrossEntropy } from './losses.ts';
export type { LayerNormOptions, NormOptions, NormParams } from './normalization.ts';
export { groupNorm, instanceNorm, layerNorm, rmsNorm } from './normalization.ts';
export type { Penalty } from './penalty.ts';
export { l2 } from './penalty.ts';
export { avgPool, globalAvgPool, maxPool } from './pooling.ts';
export type { PositionOptions, PositionParams } from './position.ts';
export { positionalEmbedding, sinusoidalPositions } from './position.ts';
export { sequential } from './sequential.ts';
export { flatten, permute, reshape } from './shape.ts';
export { summary } from './summary.ts';
