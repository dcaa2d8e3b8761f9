/**
 * Checks that labels name classes and tokens name rows of a table: in a compiled program, one that names nothing
 * would only give NaN. The values that the traced model uses as labels or tokens are computed from the data, for all
 * samples.
 */
import {
  type Aval,
  type Equation,
  evaluateProgram,
  inlineCalls,
  ones,
  type Program,
  programHash,
  type Tensor,
  tensor,
  traceProgram,
} from '@lockstep/autodiff';
import { type Dataset, type Field, fillBatch, type Split } from '@lockstep/data';
import { LockstepError, withRows } from '@lockstep/errors';
import { firstUnnamed, type Layer, type NamingUse, unnamedText, watchNames } from '@lockstep/nn';
import { allocate, isFloat, sizeOf } from '@lockstep/tensor';
import type { Batch } from './experiment.ts';
import type { PlanCache } from './plan-cache.ts';
import type { Task } from './task.ts';

/** An unusual number of rows: if it equalled a length of the experiment, it could hide a shape that does not fit. */
const triedRows = 13;

/** Elements of the columns that are checked together. */
const chunkSize = 2 ** 20;

/**
 * Throws a `data` error for the first label or token of any split that names nothing. Takes one pass over integers
 * and does not compute the model. Labels that have passed are not read again.
 */
export function checkLabels(cache: PlanCache, task: Task, dataset: Dataset, model?: Layer): void {
  const fields = Object.values(dataset.splits.train.fields).sort((a, b) => (a.name < b.name ? -1 : 1));
  for (const [i, traced] of withRows(triedRows, (rows) => traceUses(task, fields, rows)).entries()) {
    const first = neededFor(traced.program);
    // A value that depends on parameters is no label of the data.
    if (first.inputs.has(fields.length)) continue;
    const check = checkOf(first, traced.uses, dataset);
    if (cache.hasPassed(check)) continue;
    const read = fields.map((field, input) => (first.inputs.has(input) ? field : undefined));
    const elements = read.reduce((sum, field) => sum + (field === undefined ? 0 : sizeOf(field.shape)), 0);
    const numRows = Math.max(1, Math.min(4096, Math.floor(chunkSize / Math.max(1, elements))));
    // Columns that are used as labels unchanged need no program of `numRows` rows.
    const isAsIs = first.program.equations.length === 0;
    const needed = isAsIs
      ? first
      : neededFor(withRows(numRows, (rows) => traceUses(task, fields, rows))[i]!.program);
    for (const [name, split] of Object.entries(dataset.splits)) {
      const where = `the ${name} split of '${dataset.name}'`;
      checkSplit({ ...needed, uses: traced.uses, numRows, read, where, split, model });
    }
    cache.notePassed(check);
  }
}

/** The values are a function of the columns, in the same way for any number of rows. */
function checkOf({ program }: Needed, uses: readonly NamingUse[], { hash }: Dataset): string {
  const names = uses.map(({ kind, count, ignored = null }) => [kind, count, ignored]);
  return `labels ${programHash(program)} ${JSON.stringify(names)} of ${hash}`;
}

interface Traced {
  readonly uses: readonly NamingUse[];
  readonly program: Program;
}

/**
 * Traces the uses. Their numbers are the outputs of a program whose inputs are the columns and the initialisation
 * key.
 */
function traceUses(task: Task, fields: readonly Field[], numRows: number): Traced[] {
  const columns = fields.map(({ dtype, shape }): Aval => ({ dtype, shape: [numRows, ...shape] }));
  const inputs: Aval[] = [...columns, { dtype: 'uint32', shape: [2] }];
  const trace = (chosen: (uses: readonly NamingUse[]) => readonly NamingUse[]): Traced => {
    const found: NamingUse[] = [];
    let uses: readonly NamingUse[] = [];
    const program = traceProgram((...tensors) => {
      const key = tensors.at(-1)!;
      const batch = Object.fromEntries(fields.map(({ name }, i) => [name, tensors[i]!])) as Batch;
      const context = { training: true, key, weights: ones([numRows]) };
      watchNames(
        (use) => found.push(use),
        () => task.forward(task.init(key), batch, context),
      );
      uses = chosen(found);
      return uses.map(({ numbers }) => numbers);
    }, inputs);
    return { uses, program: inlineCalls(program) };
  };
  try {
    return [trace((all) => all)];
  } catch (error) {
    if (!isForeign(error)) throw error;
  }
  // Numbers inside a vmap or a loop of the loss belong to another trace and cannot be outputs; all other uses are
  // checked.
  let count = 0;
  trace((all) => {
    count = all.length;
    return [];
  });
  return Array.from({ length: count }, (_, i) => i).flatMap((i) => {
    try {
      return [trace((all) => all.slice(i, i + 1))];
    } catch (error) {
      if (isForeign(error)) return [];
      throw error;
    }
  });
}

