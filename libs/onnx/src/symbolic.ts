/**
 * A program for batches of any number of rows. Programs are traced for shapes in numbers; tracing for two batches shows
 * which numbers are lengths that grow with the batch, wherever they stand.
 */
import { type Attrs, type Program, type Tensor, traceProgram } from '@lockstep/autodiff';
import { LockstepError } from '@lockstep/errors';
import type { DType, Storage } from '@lockstep/tensor';
import { isFixed, type Length } from './lengths.ts';

/** What is known of a value: as an `Aval`, for any batch. */
export interface Variable {
  readonly dtype: DType;
  readonly shape: readonly Length[];
}

export interface SymbolicEquation {
  readonly primitive: string;
  /** Numbers in them may be lengths that depend on the batch. */
  readonly attrs: Attrs;
  readonly inputs: readonly number[];
  readonly outputs: readonly number[];
}

export interface SymbolicProgram {
  readonly variables: readonly Variable[];
  readonly numInputs: number;
  readonly constants: readonly { readonly variable: number; readonly storage: Storage }[];
  /** Those that an output needs. */
  readonly equations: readonly SymbolicEquation[];
  readonly outputs: readonly number[];
}

/** Rows of the two traces: primes that are no usual lengths. */
const [fewer, more] = [11, 13];

/** Traces `f`. Throws an `argument` error where what it computes depends on the number of rows otherwise than by lengths. */
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
  const [a, b] = [traced(fewer), traced(more)];
  if (a.equations.length !== b.equations.length || a.constants.length !== b.constants.length) {
    throw varies('its operations are others for another number of rows');
  }
  const equations = a.equations.map((equation, i): SymbolicEquation => {
    const other = b.equations[i]!;
    if (equation.primitive !== other.primitive || `${equation.inputs}` !== `${other.inputs}`)
      throw varies(`operation ${i}, ${equation.primitive}, is ${other.primitive} for another number of rows`);
    return { ...equation, attrs: merged(equation.attrs, other.attrs, equation.primitive) as Attrs };
  });
  for (const [i, { storage }] of a.constants.entries()) requireSame(storage, b.constants[i]!.storage);
  return {
    variables: a.avals.map(({ dtype, shape }, i) => ({
      dtype,
      shape: merged(shape, b.avals[i]!.shape, 'a shape') as Length[],
    })),
    numInputs: a.numInputs,
    constants: a.constants,
    equations: needed(equations, a.outputs),
    outputs: a.outputs,
  };
}

/** The same data with lengths for the numbers that differ. */
function merged(a: unknown, b: unknown, what: string): unknown {
  if (Object.is(a, b)) return a;
  if (typeof a === 'number' && typeof b === 'number') {
    const batches = a / fewer;
    if (Number.isInteger(batches) && batches * more === b) return { batches } satisfies Length;
  } else if (Array.isArray(a) && Array.isArray(b) && a.length === b.length) {
    return a.map((item, i) => merged(item, b[i], what));
  } else if (isRecord(a) && isRecord(b) && `${Object.keys(a)}` === `${Object.keys(b)}`) {
    return Object.fromEntries(Object.keys(a).map((key) => [key, merged(a[key], b[key], what)]));
  }
  throw varies(`${what} is no multiple of the number of rows`);
}

function requireSame(a: Storage, b: Storage): void {
  const same =
    a.data === b.data ||
    (`${a.shape}` === `${b.shape}` && a.data.every((value, i) => Object.is(value, b.data[i])));
  if (!same) throw varies(`a constant ${a.dtype} [${a.shape}] is another one for another number of rows`);
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
