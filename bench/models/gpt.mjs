/**
 * A character transformer with the sizes of nanoGPT's CPU example: tied embedding, no dropout, AdamW with clipping.
 * Compared with torch/gpt.py.
 */
import {
  adamw,
  arange,
  chain,
  clipByGlobalNorm,
  defineExperiment,
  foldIn,
  gather,
  normal,
  oneHot,
  ones,
  where,
  zeros,
} from 'lockstep';
import { randomText } from './random-data.mjs';

const VOCABULARY = 65;
const LENGTH = 128;
const LAYERS = 4;
const HEADS = 4;
const WIDTH = 128;
const BATCHES = 8;

const weights = (key, name, shape) => normal(foldIn(key, name), shape).mul(0.02);

const initNorm = () => ({ gamma: ones([WIDTH]), beta: zeros([WIDTH]) });

const initLinear = (key, name, inputs, outputs) => ({
  kernel: weights(key, name, [inputs, outputs]),
  bias: zeros([outputs]),
});

const initBlock = (key) => ({
  norm1: initNorm(),
  qkv: initLinear(key, 'qkv', WIDTH, 3 * WIDTH),
  projection: initLinear(key, 'projection', WIDTH, WIDTH),
  norm2: initNorm(),
  up: initLinear(key, 'up', WIDTH, 4 * WIDTH),
  down: initLinear(key, 'down', 4 * WIDTH, WIDTH),
});

const init = (key) => ({
  tokens: weights(key, 'tokens', [VOCABULARY, WIDTH]),
  positions: weights(key, 'positions', [LENGTH, WIDTH]),
  blocks: Array.from({ length: LAYERS }, (_, i) => initBlock(foldIn(key, i))),
  norm: initNorm(),
});

const linear = ({ kernel, bias }, x) => x.matmul(kernel).add(bias);

/** Layer norm over the last axis, as torch.nn.LayerNorm. */
function layerNorm({ gamma, beta }, x) {
  const centred = x.sub(x.mean(-1, { keepDims: true }));
  const variance = centred.square().mean(-1, { keepDims: true });
  return centred.div(variance.add(1e-5).sqrt()).mul(gamma).add(beta);
}

/** GELU, x·Φ(x), as torch.nn.GELU. */
const gelu = (x) => x.mul(x.mul(Math.SQRT1_2).erf().add(1)).mul(0.5);

/** Causal attention: each position reads itself and earlier positions. [rows, LENGTH, WIDTH] → the same shape. */
function attention({ qkv, projection }, x) {
  const [rows] = x.shape;
  const depth = WIDTH / HEADS;
  const all = linear(qkv, x).reshape([rows, LENGTH, 3, HEADS, depth]).transpose([2, 0, 3, 1, 4]);
  const [query, key, value] = [0, 1, 2].map((i) => all.at(i));
  const scores = query.matmul(key, { transposeB: true }).mul(1 / Math.sqrt(depth));
  const positions = arange(LENGTH);
  const visible = positions.reshape([LENGTH, 1]).greaterEqual(positions).broadcastTo(scores.shape);
  const mixed = where(visible, scores, Number.NEGATIVE_INFINITY).softmax().matmul(value);
  return linear(projection, mixed.transpose([0, 2, 1, 3]).reshape([rows, LENGTH, WIDTH]));
}

function block(params, x) {
  const attended = x.add(attention(params, layerNorm(params.norm1, x)));
  const hidden = gelu(linear(params.up, layerNorm(params.norm2, attended)));
  return attended.add(linear(params.down, hidden));
}

/** The mean cross entropy over a sample's positions: [rows] */
function loss({ tokens, positions, blocks, norm }, { x, y }) {
  const embedded = gather(tokens, x).add(positions);
  const hidden = blocks.reduce((h, params) => block(params, h), embedded);
  const logits = layerNorm(norm, hidden).matmul(tokens, { transposeB: true });
  return logits.logSoftmax().mul(oneHot(y, VOCABULARY)).sum(-1).mean(-1).neg();
}

export const gpt = (size) =>
  defineExperiment({
    data: randomText(BATCHES * size, LENGTH, VOCABULARY),
    init,
    loss,
    optimizer: chain(clipByGlobalNorm(1), adamw(1e-3, { beta1: 0.9, beta2: 0.99, weightDecay: 0.1 })),
    batch: { size },
  });