const isForeign = (error: unknown): boolean => error instanceof LockstepError && error.code === 'trace';

/** The part of a program that its outputs depend on. */
interface Needed {
  readonly program: Program;
  readonly inputs: ReadonlySet<number>;
  /** Floats that a cast turns into whole numbers. */
  readonly truncated: readonly number[];
}

function neededFor(program: Program): Needed {
  const wanted = new Set(program.outputs);
  const equations: Equation[] = [];
  const truncated: number[] = [];
  for (const equation of program.equations.toReversed()) {
    if (!equation.outputs.some((output) => wanted.has(output))) continue;
    for (const input of equation.inputs) wanted.add(input);
    equations.unshift(equation);
    const [from, to] = [equation.inputs[0]!, equation.outputs[0]!];
    const isCut = equation.primitive === 'cast' && isFloat(program.avals[from]!.dtype);
    if (isCut && program.avals[to]!.dtype === 'int32') truncated.push(from);
  }
  const inputs = [...wanted].filter((variable) => variable < program.numInputs);
  const outputs = [...program.outputs, ...truncated];
  const constants = program.constants.filter(({ variable }) => wanted.has(variable));
  return { program: { ...program, constants, equations, outputs }, inputs: new Set(inputs), truncated };
}

interface SplitCheck extends Needed {
  readonly uses: readonly NamingUse[];
  readonly numRows: number;
  /** The field of each input of the program; undefined for inputs that the program does not read. */
  readonly read: readonly (Field | undefined)[];
  readonly where: string;
  readonly split: Split;
  readonly model: Layer | undefined;
}

function checkSplit({ uses, program, truncated, numRows, read, where, split, model }: SplitCheck): void {
  for (let start = 0; start < split.size; start += numRows) {
    const rows = Int32Array.from({ length: numRows }, (_, i) => Math.min(start + i, split.size - 1));
    const columns = read.map((field) => (field === undefined ? unread : take(split, field, rows)));
    const values = evaluateProgram(program, [...columns, unread]);
    for (const [i] of truncated.entries()) requireWhole(values[uses.length + i]!, where, start);
    for (const [i, use] of uses.entries()) {
      const { count } = use;
      const place = firstUnnamed(values[i]!.data, withIgnored(uses, program, i, use));
      if (place === -1) continue;
      const text = (value: number): string => unnamedText(use, value, outputsOf(model, count));
      throw misplaced(values[i]!, { where, start, place, kind: use.kind, text });
    }
  }
}

function take(split: Split, { name, dtype, shape }: Field, rows: Int32Array): Tensor {
  const data = allocate(dtype, rows.length * sizeOf(shape));
  fillBatch(split, rows, { [name]: data });
  return tensor(data, { shape: [rows.length, ...shape], dtype });
}

function requireWhole(values: Tensor, where: string, start: number): void {
  const place = values.data.findIndex((value) => !Number.isInteger(value));
  if (place === -1) return;
  const text = (): string =>
    'is not a whole number, and labels are numbers of classes; give the class, or a loss of numbers such as meanSquaredError';
  throw misplaced(values, { where, start, place, kind: 'label', text });
}

interface Misplaced {
  readonly where: string;
  /** The row of the split that the first of the values belongs to. */
  readonly start: number;
  /** The index of the value. */
  readonly place: number;
  readonly kind: string;
  text(value: number): string;
}

function misplaced(
  { data, shape, size }: Tensor,
  { where, start, place, kind, text }: Misplaced,
): LockstepError {
  const value = data[place]!;
  const perRow = size / shape[0]!;
  const row = start + Math.floor(place / perRow);
  const within = perRow > 1 ? `, place ${place % perRow}` : '';
  return new LockstepError('data', `${kind} ${value} in row ${row}${within} of ${where} ${text(value)}`, {
    value,
    row,
    where,
  });
}

const unread = tensor([0]);

/** A label that the loss ignores is also valid in a metric of the same labels. */
function withIgnored(uses: readonly NamingUse[], { outputs }: Program, i: number, use: NamingUse): NamingUse {
  const same = uses.find(({ ignored }, j) => outputs[j] === outputs[i] && ignored !== undefined);
  return use.ignored === undefined && same !== undefined ? { ...use, ignored: same.ignored } : use;
}

/** The layer that makes the outputs, as the user wrote it. */
function outputsOf(model: Layer | undefined, count: number): string {
  const last = model?.layers?.findLast(({ kind }) => kind !== 'softmax' && kind !== 'logSoftmax') ?? model;
  if (last === undefined) return 'the model';
  if (last !== model) return outputsOf(last, count);
  return last.kind === 'dense' ? `dense(${count})` : 'the model';
}
