/** Both forms of the experiments of docs/your-data.md with a custom loss; test/cluster runs the whole page. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Experiment, resolveConfig, trainLocally } from '@lockstep/training';
import * as lockstep from 'lockstep';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { execute, readText } from './documentation.ts';

const page = readText('../../docs/your-data.md');
const block = (name: string): string =>
  new RegExp(`^\`\`\`\\w+ ${name}\\n(.*?)^\`\`\`$`, 'ms').exec(page)![1]!;

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'lockstep-your-data-'));
  writeFileSync(join(folder, 'line.csv'), block('line.csv'));
});
afterAll(() => rmSync(folder, { recursive: true }));

async function train(name: string) {
  const code = block(name).replace('line.csv', join(folder, 'line.csv'));
  const experiment = execute(code, lockstep) as Experiment;
  const dataset = await experiment.data.load();
  const trained = trainLocally({ experiment, dataset, config: resolveConfig(experiment) });
  return { ...trained, values: trained.arrays.map((array) => array[0]!) };
}

describe('docs/your-data.md', () => {
  it.each(['layers.ts', 'line.ts'])('%s learns y = 2x + 1', async (name) => {
    const { values } = await train(name);
    const [offset, slope] = values.sort((a, b) => a - b);
    expect(slope).toBeCloseTo(2, 1);
    expect(offset).toBeCloseTo(1, 1);
  });

  it('reports the metric of its own', async () => {
    const { history } = await train('layers.ts');
    expect(history.at(-1)!.distance!).toBeLessThan(0.05);
    expect(history[0]!.distance!).toBeGreaterThan(1);
  });
});
