/** The lecture's one-layer network: f(x) = 1 / (1 + e^−(w₀ + w·x)), fitted by gradient descent to points in a plane. */
import { defineExperiment, fromArrays, sgd, type Tensor, zeros } from 'lockstep';

/** 200 points on a spiral lattice, labelled by the side of a line. */
const points = Array.from({ length: 200 }, (_, i) => [
  ((i * 89) % 200) / 100 - 1,
  ((i * 55) % 200) / 100 - 1,
]);
const labels = points.map(([a = 0, b = 0]) => (2 * a - b + 0.3 > 0 ? 1 : 0));

export default defineExperiment({
  data: fromArrays(
    { x: points, y: labels },
    { name: 'line', dtypes: { y: 'float32' }, split: { test: 0.2 } },
  ),
  init: () => ({ weights: zeros([2]), bias: zeros([]) }),
  loss: ({ weights, bias }, { x, y }) => logLoss(x.matmul(weights).add(bias).sigmoid(), y),
  metrics: {
    accuracy: ({ weights, bias }, { x, y }) =>
      x.matmul(weights).add(bias).greater(0).cast('float32').equal(y).cast('float32'),
  },
  optimizer: sgd(0.5),
  batch: { size: 40, shards: 4 },
  epochs: 25,
});

/** −log of the model's probability of the true label. [rows] */
function logLoss(probability: Tensor, label: Tensor): Tensor {
  const ofLabel = probability.mul(label).add(probability.neg().add(1).mul(label.neg().add(1)));
  return ofLabel.log().neg();
}
