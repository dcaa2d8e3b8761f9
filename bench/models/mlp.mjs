/** Multilayer perceptrons: relu, cross entropy, SGD with momentum 0.9. Compared with torch/mlp.py. */
import { defineExperiment, dense, relu, sequential, sgd, softmaxCrossEntropy } from 'lockstep';
import { randomData } from './random-data.mjs';

const BATCHES = 8;

/** 784-`hidden`-10 */
const perceptron = (size, ...hidden) =>
  defineExperiment({
    data: randomData(BATCHES * size, [784]),
    model: sequential(...hidden.flatMap((units) => [dense(units), relu]), dense(10)),
    loss: softmaxCrossEntropy(),
    optimizer: sgd(0.01, { momentum: 0.9 }),
    batch: { size },
  });

export const mlp = (size) => perceptron(size, 512, 256);

/** A perceptron with about ten million parameters. */
export const wideMlp = (size) => perceptron(size, 2800, 2800);
