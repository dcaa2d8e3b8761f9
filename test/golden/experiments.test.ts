/** Every experiment trains, and its bits do not depend on the division of its shards. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { createPlanner, planProgram, type Tensor, traceProgram } from '@lockstep/autodiff';
import type { ShardRange } from '@lockstep/collectives';
import { offeredProfiles } from '@lockstep/kernels';
import { countParams } from '@lockstep/nn';
import type { Shape } from '@lockstep/tensor';
import {
  type Experiment,
  isExperiment,
  isTemplate,
  resolveConfig,
  resolveExperiment,
  trainLocally,
} from '@lockstep/training';
import { describe, expect, it } from 'vitest';
import { programsOf, renumbered, textOf } from './renumbered.ts';

const folder = new URL('../../experiments/', import.meta.url);
/** Other files are modules that experiments share. */
const files = readdirSync(folder).filter(
  (file) => file.endsWith('.ts') && readFileSync(new URL(file, folder), 'utf8').includes('export default'),
);
const index = readFileSync(new URL('README.md', folder), 'utf8').split('\n');
/** Steps of each run. */
const isThorough = process.env.LOCKSTEP_THOROUGH === '1';
const STEPS = isThorough ? 2 : 1;
/** The fastest profile. */
const profile = offeredProfiles()[0]!;
const TIMEOUT_MS = 60_000;

async function load(file: string): Promise<Experiment> {
  const { default: exported } = (await import(fileURLToPath(new URL(file, folder)))) as {
    default?: unknown;
  };
  if (isExperiment(exported) || isTemplate(exported)) return resolveExperiment(exported).experiment;
  throw new TypeError(`${file} exports no experiment`);
}

/** All shards in one block, and in two uneven blocks as of two workers with different numbers of threads. */
const divisions = (numShards: number): ShardRange[][] => [
  [{ start: 0, count: numShards }],
  [
    { start: 0, count: numShards - 1 },
    { start: numShards - 1, count: 1 },
  ],
];

/** The row of an experiment in experiments/README.md. */
function rowOf(file: string): { parameters: number; samples: number; epochs: number } {
  const line = index.find((text) => text.startsWith(`| [${file}]`));
  if (line === undefined) throw new TypeError(`experiments/README.md has no row for ${file}`);
  const [parameters, samples, epochs] = line
    .split('|')
    .slice(4, 7)
    .map((cell) => Number(cell.replace(/[^0-9]/g, '')));
  return { parameters: parameters!, samples: samples!, epochs: epochs! };
}

/** Counts the trained numbers by tracing, without computing them. */
function parametersOf(experiment: Experiment, input: Shape): number {
  let count = 0;
  const initialised = (key: Tensor | undefined): Tensor[] => {
    const { params } =
      'model' in experiment ? experiment.model.init(key!, input) : { params: experiment.init(key!) };
    count = countParams(params);
    return [key!];
  };
  traceProgram(initialised, [{ dtype: 'uint32', shape: [2] }]);
  return count;
}

/** Steps and fingerprint that experiments/README.md states for a whole run in profile fma. */
function resultOf(file: string): { steps: number; fingerprint: string } {
  const line = index.find((text) => text.startsWith(`| ${file} |`));
  const [, , steps, , print] = line?.split('|') ?? [];
  const [start, end] = print?.replace(/[` ]/g, '').split('…') ?? [];
  if (start === undefined || end === undefined)
    throw new TypeError(`there is no documented result of ${file}`);
  return { steps: Number(steps!.replace(/[^0-9]/g, '')), fingerprint: `${start}…${end}` };
}

describe.runIf(profile === 'fma')('whole runs end with the documented fingerprint', () => {
  for (const file of ['logistic-regression.ts', 'breast-cancer.ts']) {
    it(file, async () => {
      const experiment = await load(file);
      const dataset = await experiment.data.load();
      const config = resolveConfig(experiment);
      const { steps, fingerprint } = trainLocally({ experiment, dataset, config, profile });
      const short = `${fingerprint.slice(0, 8)}…${fingerprint.slice(-4)}`;
      expect({ steps, fingerprint: short }).toEqual(resultOf(file));
    });
  }
});

/** Skips a test whose data are not on this machine. */
function skipWithout({ name }: Experiment['data'], skip: (note: string) => void): void {
  if (name === 'fashion-mnist' && !existsSync('/usr/share/datasets/fashion-mnist'))
    skip('Fashion-MNIST is not installed: apt-get install dataset-fashion-mnist');
}

/** These take seconds a step, so npm test leaves them to test:thorough. */
const slow = ['fashion-cnn.ts', 'moby-dick-lstm.ts', 'moby-dick.ts', 'resnet18.ts'];
const trained = files.filter((file) => isThorough || !slow.includes(file));

const special: readonly number[] = [0, 1, -1, 2, 0.5];
/** Changes of all numbers of a program. */
const changes: Readonly<Record<string, (number: number) => number>> = {
  none: (number) => number,
  'of ordinary numbers': (number) => (special.includes(number) ? number : number * 0.75),
  'of all numbers': (number) => number * 1.25,
  'to denormal numbers': (number) => number * 1e-42,
  'to equal numbers': (number) => (special.includes(number) ? number : 0.1),
  'to special numbers': (number) => [0, -0, 1, -1, 2, 0.5, Number.NaN, 0.3][Math.round(number * 1e6) & 7]!,
};
const planned = files.filter((file) => isThorough || file === 'mnist-mlp.ts');

describe('experiments', () => {
  it.for(planned)('%s shares its plans with experiments of other numbers', async (file, { skip }) => {
    const experiment = await load(file);
    skipWithout(experiment.data, skip);
    const dataset = await experiment.data.load({ limitSamples: 8 });
    for (const { program, options } of programsOf(experiment, dataset)) {
      const planner = createPlanner({ maxPlans: 16 });
      const plans = Object.entries(changes).map(([name, change]) => {
        const other = renumbered(program, change);
        const plan = planner.plan(other, options);
        expect(textOf(plan), name).toBe(textOf(planProgram(other, options)));
        return plan;
      });
      expect(plans[1]!.places).toBe(plans[0]!.places);
    }
  });

  for (const file of trained) {
    it(
      `${file} trains`,
      async ({ skip }) => {
        // Early stopping needs evaluations, which these runs do not have.
        const { earlyStopping: _, ...experiment } = await load(file);
        const { data, batch } = experiment;
        skipWithout(data, skip);
        // One row a shard is enough to compare bits.
        const size = batch.shards ?? 8;
        const config = { ...resolveConfig(experiment, { steps: STEPS }), batchSize: size };
        const dataset = await data.load({ limitSamples: STEPS * size });
        const splits = { train: dataset.splits.train };
        const [whole, parted] = divisions(config.numShards).map((ranges) =>
          trainLocally({ experiment, dataset: { ...dataset, splits }, config, ranges, profile }),
        );
        expect(parted!.fingerprint).toBe(whole!.fingerprint);
        for (const { loss } of whole!.history) expect(Number.isFinite(loss)).toBe(true);
        expect(whole!.history).toHaveLength(STEPS);
      },
      TIMEOUT_MS,
    );
  }

  it.for(files)('%s has the numbers of its row in experiments/README.md', async (file, { skip }) => {
    const experiment = await load(file);
    const { data, batch, epochs } = experiment;
    skipWithout(data, skip);
    const { splits } = await data.load({ limitSamples: 8 });
    const parameters = parametersOf(experiment, splits.train.fields.x!.shape);
    expect(rowOf(file)).toEqual({ parameters, samples: batch.size, epochs });
  });
});
