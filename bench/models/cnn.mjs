/** A small convolutional net with batch norm on 28×28 images. Compared with torch/cnn.py. */
import {
  batchNorm,
  conv2d,
  defineExperiment,
  dense,
  flatten,
  maxPool,
  relu,
  sequential,
  sgd,
  softmaxCrossEntropy,
} from 'lockstep';
import { randomData } from './random-data.mjs';

const BATCHES = 4;

const block = (channels) => [conv2d(channels, 3, { bias: false }), batchNorm(), relu];

export const cnn = (size) =>
  defineExperiment({
    data: randomData(BATCHES * size, [28, 28, 1]),
    model: sequential(...block(32), ...block(32), maxPool(2), ...block(64), maxPool(2), flatten, dense(10)),
    loss: softmaxCrossEntropy(),
    optimizer: sgd(0.01, { momentum: 0.9 }),
    batch: { size },
  });
