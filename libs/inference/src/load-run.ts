/** Turns a trained run into a function of new rows. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { concatenate, jit, type NestedNumbers, slice, type Tensor, tensor } from '@lockstep/autodiff';
import {
  checkpointFolder,
  type LoadedCheckpoint,
  listCheckpoints,
  loadCheckpoint,
} from '@lockstep/checkpoint';
import { type DatasetForm, formOfDataset, readNewRows } from '@lockstep/data';
import { aString, LockstepError, type Rules, signature, whole } from '@lockstep/errors';
import { readArrays } from '@lockstep/formats';
import type { Experiment, Inputs } from '@lockstep/training';
import { importKept, placedIn } from './bundle.ts';
import { batchOfTable, prepareRows, type Rows } from './rows.ts';
import { type KnownRun, readRunFolder } from './run-files.ts';
import { applyExperiment, evaluationVariables, type Variables } from './variables.ts';

export interface LoadRunOptions {
  /** The checkpoint to use. Default: the newest. */
  readonly step?: number;
}

export interface Prediction {
  /** The output of the model for the row: a number, or nested lists of numbers. */
  readonly output: NestedNumbers;
  /**
   * The class with the largest output. Absent if the run has no names of classes, or not one for each output, or if an output is
   * NaN.
   */
  readonly class?: string;
}

export interface LoadedRun {
  readonly name: string;
  /** The step of the checkpoint. */
  readonly step: number;
  /** The form of the data with which the run was trained. */
  readonly data: DatasetForm;
  /** Names of the classes, in the order of the outputs. */
  readonly classes?: readonly string[];
  readonly params: unknown;
  readonly state: unknown;
  /**
   * One prediction for each row. Rows are in the form of the data, before any preprocessing: objects by the names of columns if
   * the run was trained on a table, else numbers [rows, ..input].
   */
  predict(rows: Rows): Prediction[];
  /** The outputs of the rows as one tensor. [rows, ..output] */
  outputs(rows: Rows): Tensor;
  /**
   * Predicts the rows of a file: a .csv file with the columns of the training, or the array x (or the only array) of an .npz,
   * .npy or .safetensors file.
   */
  predictFile(path: string): Promise<Prediction[]>;
}

const loadRules: Rules<LoadRunOptions> = { step: whole(0) };
const checkPredictFile = signature('predictFile', { path: aString });
const checkLoadRun = signature('loadRun', { folder: aString }, loadRules);

/**
 * Loads a run's newest checkpoint, its experiment and the preprocessing of its data. The data themselves are not needed.
 *
 * @throws LockstepError `checkpoint` or `config` if the folder holds no run with a checkpoint, `experiment` if its code cannot
 * be imported.
 */
export async function loadRun(folder: string, options: LoadRunOptions = {}): Promise<LoadedRun> {
  checkLoadRun(folder, options);
  if (!existsSync(join(folder, 'manifest.json'))) {
    throw new LockstepError('config', `${folder} is not the folder of a run: it has no manifest.json`, {
      folder,
    });
  }
  const run = await readRunFolder(folder);
  const checkpoint = await readCheckpoint(folder, options.step);
  const experiment = await importKept(run);
  const data = await dataFormOf(run, experiment, checkpoint);
  const input = data.fields.x?.shape ?? [];
  const variables = placedIn(run, experiment, () =>
    evaluationVariables(experiment, input, checkpoint.tensors),
  );
  const compiled = jit((used: Variables, batch: Inputs) => applyExperiment(experiment, used, batch));
  const apply = (batch: Inputs): Tensor =>
    placedIn(run, experiment, () => {
      const outputs = inPieces(batch, (piece) => compiled(variables, piece));
      const row = firstNaN(outputs);
      // Outside of a program, a layer can report what is wrong with a row, such as a token that its table does not have.
      if (row !== undefined)
        named(row, () => applyExperiment(experiment, variables, rowsOf(batch, row, row + 1)));
      return outputs;
    });
  const describe = (outputs: Tensor): Prediction[] => predictionsOf(outputs, data.classes);
  return {
    name: run.name,
    step: checkpoint.step,
    data,
    ...(data.classes && { classes: data.classes }),
    ...variables,
    outputs: (rows) => apply(prepareRows(data, rows)),
    predict: (rows) => (isEmpty(rows) ? [] : describe(apply(prepareRows(data, rows)))),
    predictFile: async (path) => {
      checkPredictFile(path);
      return describe(apply(await prepareFile(data, path)));
    },
  };
}

