/** Layers, initialisers and losses. */
export { relu, sigmoid, tanh } from '@lockstep/autodiff';
export type { BatchNormOptions, BatchNormParams, BatchNormState } from './batch-norm.ts';
export { batchNorm } from './batch-norm.ts';
export type { Conv2dLayerOptions } from './conv2d.ts';
export { conv2d } from './conv2d.ts';
export type { KernelOptions, KernelParams } from './dense.ts';
export { dense } from './dense.ts';
export { dropout } from './dropout.ts';
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
export type { Penalty } from './penalty.ts';
export { l2 } from './penalty.ts';
export { avgPool, flatten, globalAvgPool, maxPool } from './pooling.ts';
export { sequential } from './sequential.ts';
export { summary } from './summary.ts';
