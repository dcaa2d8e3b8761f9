/** Predicts the next character of Moby-Dick by an LSTM. */
import {
  accuracy,
  adam,
  chain,
  clipByGlobalNorm,
  defineExperiment,
  dense,
  embedding,
  lstm,
  mobyDick,
  sequential,
  softmaxCrossEntropy,
} from 'lockstep';

/** The number of distinct characters of the text. */
const CHARACTERS = 83;

export default defineExperiment({
  data: mobyDick({ context: 48 }),
  model: sequential(embedding(CHARACTERS, 64), lstm(192), dense(CHARACTERS)),
  loss: softmaxCrossEntropy(),
  metrics: { accuracy },
  optimizer: chain(clipByGlobalNorm(1), adam(4e-3)),
  batch: { size: 64, shards: 8 },
  epochs: 4,
});
