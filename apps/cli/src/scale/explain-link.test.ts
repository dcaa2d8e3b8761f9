/** Predictions for a small experiment that is measured in this process. */
import { fromArrays } from '@lockstep/data';
import { dense, softmaxCrossEntropy } from '@lockstep/nn';
import { sgd } from '@lockstep/optim';
import { defineExperiment } from '@lockstep/training';
import { expect, it } from 'vitest';
import { linkText } from '../display/link.ts';
import type { ExperimentFile } from '../experiment-file.ts';
import { recordingTerminal } from '../fixtures/recording.ts';
import { explainLink } from './explain-link.ts';
import type { LinkPrediction } from './prediction.ts';

const rows = Array.from({ length: 64 }, (_, i) => [i % 3, i % 5, 1]);
const experiment = defineExperiment({
  name: 'small',
  data: fromArrays({ x: rows, y: rows.map((_, i) => i % 2) }, { name: 'rows', dtypes: { y: 'int32' } }),
  model: dense(2),
  loss: softmaxCrossEntropy(),
  optimizer: sgd(0.1),
  batch: { size: 16, shards: 4 },
  epochs: 4,
});
const file = {
  ...{ name: 'small', experiment, bundle: new Uint8Array(), hash: '', path: 'small.ts' },
  project: { root: '.', cache: '.' },
} satisfies ExperimentFile;

async function explained(json: boolean, more: object = {}): Promise<string> {
  const terminal = recordingTerminal();
  const args = { link: '1Mbit', latency: '50ms', workers: 8, threads: 1, ...more };
  expect(await explainLink(file, args, { json, terminal })).toBe(0);
  return terminal.out.text();
}

it('predicts a step for 1, 2, 4 workers and so on, of which spare ones change nothing', async () => {
  const { rows: predicted, ...facts } = JSON.parse(await explained(true)) as LinkPrediction;
  // The sums: 3 × 2 weights and 2 biases, loss and count.
  expect(facts).toMatchObject({
    ...{ event: 'done', experiment: 'small', batchSize: 16, numShards: 4, threads: 1 },
    ...{ exchangedBytes: 4 * (8 + 2), numExchanges: 1, link: { bitsPerSecond: 1e6, latencyMs: 50 } },
  });
  expect(predicted.map(({ workers, shards }) => [workers, shards])).toEqual([
    [1, 4],
    [2, 2],
    [4, 1],
    [8, 1],
  ]);
  const [one, two, four, eight] = predicted;
  expect(one).toMatchObject({ networkMs: 0, waitMs: 0, sentBytes: 0, speedUp: 1, efficiency: 1 });
  expect(one).not.toHaveProperty('breakEven');
  // One hop of a small bucket, and no link of this latency is fast enough for a step of less than 50 ms.
  expect(two!.networkMs).toBeGreaterThan(50);
  expect(two).not.toHaveProperty('breakEven');
  for (const { computeMs, waitMs, networkMs, stepMs } of predicted)
    expect(stepMs).toBeCloseTo(computeMs + waitMs + networkMs, 9);
  expect({ ...eight, workers: 4, efficiency: 2 * eight!.efficiency }).toEqual(four);
});

it('shows people a table, and says which workers stand by', async () => {
  const prediction = JSON.parse(await explained(true, { workers: 1 })) as LinkPrediction;
  const [one] = prediction.rows;
  const text = linkText({
    ...prediction,
    rows: [one!, { ...one!, workers: 8, stepMs: 1e3, networkMs: 1e3 }],
  });
  expect(text).toContain('small · batch 16 in 4 shards of 4 rows · profile');
  expect(text).toContain('link 1 Mbit/s, latency 50 ms');
  expect(text).toMatch(/^workers +shards +compute +network +wait +step +samples\/s +speed-up/m);
  expect(text).toContain('1 worker is fastest');
  expect(text).toContain('more than 4 workers stand by');
});

it('names a link that it cannot read', async () => {
  await expect(explained(false, { link: 'fast' })).rejects.toThrow('--link must be a rate such as 1Gbit');
});
