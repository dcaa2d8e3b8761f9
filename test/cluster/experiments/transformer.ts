/**
 * Attention over the rows of a picture, and an optimizer with a large state: it accumulates gradients of three steps, decays
 * matrices, lowers the rate on a plateau, and averages the parameters.
 */
import {
  accumulateGradients,
  addDecayedWeights,
  chain,
  clipByGlobalNorm,
  cosine,
  defineExperiment,
  dense,
  emaParams,
  globalAvgPool,
  layerNorm,
  masked,
  positionalEmbedding,
  reduceOnPlateau,
  scaleByAdam,
  scaleByLearningRate,
  sequential,
  softmaxCrossEntropy,
  transformerBlock,
  unflatten,
  warmup,
} from 'lockstep';
import { quadrants } from './quadrants.ts';

/** Steps in an update. */
export const every = 3;

const optimizer = chain(
  clipByGlobalNorm(1),
  scaleByAdam(),
  masked(addDecayedWeights(0.1), (_path, shape) => shape.length > 1),
  scaleByLearningRate(warmup(2, cosine({ peak: 1e-2 }))),
  // The loss never halves between two updates, so every update lowers the rate.
  reduceOnPlateau({ factor: 0.8, patience: 0, relativeTolerance: 0.5 }),
  emaParams({ decay: 0.8, debias: true }),
);

export default defineExperiment({
  data: quadrants(300),
  model: sequential(
    unflatten(8, 8),
    dense(8),
    positionalEmbedding(8),
    transformerBlock(8, 2, { hidden: 12, causal: true, dropout: 0.1 }),
    layerNorm(),
    globalAvgPool,
    dense(4),
  ),
  loss: softmaxCrossEntropy({ labelSmoothing: 0.1 }),
  optimizer: accumulateGradients(every, optimizer),
  batch: { size: 50, shards: 8 },
  epochs: 2,
});
