/**
 * Trains two models by Lockstep and by PyTorch, with the same initial weights, batches and learning rates. Writes the loss
 * of each step to docs/curves as numbers and pictures, and a summary to docs/curves.md.
 *
 *   node bench/curves.mjs [transformer] [cnn]
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { fillBatch, stepSamples } from '@lockstep/data';
import { foldIn, keyFromSeed, purposes } from '@lockstep/rng';
import { resolveConfig, trainLocally } from '@lockstep/training';
import { flatten as leavesOf } from '@lockstep/tree';
import {
  adamw,
  batchNorm,
  chain,
  clipByGlobalNorm,
  conv2d,
  defineExperiment,
  dense,
  embedding,
  flatten,
  full,
  keyTensor,
  layerNorm,
  maxPool,
  mnist,
  mobyDick,
  positionalEmbedding,
  relu,
  sequential,
  softmaxCrossEntropy,
  transformerBlock,
  warmupCosine,
} from 'lockstep';
import { plot } from './curves/plot.mjs';
import { python } from './torch.mjs';

const docs = fileURLToPath(new URL('../docs/', import.meta.url));
const program = fileURLToPath(new URL('curves/train.py', import.meta.url));
const SEED = 1;

const transformer = {
  title: 'Character transformer on Moby-Dick',
  what: '4 layers, 4 heads, 128 wide, context 128, batch 32; AdamW, clipping, warm-up and cosine',
  steps: 500,
  beta2: 0.99,
  weightDecay: 0.1,
  schedule: warmupCosine({ peak: 2e-3, warmupSteps: 100, end: 2e-4 }),
  data: mobyDick({ context: 128 }),
  batch: { size: 32, shards: 8 },
  network: sequential(
    embedding(83, 128),
    positionalEmbedding(128),
    ...Array.from({ length: 4 }, () => transformerBlock(128, 4, { causal: true })),
    layerNorm(),
    dense(83),
  ),
  torch: {
    model: 'transformer',
    shape: { characters: 83, width: 128, heads: 4, length: 128, layers: 4 },
  },
};

const cnn = {
  title: 'Convolutional network on MNIST',
  what: 'Two convolutions with batch norm over all 8 shards, batch 128; AdamW, clipping, warm-up and cosine',
  steps: 600,
  beta2: 0.999,
  weightDecay: 0.01,
  schedule: warmupCosine({ peak: 2e-3, warmupSteps: 100 }),
  data: mnist(),
  batch: { size: 128, shards: 8 },
  network: sequential(
    conv2d(16, 3),
    batchNorm(),
    relu,
    maxPool(2),
    conv2d(32, 3),
    batchNorm(),
    relu,
    maxPool(2),
    flatten,
    dense(10),
  ),
  torch: { model: 'cnn', shape: {} },
};

const models = { transformer, cnn };

/** The losses of both trainers by step. */
async function compare(model) {
  const { steps, schedule, beta2, weightDecay, data, batch, network } = model;
  const experiment = defineExperiment({
    data,
    model: network,
    loss: softmaxCrossEntropy(),
    optimizer: chain(clipByGlobalNorm(1), adamw(schedule, { beta2, weightDecay })),
    batch,
    steps,
  });
  const dataset = await data.load();
  const config = resolveConfig(experiment, { seed: SEED });
  const splits = { train: dataset.splits.train };
  const ours = trainLocally({ experiment, dataset: { ...dataset, splits }, config, profile: 'fma' }).history;
  const folder = mkdtempSync(join(tmpdir(), 'lockstep-curves-'));
  try {
    writeInputs(folder, model, splits.train, config);
    const { status, stdout, stderr, error } = spawnSync(python[0], [...python.slice(1), program, folder], {
      encoding: 'utf8',
      maxBuffer: 1 << 26,
    });
    if (status !== 0) throw new Error(`PyTorch failed: ${error?.message ?? stderr}`);
    return { ours: ours.map(({ loss }) => loss), torch: JSON.parse(stdout) };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Writes the inputs of curves/train.py: initial weights, batches and learning rates. */
function writeInputs(folder, { network, torch, schedule, beta2, weightDecay }, train, config) {
  const { steps, batchSize, numShards } = config;
  const { x, y } = train.fields;
  const key = keyTensor(foldIn(keyFromSeed(SEED), purposes.init));
  const { leaves } = leavesOf(network.init(key, x.shape).params);
  const weights = leaves.map(({ data }) => Buffer.from(data.buffer, data.byteOffset, data.byteLength));
  writeFileSync(join(folder, 'params.bin'), Buffer.concat(weights));
  const size = (shape) => shape.reduce((product, length) => product * length, batchSize);
  const inputs = new (x.dtype === 'int32' ? Int32Array : Float32Array)(steps * size(x.shape));
  const labels = new Int32Array(steps * size(y.shape));
  for (let step = 0; step < steps; step++) {
    const { shards } = stepSamples({ seed: SEED, step, numSamples: train.size, batchSize, numShards });
    const indices = Int32Array.from(shards.flatMap((shard) => [...shard.indices]));
    fillBatch(train, indices, {
      x: inputs.subarray(step * size(x.shape), (step + 1) * size(x.shape)),
      y: labels.subarray(step * size(y.shape), (step + 1) * size(y.shape)),
    });
  }
  writeFileSync(join(folder, 'x.bin'), inputs);
  writeFileSync(join(folder, 'y.bin'), labels);
  const rates = Array.from({ length: steps }, (_, step) => schedule(full([], step), steps).item());
  const shapes = { xShape: [steps, batchSize, ...x.shape], yShape: [steps, batchSize, ...y.shape] };
  writeFileSync(
    join(folder, 'config.json'),
    JSON.stringify({ ...torch, ...shapes, xType: x.dtype, rates, beta2, weightDecay }),
  );
}

/** One line per step. Nine digits distinguish any two float32 numbers. */
const toCsv = ({ ours, torch }) =>
  `${['step,ours,torch', ...ours.map((loss, i) => [i + 1, loss.toPrecision(9), torch[i].toPrecision(9)])].join('\n')}\n`;

function fromCsv(csv) {
  const rows = csv
    .trimEnd()
    .split('\n')
    .slice(1)
    .map((line) => line.split(',').map(Number));
  return { ours: rows.map(([, ours]) => ours), torch: rows.map(([, , torch]) => torch) };
}

const mean = (values) => values.reduce((sum, value) => sum + value, 0) / values.length;

/** A section of docs/curves.md. */
function section(name, { title, what }, { ours, torch }) {
  const steps = ours.length;
  const shown = [1, 2, 5, 10, 20, 50, 100, 200, 300, 400, 500, 600].filter((step) => step <= steps);
  const rows = shown.map((step) => {
    const [a, b] = [ours[step - 1], torch[step - 1]];
    return `| ${step} | ${a.toFixed(6)} | ${b.toFixed(6)} | ${(Math.abs(a - b) / b).toExponential(1)} |`;
  });
  const [lastOurs, lastTorch] = [ours, torch].map((losses) => mean(losses.slice(-50)).toFixed(4));
  return [
    `## ${title}`,
    '',
    `${what}. Mean loss of the last 50 steps: **${lastOurs}** for Lockstep, **${lastTorch}** for PyTorch.`,
    '',
    `![losses of both by step](curves/${name}.svg)`,
    '',
    '| step | Lockstep | PyTorch | relative difference |',
    '|---|---|---|---|',
    ...rows,
    '',
  ].join('\n');
}

const HEAD = `# Learning curves beside PyTorch

Lockstep and PyTorch 1.13 train two models from the same initial weights, on the same batches in the same order, with the
same learning rates, in float32. \`node bench/curves.mjs\` writes this page; it needs python3-torch. The losses of all steps
are in \`docs/curves\`. At first the losses agree to the last digits. Later they differ, because the two libraries sum in
different orders and training amplifies the different roundings; the curves still coincide.

`;

const asked = process.argv.slice(2);
const names = Object.keys(models);
const unknown = asked.find((name) => !names.includes(name));
if (unknown !== undefined) throw new Error(`there is no model '${unknown}' but ${names.join(', ')}`);
mkdirSync(join(docs, 'curves'), { recursive: true });
for (const name of asked.length > 0 ? asked : names) {
  const losses = await compare(models[name]);
  writeFileSync(join(docs, 'curves', `${name}.csv`), toCsv(losses));
  writeFileSync(join(docs, 'curves', `${name}.svg`), plot(models[name].title, losses));
}
const sections = names.map((name) =>
  section(name, models[name], fromCsv(readFileSync(join(docs, 'curves', `${name}.csv`), 'utf8'))),
);
writeFileSync(join(docs, 'curves.md'), `${HEAD}${sections.join('\n')}`);
