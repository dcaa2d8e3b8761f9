/** Classifies rows of a table: 30 measurements of cells, malignant or benign. */
import {
  accuracy,
  adam,
  csv,
  defineExperiment,
  dense,
  dropout,
  relu,
  sequential,
  softmaxCrossEntropy,
} from 'lockstep';

export default defineExperiment({
  data: csv('experiments/data/breast-cancer.csv', {
    label: 'diagnosis',
    labelKind: 'class',
    standardize: true,
    split: { validation: 0.15, test: 0.2 },
  }),
  model: sequential(dense(32), relu, dropout(0.2), dense(16), relu, dense(2)),
  loss: softmaxCrossEntropy(),
  metrics: { accuracy },
  optimizer: adam(3e-3),
  batch: { size: 32, shards: 4 },
  epochs: 60,
  earlyStopping: { metric: 'validation/loss', patience: 10 },
});
