/** A custom loss: a loop with a checkpoint inside, and branches and loops that depend on each shard's key. */
import {
  adam,
  checkpoint,
  cond,
  defineExperiment,
  foldIn,
  logSoftmax,
  normal,
  oneHot,
  scan,
  type Tensor,
  uniform,
  whileLoop,
  zeros,
} from 'lockstep';
import { quadrants } from './quadrants.ts';

const side = 8;
const width = 6;
const numClasses = 4;

interface Params {
  readonly input: Tensor;
  readonly state: Tensor;
  readonly out: Tensor;
}

const cell = checkpoint(({ input, state }: Params, h: Tensor, row: Tensor) =>
  row.matmul(input).add(h.matmul(state)).tanh(),
);

/** Noise of at most a tenth, from a loop whose number of iterations depends on the key. */
const noiseOf = (key: Tensor): Tensor =>
  whileLoop(
    (share) => share.greater(0.1),
    (share) => share.mul(0.5),
    uniform(key, []),
  );

function logits(params: Params, x: Tensor, noise: Tensor, fromEnd: Tensor): Tensor {
  const rows = x.shape[0]!;
  const sequence = x.reshape([rows, side, side]).transpose([1, 0, 2]);
  const step = (h: Tensor, row: Tensor): readonly [Tensor, Tensor] => {
    const next = cell(params, h, row.mul(noise.add(1)));
    return [next, next.sum(1)];
  };
  const start = zeros([rows, width]);
  const [last, sums] = cond(
    fromEnd,
    () => scan(step, start, sequence, { reverse: true }),
    () => scan(step, start, sequence),
  );
  return last.matmul(params.out).add(sums.mean(0).reshape([rows, 1]));
}

const crossEntropy = (scores: Tensor, labels: Tensor): Tensor =>
  logSoftmax(scores).mul(oneHot(labels, numClasses)).sum(1).neg();

export default defineExperiment({
  data: quadrants(300),
  init: (key: Tensor): Params => ({
    input: normal(foldIn(key, 0), [side, width]).mul(0.3),
    state: normal(foldIn(key, 1), [width, width]).mul(0.3),
    out: normal(foldIn(key, 2), [width, numClasses]).mul(0.3),
  }),
  loss: (params, { x, y }, key) =>
    crossEntropy(logits(params, x, noiseOf(foldIn(key, 0)), uniform(foldIn(key, 1), []).less(0.5)), y),
  metrics: {
    forwards: (params, { x, y }) => crossEntropy(logits(params, x, zeros([]), zeros([]).greater(0)), y),
  },
  optimizer: adam(1e-2),
  batch: { size: 50, shards: 8 },
  epochs: 2,
});
