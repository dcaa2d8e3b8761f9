/** Folders of sweeps whose values follow from their parameters, so that pictures are the same every time. */
import { appendFile, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { makeRun } from './runs.ts';

const where = { endpoint: 'tcp://127.0.0.1:4000', bind: 'tcp://127.0.0.1:0', keys: false };

export interface MadeSweep {
  readonly id: string;
  readonly name?: string;
  readonly trials?: number;
  /** Of these so many are recorded; the next two are begun. Default: all. */
  readonly recorded?: number;
  /** Steps of each run. */
  readonly steps?: number;
  /** Whether it has rungs at which trials are stopped, and the number of parameters as a second objective. */
  readonly isHalved?: boolean;
  /** Names of parameters and what the options of one of them are, in place of the usual ones. */
  readonly names?: { readonly rate: string; readonly option: string };
}

const seeds = [1, 2];

/** Evenly spread numbers from 0 to 1 for each trial and parameter. */
const spread = (trial: number, parameter: number): number =>
  (0.5 + trial * [0.618_033_988_7, 0.754_877_666_2, 0.569_840_290_9, 0.819_172_513_4][parameter]!) % 1;

export interface Params {
  readonly [name: string]: string | number;
}

export function paramsOf(trial: number, { names }: Pick<MadeSweep, 'names'> = {}): Params {
  const [rate, momentum, head, width] = [0, 1, 2, 3].map((i) => spread(trial, i)) as [
    number,
    number,
    number,
    number,
  ];
  const isMlp = head > 0.3;
  const batch = [64, 128, 256][Math.floor(momentum * 2.999)]!;
  return {
    [names?.rate ?? 'rate']: 10 ** (-3.5 + 3 * rate),
    momentum: 0.95 * momentum,
    batch: names === undefined ? batch : names.option,
    head: isMlp ? 'mlp' : 'linear',
    ...(isMlp && { width: Math.round(16 * 2 ** (4 * width)) }),
  };
}

/** A bowl over the logarithm of the rate, with a wider head a little better. */
function lossOf(params: Params, seed: number, names: MadeSweep['names']): number {
  const rate = Math.log10(Number(params[names?.rate ?? 'rate'])) + 1.6;
  const width = params.width === undefined ? 0.3 : 0.16 * (1 - Math.log2(Number(params.width) / 16) / 4);
  const bowl = 0.09 + 0.35 * rate * rate + width + 0.2 * (Number(params.momentum) - 0.7) ** 2;
  return Math.fround(rate > 1 ? bowl * 40 : bowl + 0.008 * Math.sin(17 * rate + seed));
}

/** Returns the folder. */
export async function makeSweep(root: string, made: MadeSweep): Promise<string> {
  const { id, name = 'digits', trials = 48, recorded = trials } = made;
  const folder = join(root, id);
  await mkdir(join(folder, 'runs'), { recursive: true });
  await writeFile(join(folder, 'sweep.json'), JSON.stringify(manifestOf(made, name, trials)));
  await append(folder, [{ type: 'started', ...where, time: '2026-11-30T10:00:00.000Z' }]);
  for (let trial = 0; trial < recorded; trial++) await recordTrial(folder, made, trial);
  for (let trial = recorded; trial < Math.min(trials, recorded + 2); trial++)
    await beginTrial(folder, made, trial);
  if (recorded === trials) {
    const table = Array.from({ length: trials }, (_, trial) => ({
      trial,
      params: paramsOf(trial, made),
    }));
    await writeFile(join(folder, 'table.jsonl'), linesOf(table));
  }
  return folder;
}

function manifestOf({ names, isHalved = false }: MadeSweep, name: string, trials: number): object {
  const params = {
    batch: { type: 'choice', options: names === undefined ? [64, 128, 256] : [names.option, 'other'] },
    head: { type: 'oneOf', options: ['linear', 'mlp'] },
    'head=mlp/width': { type: 'integer', lo: 16, hi: 256, step: 1, log: true },
    momentum: { type: 'number', lo: 0, hi: 0.95, log: false },
    [names?.rate ?? 'rate']: { type: 'number', lo: 10 ** -3.5, hi: 10 ** -0.5, log: true },
  };
  return {
    ...{ schemaVersion: 1, name, file: `sweeps/${name}.ts`, profile: 'fma' },
    experiment: { file: 'digits.ts', hash: 'e'.repeat(64) },
    sweep: {
      space: { params, constraints: [] },
      search: { name: 'tpe', options: { startup: 8 } },
      objective: { metric: 'validation/loss', direction: 'minimize', over: 'last' },
      others: isHalved ? [{ metric: 'parameters', direction: 'minimize', over: 'last' }] : null,
      stopping: isHalved
        ? { name: 'successiveHalving', min: 5, max: 40, eta: 2, brackets: [{ rungs: [] }] }
        : null,
      ...{
        trials,
        repeats: seeds.length,
        generation: 4,
        seed: 1,
        steps: null,
        epochs: 1,
        limitSamples: null,
      },
    },
    createdAt: '2026-11-30T10:00:00.000Z',
  };
}

const runName = (trial: number, seed: number): string =>
  `trial-${String(trial).padStart(4, '0')}-seed-${seed}`;

/** Says that the runs of a trial were begun, and makes their folders. */
export async function beginTrial(folder: string, made: MadeSweep, trial: number): Promise<void> {
  const { steps = 40 } = made;
  const params = paramsOf(trial, made);
  for (const [repeat, seed] of seeds.entries()) {
    const run = runName(trial, seed);
    await makeRun(join(folder, 'runs'), {
      id: run,
      params,
      seed,
      steps,
      totalSteps: 40,
      isFinished: steps === 40,
    });
    const generation = Math.floor(trial / 4);
    await append(folder, [{ type: 'begun', trial, repeat, run, generation, params }]);
  }
}

/** Every thirteenth fails. Without rungs every ninth is pruned after 20 steps. */
export async function recordTrial(folder: string, made: MadeSweep, trial: number): Promise<void> {
  await beginTrial(folder, made, trial);
  await endTrial(folder, made, trial);
}

export async function endTrial(folder: string, made: MadeSweep, trial: number): Promise<void> {
  const params = paramsOf(trial, made);
  const reason = 'step 31 is not finite: loss';
  const isFailed = trial % 13 === 7;
  const steps = stepsOf(made, trial);
  const values = seeds.map((seed) => valuesOf(made, params, seed));
  const ended = seeds.map((_, repeat) => ({
    ...{ type: 'ended', trial, repeat },
    ...(isFailed ? { reason } : { values: values[repeat], steps }),
  }));
  const result = isFailed
    ? { status: 'failed', values: [], reason: `seed 1: ${reason}` }
    : {
        status: steps < 40 ? 'pruned' : 'complete',
        values: values[0]!.map((_, i) => mean(values.map((one) => one[i]!))),
        spreads: values[0]!.map((value, i) => Math.abs(value - values[1]![i]!) / Math.SQRT2),
        repeats: seeds.map((seed, i) => ({ seed, values: values[i] })),
        ...(made.isHalved === true && { rungs: rungsOf(values, steps) }),
        steps,
      };
  const generation = Math.floor(trial / 4);
  await append(folder, [
    ...ended,
    { type: 'recorded', trial: { number: trial, generation, params, result } },
  ]);
}

const mean = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length;

const rungSteps = [5, 10, 20, 40];

/** Of trials with rungs half go on at each. */
function stepsOf({ isHalved = false }: MadeSweep, trial: number): number {
  if (!isHalved) return trial % 9 === 4 ? 20 : 40;
  const place = spread(trial, 0);
  return place < 0.5 ? 5 : place < 0.62 ? 10 : place < 0.74 ? 20 : 40;
}

function valuesOf({ names, isHalved = false }: MadeSweep, params: Params, seed: number): readonly number[] {
  const loss = lossOf(params, seed, names);
  return isHalved ? [loss, 790 * Number(params.width ?? 10)] : [loss];
}

const rungsOf = (values: readonly (readonly number[])[], last: number): readonly object[] =>
  rungSteps
    .filter((steps) => steps <= last)
    .map((steps) => ({
      steps,
      values: values[0]!.map(
        (_, i) => mean(values.map((one) => one[i]!)) * (i === 0 ? (40 / steps) ** 0.3 : 1),
      ),
    }));

const linesOf = (records: readonly object[]): string =>
  records.map((record) => `${JSON.stringify(record)}\n`).join('');

const append = (folder: string, entries: readonly object[]): Promise<void> =>
  appendFile(join(folder, 'journal.jsonl'), linesOf(entries));
