/** Predicts the next character of Moby-Dick by a transformer with the sizes of nanoGPT's small example. */
import {
  accuracy,
  adamw,
  chain,
  clipByGlobalNorm,
  defineExperiment,
  dense,
  embedding,
  layerNorm,
  mobyDick,
  positionalEmbedding,
  sequential,
  softmaxCrossEntropy,
  transformerBlock,
  warmupCosine,
} from 'lockstep';

/** The number of distinct characters of the text. */
const CHARACTERS = 83;
const WIDTH = 128;
const HEADS = 4;

const block = () => transformerBlock(WIDTH, HEADS, { causal: true });

export default defineExperiment({
  data: mobyDick({ context: 128 }),
  model: sequential(
    embedding(CHARACTERS, WIDTH),
    positionalEmbedding(128),
    block(),
    block(),
    block(),
    block(),
    layerNorm(),
    dense(CHARACTERS),
  ),
  loss: softmaxCrossEntropy(),
  metrics: { accuracy },
  optimizer: chain(
    clipByGlobalNorm(1),
    adamw(warmupCosine({ peak: 2e-3, warmupSteps: 100, end: 2e-4 }), { beta2: 0.99, weightDecay: 0.1 }),
  ),
  batch: { size: 32, shards: 8 },
  epochs: 5,
});
