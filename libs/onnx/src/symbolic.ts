/**
 * A program for batches of any number of rows. A trace has shapes of concrete numbers. Two traces, of different numbers
 * of rows, show which of these numbers are lengths that grow with the batch.
 */
import { type Attrs, inlineCalls, type Program, type Tensor, traceProgram } from '@lockstep/autodiff';
import { LockstepError, withRows } from '@lockstep/errors';
import type { DType, Storage } from '@lockstep/tensor';
import { isFixed, type Length } from './lengths.ts';

/** The type and shape of a value, for any batch: a symbolic `Aval`. */
export interface Variable {
  readonly dtype: DType;
  readonly shape: readonly Length[];
}

export interface SymbolicEquation {
  readonly primitive: string;
  /** Numbers in `attrs` may be lengths that depend on the batch. `bodies` are symbolic programs. */
  readonly attrs: Attrs;
  readonly inputs: readonly number[];
  readonly outputs: readonly number[];
}

/** Fixed elements, or a sequence whose length depends on the batch: start, start + step, … in row-major order. */
export type Constant = { readonly variable: number } & (
  | { readonly storage: Storage }
  | { readonly count: Count }
);

export interface Count {
  readonly start: number;
  readonly step: number;
}

export interface SymbolicProgram {
  /** The avals of all variables, inputs first. */
  readonly avals: readonly Variable[];
  readonly numInputs: number;
  readonly constants: readonly Constant[];
  /** The equations that an output depends on. */
  readonly equations: readonly SymbolicEquation[];
  readonly outputs: readonly number[];
}

/** The numbers of rows of the two traces: primes that are unusual as lengths. */
const [fewer, more] = [11, 13];

/** Traces `f`. Throws an `argument` error if the number of rows changes more in the computation than lengths. */
export function traceSymbolic(
  f: (...inputs: Tensor[]) => readonly Tensor[],
  inputs: readonly Variable[],
): SymbolicProgram {
  const traced = (rows: number): Program =>
    traceProgram(
      f,
      inputs.map(({ dtype, shape }) => ({
        dtype,
        shape: shape.map((length) => (isFixed(length) ? length : length.batches * rows)),
      })),
    );
  return mergedProgram(withRows(fewer, traced), traced(more));
}

function mergedProgram(first: Program, second: Program): SymbolicProgram {
  // An exported model only runs, so custom derivatives and checkpoints are inlined.
  const [a, b] = [inlineCalls(first), inlineCalls(second)];
  if (a.equations.length !== b.equations.length || a.constants.length !== b.constants.length) {
    throw varies('its operations change with the number of rows');
  }
  const equations = a.equations.map((equation, i): SymbolicEquation => {
    const other = b.equations[i]!;
    if (equation.primitive !== other.primitive || `${equation.inputs}` !== `${other.inputs}`)
      throw varies(`operation ${i}, ${equation.primitive}, is ${other.primitive} for another number of rows`);
    return { ...equation, attrs: merged(equation.attrs, other.attrs, equation.primitive) as Attrs };
  });
  const constants = a.constants.map(({ variable, storage }, i): Constant => {
    const other = b.constants[i]!.storage;
    return isSame(storage, other) ? { variable, storage } : { variable, count: commonCount(storage, other) };
  });
  const avals = a.avals.map(({ dtype, shape }, i): Variable => {
    return { dtype, shape: merged(shape, b.avals[i]!.shape, 'a shape') as Length[] };
  });
  return { ...a, avals, constants, equations: needed(equations, a.outputs) };
}

/** Merges the data of two traces: numbers that differ become lengths in terms of the rows. */
function merged(a: unknown, b: unknown, what: string): unknown {
  if (Object.is(a, b)) return a;
  if (typeof a === 'number' && typeof b === 'number') {
    const batches = a / fewer;
    if (Number.isInteger(batches) && batches * more === b) return { batches } satisfies Length;
  } else if (Array.isArray(a) && Array.isArray(b) && a.length === b.length) {
    return a.map((item, i) => merged(item, b[i], what));
  } else if (isProgram(a) && isProgram(b)) {
    return mergedProgram(a, b);
  } else if (isRecord(a) && isRecord(b) && `${Object.keys(a)}` === `${Object.keys(b)}`) {
    return Object.fromEntries(Object.keys(a).map((key) => [key, merged(a[key], b[key], what)]));
  }
  throw varies(`${what} is no multiple of the number of rows`);
}

/** Whether a value is a program: the body of a loop or a branch. */
const isProgram = (value: unknown): value is Program =>
  isRecord(value) && 'equations' in value && 'avals' in value;

function isSame(a: Storage, b: Storage): boolean {
  if (a.data === b.data) return true;
  return `${a.shape}` === `${b.shape}` && a.data.every((value, i) => Object.is(value, b.data[i]));
}

/** Merges two constants that number the rows, such as the indices of a look-up along an axis, into a sequence. */
function commonCount(a: Storage, b: Storage): Count {
  const [start, next] = a.data as unknown as [number, number];
  const step = next - start;
  const counts = ({ data }: Storage): boolean =>
    data.length > 1 && data.every((value, i) => value === start + step * i) && Number.isInteger(step);
  if (`${a.shape}` !== `${b.shape}` && Number.isInteger(start) && counts(a) && counts(b))
    return { start, step };
  throw varies(`a constant ${a.dtype} [${a.shape}] changes with the number of rows`);
}

function needed(
  equations: readonly SymbolicEquation[],
  outputs: readonly number[],
): readonly SymbolicEquation[] {
  const live = new Set(outputs);
  const kept = equations.toReversed().filter((equation) => {
    const isLive = equation.outputs.some((output) => live.has(output));
    if (isLive) for (const input of equation.inputs) live.add(input);
    return isLive;
  });
  return kept.toReversed();
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function varies(what: string): LockstepError {
  return new LockstepError(
    'argument',
    `onnx: ${what}, but an ONNX model takes batches of any size; treat each row alike, or give every length as a number`,
  );
}
