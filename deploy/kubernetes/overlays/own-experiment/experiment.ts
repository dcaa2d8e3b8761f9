/** Points inside and outside a circle, told apart by a network with one hidden layer. */
import {
  accuracy,
  defineExperiment,
  dense,
  fromArrays,
  relu,
  sequential,
  sgd,
  softmaxCrossEntropy,
} from 'lockstep';

/** 400 points on a lattice. */
const points = Array.from({ length: 400 }, (_, i) => [
  ((i * 89) % 400) / 200 - 1,
  ((i * 55) % 400) / 200 - 1,
]);
const labels = points.map(([a = 0, b = 0]) => (a * a + b * b < 0.6 ? 1 : 0));

export default defineExperiment({
  data: fromArrays(
    { x: points, y: labels },
    { name: 'circle', dtypes: { y: 'int32' }, split: { test: 0.25 } },
  ),
  model: sequential(dense(32), relu, dense(2)),
  loss: softmaxCrossEntropy(),
  metrics: { accuracy },
  optimizer: sgd(0.1, { momentum: 0.9 }),
  batch: { size: 50, shards: 8 },
  epochs: 40,
});