const isEmpty = (rows: Rows): boolean => Array.isArray(rows) && rows.length === 0;

/** The checkpoint of a step, or the newest complete one. @throws LockstepError `config` if there is none. */
export async function readCheckpoint(folder: string, step: number | undefined): Promise<LoadedCheckpoint> {
  const checkpoints = checkpointFolder(folder);
  const steps = (await listCheckpoints(checkpoints)).map((files) => files.step);
  const found =
    step === undefined || steps.includes(step) ? await loadCheckpoint(checkpoints, step) : undefined;
  if (found !== undefined) return found;
  const what =
    steps.length === 0
      ? 'no checkpoint yet; one is written every --checkpoint-every steps and at the end'
      : `no checkpoint of step ${step}; it has those of steps ${steps.join(', ')}`;
  throw new LockstepError('config', `${folder} has ${what}`, { folder, step, steps });
}

/** The form of the data according to the checkpoint. Checkpoints of earlier releases do not have it, so the data are loaded. */
export async function dataFormOf(
  run: KnownRun,
  experiment: Experiment,
  { metadata }: LoadedCheckpoint,
): Promise<DatasetForm> {
  if (metadata?.data !== undefined) return JSON.parse(metadata.data) as DatasetForm;
  return formOfDataset(await experiment.data.load({ limitSamples: run.config.limitSamples ?? undefined }));
}

async function prepareFile(form: DatasetForm, path: string): Promise<Inputs> {
  if (/\.(npz|npy|safetensors)$/.test(path)) {
    const arrays = await readArrays(path);
    const names = Object.keys(arrays);
    const array = arrays.x ?? (names.length === 1 ? arrays[names[0]!] : undefined);
    if (array === undefined) {
      throw new LockstepError('data', `${path}: there is no array x; the file has ${names.join(', ')}`, {
        path,
        names,
      });
    }
    const { data, shape, dtype } = array;
    return prepareRows(form, tensor(data, { shape, dtype }));
  }
  if (form.format !== undefined) return batchOfTable(form, await readNewRows(form.format, path));
  throw new LockstepError(
    'argument',
    `${path}: the run was not trained on a table, so its input has no named columns; give an .npz or .npy file with an array x of [${['rows', ...(form.fields.x?.shape ?? [])].join(', ')}]`,
    { path },
  );
}

/** The first row that has a NaN among its outputs [rows, ..output]. */
function firstNaN({ data, shape }: Tensor): number | undefined {
  const at = data.findIndex(Number.isNaN);
  return at < 0 ? undefined : Math.floor((at * shape[0]!) / data.length);
}

function named(row: number, run: () => unknown): void {
  try {
    run();
  } catch (error) {
    if (!(error instanceof LockstepError)) throw error;
    const { code, message, facts } = error;
    throw new LockstepError(code, `row ${row + 1}: ${message}`, { ...facts, row: row + 1 }, { cause: error });
  }
}

const rowsOf = (batch: Inputs, start: number, end: number): Inputs =>
  Object.fromEntries(
    Object.entries(batch).map(([name, column]) => [name, slice(column, [start], [end])]),
  ) as Inputs;

/** Rows that are computed at once: more rows take more memory, fewer take more time. The results do not depend on it. */
const pieceRows = 256;

function inPieces(batch: Inputs, apply: (piece: Inputs) => Tensor): Tensor {
  const numRows = batch.x.shape[0]!;
  if (numRows <= pieceRows) return apply(batch);
  const starts = Array.from({ length: Math.ceil(numRows / pieceRows) }, (_, i) => i * pieceRows);
  const pieces = starts.map((start) => {
    return apply(rowsOf(batch, start, Math.min(start + pieceRows, numRows)));
  });
  return concatenate(pieces);
}

function predictionsOf(outputs: Tensor, classes: readonly string[] | undefined): Prediction[] {
  const list = outputs.toArray() as NestedNumbers[];
  if (classes === undefined || outputs.rank !== 2 || outputs.shape[1] !== classes.length) {
    return list.map((output) => ({ output }));
  }
  return (list as number[][]).map((output) =>
    output.some(Number.isNaN) ? { output } : { output, class: classes[largest(output)]! },
  );
}

/** The index of the largest value, the first of equal ones. */
function largest(values: readonly number[]): number {
  return values.reduce((best, value, i) => (value > values[best]! ? i : best), 0);
}
