/** What `inspectRun` gives of a step is what PyTorch computes: gradients, layers, losses of samples. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { NestedNumbers } from '@lockstep/autodiff';
import { type Inspection, inspectRun } from '@lockstep/replay';
import { sha256 } from '@lockstep/tracking';
import { resolveConfig } from '@lockstep/training';
import {
  adam,
  batchNorm,
  chain,
  clipByGlobalNorm,
  conv2d,
  defineExperiment,
  dense,
  flatten,
  fromArrays,
  l2,
  maxPool,
  relu,
  sequential,
  softmaxCrossEntropy,
  stack,
  type Tensor,
} from 'lockstep';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { distance, readReference } from './reference.ts';

const reference = readReference('inspected');
const block = (channels: number) =>
  sequential(conv2d(channels, 3, { bias: false }), batchNorm(), relu, maxPool(2));
const model = sequential(block(8), block(16), flatten, dense(10));

/** The names of parameters in the reference, by ours. */
const names: Readonly<Record<string, string>> = {
  ...{ '0/0/kernel': 'conv1/kernel', '0/1/gamma': 'norm1/gamma', '0/1/beta': 'norm1/beta' },
  ...{ '1/0/kernel': 'conv2/kernel', '1/1/gamma': 'norm2/gamma', '1/1/beta': 'norm2/beta' },
  ...{ '3/kernel': 'dense/kernel', '3/bias': 'dense/bias' },
};

/** The model with the initial parameters of the reference. */
const beginning: typeof model = {
  ...model,
  init(key, input) {
    const of = (name: string): Tensor => reference(`params/${name}/initial`);
    const ofBlock = (i: number) =>
      [
        { kernel: of(`conv${i}/kernel`) },
        { gamma: of(`norm${i}/gamma`), beta: of(`norm${i}/beta`) },
        {},
        {},
      ] as const;
    const last = { kernel: of('dense/kernel'), bias: of('dense/bias') };
    return { ...model.init(key, input), params: [ofBlock(1), ofBlock(2), {}, last] };
  },
};

/** All 12 samples in one batch of 16, so that of eight shards of two rows the last two have only padding. */
const experiment = defineExperiment({
  data: fromArrays(
    { x: reference('x').toArray() as NestedNumbers[], y: reference('y').toArray() as number[] },
    { name: 'gratings', dtypes: { y: 'int32' } },
  ),
  model: beginning,
  loss: softmaxCrossEntropy(),
  penalty: l2(1e-4),
  optimizer: chain(clipByGlobalNorm(1), adam(2e-3)),
  batch: { size: 16, shards: 8 },
  epochs: 10,
});
Object.assign(globalThis, { inspectedExperiment: experiment });

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lockstep-inspected-'));
  const code = 'export default globalThis.inspectedExperiment;\n';
  const origin = { file: join(process.cwd(), 'inspected.ts'), hash: sha256(Buffer.from(code)) };
  const config = resolveConfig(experiment);
  const manifest = { name: 'inspected', experiment: origin, config, profile: 'portable' };
  await writeFile(join(folder, 'experiment.mjs'), code);
  await writeFile(join(folder, 'manifest.json'), JSON.stringify(manifest));
});
afterAll(() => rm(folder, { recursive: true }));

/** Values of samples in the order of the data. */
function inOrder({ samples }: Inspection, values: Tensor): Tensor {
  const indices = samples.toArray() as number[];
  return stack(indices.map((_, sample) => values.at(indices.indexOf(sample))));
}

describe('a step of a cnn', () => {
  // Float32 against float64.
  it.each([1, 10])('%i has the gradients, layers and losses of PyTorch', async (step) => {
    const found = await inspectRun(folder, { step });
    const of = (name: string): Tensor => reference(`step${step}/${name}`);
    expect(found.layers.map(({ name }) => name)).toEqual(
      reference.names.flatMap((name) => (name.startsWith('step1/layers/') ? [name.slice(13)] : [])),
    );
    for (const { name, output } of found.layers)
      expect(distance(inOrder(found, output), of(`layers/${name}`)), `layer ${name}`).toBeLessThan(1e-6);
    expect(Object.keys(found.gradients).sort()).toEqual(Object.keys(names).sort());
    for (const [name, gradient] of Object.entries(found.gradients))
      expect(distance(gradient, of(`gradients/${names[name]}`)), `gradient of ${name}`).toBeLessThan(1e-7);
    expect(distance(inOrder(found, found.loss), of('loss'))).toBeLessThan(1e-6);
  });
});
