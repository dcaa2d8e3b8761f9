/** Experiments with different mistakes: the message has file, line and column of the user's own files, and the remedy. */
import { execFile } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';

const head = `import * as ls from 'lockstep';
import { shapeless } from './parts.ts';
const rows = Array.from({ length: 40 }, (_, i) => [i, i + 1, 2 * i, 1]);
const labels = rows.map((_, i) => i % 3);
const data = ls.fromArrays({ x: rows, y: labels }, { dtypes: { y: 'int32' } });
`;
/** The first line of this text is line 6. */
const ofLayers = (fields: string, before = ''): string => `${head}${before}
export default ls.defineExperiment({
  data,
  optimizer: ls.sgd(0.1),
  batch: { size: 16, shards: 4 },
${fields}
});
`;
const layers = '  model: ls.sequential(ls.dense(3)),\n';
const loss = '  loss: ls.softmaxCrossEntropy(),';

/** [name, source, place, message] */
const table: readonly (readonly [string, string, string, RegExp])[] = [
  [
    'inner-dimensions',
    ofLayers(`  init: (key) => ({ w: ls.normal(key, [5, 3]) }),
  loss: ({ w }, { x, y }) =>
    ls.softmaxCrossEntropy()(
      x.matmul(w), y),`),
    'inner-dimensions.ts:14:9',
    /^matmul: inner dimensions differ: \[rows, 4\] × \[5, 3\]; the second needs 4 rows/,
  ],
  [
    'loss-of-one-number',
    ofLayers(`${layers}  loss: (o, y) => ls.mean(ls.softmaxCrossEntropy()(o, y)),`),
    'loss-of-one-number.ts:12:3',
    /^loss: must have one value a sample, \[rows\], not \[\]; leave out the mean/,
  ],
  [
    'method-typo',
    ofLayers(`  model: ls.sequential(ls.dense(3), (x) => x.matmull(x)),\n${loss}`),
    'method-typo.ts:11:46',
    /^x\.matmull is not a function; did you mean matmul\?$/,
  ],
  [
    'throw-in-init',
    ofLayers(`  init: () => {
    throw new RangeError('no weights today');
  },
  loss: (w, { x }) => x,`),
    'throw-in-init.ts:12:11',
    /^no weights today$/,
  ],
  [
    'metric-of-one-number',
    ofLayers(`${layers}${loss}
  metrics: {
    accuracy: ls.accuracy,
    'mean+1': (o) => ls.mean(o),
  },`),
    'metric-of-one-number.ts:15:5',
    /^metric mean\+1: must have one value a sample, \[rows\], not \[\]/,
  ],
  [
    'penalty-of-many',
    ofLayers(`${layers}${loss}\n  penalty: ([{ kernel }]) => kernel.square(),`),
    'penalty-of-many.ts:13:3',
    /^penalty: must give one number, a tensor of shape \[\], not \[4, 3\]; add up its elements/,
  ],
  [
    'not-pure',
    ofLayers(`${layers}  loss: (o, y) => ls.softmaxCrossEntropy()(o, y).mul(Math.random()),`),
    'not-pure.ts:12:59',
    /^the experiment is not a pure function: .*; it calls Math\.random; take randomness from the key/,
  ],
  [
    'not-pure-by-a-counter',
    ofLayers(`${layers}  loss: (o, y) => ls.softmaxCrossEntropy()(o, y).mul(counter++),`, 'let counter = 1;'),
    'not-pure-by-a-counter.ts:12:3',
    /^the experiment is not a pure function: .* programs; take randomness from the key/,
  ],
  [
    'missing-column',
    ofLayers(`  init: (key) => ({ w: ls.normal(key, [4, 3]) }),
  loss: ({ w }, { x, labels }) =>
    ls.softmaxCrossEntropy()(x.matmul(w), labels),`),
    'missing-column.ts:13:28',
    /labels is missing; .*; the batch has no column 'labels'; its columns are x, y$/,
  ],
  [
    'no-labels',
    ofLayers(`${layers}${loss}`).replace('  data,', '  data: ls.fromArrays({ x: rows }),'),
    'no-labels.ts:8:3',
    /^the data have no column 'y'; their columns are x; a model reads its input from x and its labels from y$/,
  ],
  [
    'loss-not-called',
    ofLayers(`${layers}  loss: ls.softmaxCrossEntropy,`),
    'loss-not-called.ts:12:3',
    /is a call missing, as in softmaxCrossEntropy\(\)\?$/,
  ],
  [
    'layers-that-do-not-fit',
    ofLayers(`  model: ls.sequential(
    ls.dense(8),
    ls.sequential(
      ls.relu,
      ls.conv2d(3, 3),
    ),
    ls.dense(3),
  ),
${loss}`),
    'layers-that-do-not-fit.ts:15:10',
    /^layer 1 \(sequential\): layer 1 \(conv2d\): conv2d: takes images \[height, width, channels\], not rows of shape \[8\]/,
  ],
  [
    'own-layer',
    ofLayers(
      `  model: ls.sequential(ls.dense(8), scale),\n${loss}`,
      `const scale = {
  kind: 'scale',
  init: (key, input) => ({ params: { w: ls.zeros([7]) }, state: {}, output: input }),
  apply: ({ w }, state, x) => [x.mul(w), state],
};`,
    ),
    'own-layer.ts:9:34',
    /^layer 1 \(scale\): mul: shapes \[rows, 8\] and \[7\] do not broadcast/,
  ],
  [
    'layer-without-output',
    ofLayers(`  model: ls.sequential(ls.dense(8), shapeless),\n${loss}`),
    'layer-without-output.ts:11:3',
    /^layer 1 \(shapeless\): shapeless: init gives no output; it gives \{ params, state, output \}/,
  ],
  [
    'in-another-file',
    ofLayers(`${layers}  loss: (o, y) => ls.sum(shapeless.loss(o, y), 1),`),
    'parts.ts:6:42',
    /^softmaxCrossEntropy: takes logits \[rows, \.\., classes\] and labels \[rows, \.\.\], not \[3, rows\] and \[rows\]/,
  ],
  [
    'own-optimizer',
    ofLayers(`${layers}${loss}`).replace(
      'ls.sgd(0.1)',
      '{ init: () => ({}), update: (g, s) => [g.map((layer) => layer.kernel.mull(2)), s] }',
    ),
    'own-optimizer.ts:9:83',
    /^layer\.kernel\.mull is not a function; did you mean mul/,
  ],
];

