// Measures a training step of TensorFlow.js on its WebAssembly backend with one thread. Prints one JSON line.
// BENCH_PEERS=<folder> node bench/peers/tfjs.mjs mlp|cnn <batch> <seconds>
import { sample } from '../measure.mjs';
import { load } from './load.mjs';

const tf = load('@tensorflow/tfjs');
const { setThreadsCount } = load('@tensorflow/tfjs-backend-wasm');

const [name, batch, seconds] = process.argv.slice(2);
const BATCHES = 4;

/** 784-512-256-10 */
function mlp() {
  const layers = [
    [784, 512],
    [512, 256],
    [256, 10],
  ].map(([inputs, units]) => ({
    kernel: tf.variable(tf.randomNormal([inputs, units], 0, 0.05)),
    bias: tf.variable(tf.zeros([units])),
  }));
  return (x) =>
    layers.reduce((h, { kernel, bias }, i) => {
      const y = h.matMul(kernel).add(bias);
      return i < layers.length - 1 ? y.relu() : y;
    }, x);
}

/**
 * A convolution with zero padding. The backend lacks the gradient with respect to the kernel; here it is a convolution of
 * the images, with channels as the batch axis, with the gradient of the output.
 */
const convolve = tf.customGrad((x, kernel, save) => {
  save([x, kernel]);
  const gradFunc = (dy, [images, weights]) => {
    const dx = tf.conv2dTranspose(dy, weights, images.shape, 1, 'same');
    const dk = tf
      .conv2d(images.transpose([3, 1, 2, 0]), dy.transpose([1, 2, 0, 3]), 1, 1)
      .transpose([1, 2, 0, 3]);
    return [dx, dk];
  };
  return { value: tf.conv2d(x, kernel, 1, 'same'), gradFunc };
});

/** conv32-bn-relu, conv32-bn-relu, pool, conv64-bn-relu, pool, dense10 */
function cnn() {
  const convolution = (inputs, channels) => {
    const kernel = tf.variable(tf.randomNormal([3, 3, inputs, channels], 0, 0.05));
    const gamma = tf.variable(tf.ones([channels]));
    const beta = tf.variable(tf.zeros([channels]));
    return (x) => {
      const y = convolve(x, kernel);
      const { mean, variance } = tf.moments(y, [0, 1, 2]);
      return y
        .sub(mean)
        .mul(gamma.div(variance.add(1e-5).sqrt()))
        .add(beta)
        .relu();
    };
  };
  const [first, second, third] = [convolution(1, 32), convolution(32, 32), convolution(32, 64)];
  const kernel = tf.variable(tf.randomNormal([64 * 7 * 7, 10], 0, 0.05));
  const bias = tf.variable(tf.zeros([10]));
  return (x) => {
    const half = second(first(x)).maxPool(2, 2, 'valid');
    const quarter = third(half).maxPool(2, 2, 'valid');
    return quarter.reshape([x.shape[0], -1]).matMul(kernel).add(bias);
  };
}

setThreadsCount(1);
if (!(await tf.setBackend('wasm')))
  throw new Error('the WebAssembly backend of TensorFlow.js does not start');
const [apply, shape] = { mlp: [mlp, [784]], cnn: [cnn, [28, 28, 1]] }[name];
const model = apply();
const batches = Array.from({ length: BATCHES }, () => ({
  x: tf.randomUniform([Number(batch), ...shape]),
  y: tf.oneHot(tf.randomUniform([Number(batch)], 0, 10, 'int32'), 10),
}));
const optimizer = tf.train.momentum(0.01, 0.9);
let turn = 0;
let loss;

function step() {
  const { x, y } = batches[turn++ % BATCHES];
  loss?.dispose();
  loss = optimizer.minimize(() => tf.losses.softmaxCrossEntropy(y, model(x)), true);
}

const figures = sample(step, Number(seconds));
if (!Number.isFinite(loss.dataSync()[0])) throw new Error('the loss is not finite after the measurement');
console.log(JSON.stringify({ figures }));
