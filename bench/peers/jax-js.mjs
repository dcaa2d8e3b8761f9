// Measures a training step of jax-js on its WebAssembly backend, which has one thread in Node. Prints one JSON line.
// BENCH_PEERS=<folder> node bench/peers/jax-js.mjs mlp|cnn <batch> <seconds>
import { sample } from '../measure.mjs';
import { load } from './load.mjs';

const { jit, lax, nn, numpy: np, random, tree, valueAndGrad } = load('@jax-js/jax');

const [name, batch, seconds] = process.argv.slice(2);
const BATCHES = 4;

let seed = 0;
const normal = (shape) => random.normal(random.key(seed++), shape).mul(0.05);

/** 784-512-256-10 */
const mlp = {
  shape: [784],
  init: () =>
    [
      [784, 512],
      [512, 256],
      [256, 10],
    ].map(([inputs, units]) => ({ kernel: normal([inputs, units]), bias: np.zeros([units]) })),
  apply: (layers, x) =>
    layers.reduce((h, { kernel, bias }, i) => {
      const y = np.matmul(h, kernel).add(bias);
      return i < layers.length - 1 ? nn.relu(y) : y;
    }, x),
};

const block = (inputs, channels) => ({
  kernel: normal([channels, inputs, 3, 3]),
  gamma: np.ones([1, channels, 1, 1]),
  beta: np.zeros([1, channels, 1, 1]),
});

function convolution({ kernel, gamma, beta }, x) {
  const y = lax.conv(x, kernel, [1, 1], 'SAME');
  const centred = y.ref.sub(np.mean(y, [0, 2, 3], { keepdims: true }));
  const variance = np.mean(np.square(centred.ref), [0, 2, 3], { keepdims: true });
  return nn.relu(centred.mul(gamma.div(np.sqrt(variance.add(1e-5)))).add(beta));
}

function halve(x) {
  const [rows, channels, height, width] = x.shape;
  return np.max(x.reshape([rows, channels, height / 2, 2, width / 2, 2]), [3, 5]);
}

/** conv32-bn-relu, conv32-bn-relu, pool, conv64-bn-relu, pool, dense10 */
const cnn = {
  shape: [1, 28, 28],
  init: () => ({
    blocks: [block(1, 32), block(32, 32), block(32, 64)],
    kernel: normal([64 * 7 * 7, 10]),
    bias: np.zeros([10]),
  }),
  apply({ blocks: [first, second, third], kernel, bias }, x) {
    const half = halve(convolution(second, convolution(first, x)));
    const quarter = halve(convolution(third, half));
    return np.matmul(quarter.reshape([-1, 64 * 7 * 7]), kernel).add(bias);
  },
};

const model = { mlp, cnn }[name];

function loss(params, x, y) {
  return np.mean(np.sum(nn.logSoftmax(model.apply(params, x)).mul(y), 1)).neg();
}

/** SGD with momentum 0.9. */
function update(params, velocity, x, y) {
  const [value, grads] = valueAndGrad(loss)(tree.ref(params), x, y);
  const next = tree.map((v, g) => v.mul(0.9).add(g), velocity, grads);
  return [tree.map((w, v) => w.sub(v.mul(0.01)), params, tree.ref(next)), next, value];
}

// The compiled step of the CNN takes tens of times as long as the step op by op.
const run = name === 'mlp' ? jit(update) : update;
const batches = Array.from({ length: BATCHES }, () => ({
  x: random.uniform(random.key(seed++), [Number(batch), ...model.shape]),
  y: nn.oneHot(np.arange(Number(batch)).mod(10), 10),
}));
let params = model.init();
let velocity = tree.map((w) => np.zeros(w.shape), tree.ref(params));
let value = Number.NaN;
let turn = 0;

/** Reads a value, because jax-js computes lazily. */
function step() {
  const { x, y } = batches[turn++ % BATCHES];
  let result;
  [params, velocity, result] = run(params, velocity, x.ref, y.ref);
  value = result.item();
}

const figures = sample(step, Number(seconds));
if (!Number.isFinite(value)) throw new Error('the loss is not finite after the measurement');
console.log(JSON.stringify({ figures }));