const parts = `import * as ls from 'lockstep';
export const shapeless = {
  kind: 'shapeless',
  init: () => ({ params: {}, state: {} }),
  apply: (params, state, x) => [x, state],
  loss: (o, y) => ls.softmaxCrossEntropy()(o.transpose(), y),
};
`;

/** Uses one process for all experiments, `explain` for each, and trains one of them. */
const program = (folder: string): string => `
import { runCommandLine } from ${JSON.stringify(new URL('../dist/index.js', import.meta.url).href)};
const stream = (sink) => ({ isTTY: false, columns: () => 80, write: (text) => void sink.push(text) });
const run = async (...argv) => {
  const [out, err] = [[], []];
  const code = await runCommandLine(argv, { out: stream(out), err: stream(err) });
  return { code, out: out.join(''), err: err.join('') };
};
const folder = ${JSON.stringify(folder)};
const results = {};
for (const name of ${JSON.stringify(table.map(([name]) => name))}) results[name] = await run('explain', folder + '/' + name + '.ts');
results.train = await run('train', folder + '/inner-dimensions.ts', '--workers', '2', '--run-root', folder + '/runs');
process.stdout.write(JSON.stringify(results));
`;

it('names the place of a mistake in the user’s files, and keeps no run of a wrong experiment', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'lockstep-places-'));
  try {
    await writeFile(join(folder, 'parts.ts'), parts);
    for (const [name, source] of table) await writeFile(join(folder, `${name}.ts`), source);
    const argv = ['--input-type=module', '--eval', program(folder)];
    const cwd = fileURLToPath(new URL('../../..', import.meta.url));
    const { stdout } = await promisify(execFile)(process.execPath, argv, { cwd });
    const { train, ...explained } = JSON.parse(stdout);
    for (const [name, _source, place, message] of table) {
      const { code, err } = explained[name];
      const start = `lockstep: ${join(folder, place)}: `;
      expect(err.slice(0, start.length)).toBe(start);
      expect(err.slice(start.length).trimEnd()).toMatch(message);
      expect(code).toBe(1);
    }
    // The worker reports the same message as `explain`, once, and leaves no run.
    expect(train).toEqual({
      ...explained['inner-dimensions'],
      out: '  ✗ failed before the first step; no run is kept\n',
    });
    const runs = join(folder, 'runs');
    expect(existsSync(runs) ? readdirSync(runs) : []).toEqual([]);
  } finally {
    await rm(folder, { recursive: true });
  }
}, 60_000);
