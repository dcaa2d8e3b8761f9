/** The data of the tables of {@link explainTrace}: a recording with the variables of the literature. */
import type { NestedNumbers, Tensor } from '../tensor.ts';
import { type Expression, number, variable } from './expression.ts';
import { formatValues, rounded, subscript } from './notation.ts';
import type { Recorded, Recording } from './recording.ts';

/** One line: `v₂ = v₋₁ · v₀ = 2 × 5 = 10`. */
export interface TraceRow {
  /** `v₂`; of a tangent `∂v₂`, of an adjoint `v̄₂`. */
  readonly variable: string;
  /** `v₋₁ · v₀`; of an adjoint `v̄₄ · ∂v₄/∂v₂`. */
  readonly formula: string;
  /**
   * The formula of an adjoint with the local derivative written out, `v̄₃ · cos(v₀)`; empty in other rows and for
   * arrays.
   */
  readonly worked: string;
  /**
   * The formula with numbers in place of variables, `2 × 5`; empty for arrays and where it would repeat the formula.
   */
  readonly numbers: string;
  readonly value: NestedNumbers;
}

export interface TraceExplanation {
  readonly values: readonly TraceRow[];
  /** Forward mode, once for each element of each input: `by` is `x1`, or `w[0, 2]`. */
  readonly tangents: readonly { readonly by: string; readonly rows: readonly TraceRow[] }[];
  /** Reverse mode, from the result to the inputs; a variable used twice has a row for each contribution. */
  readonly adjoints: readonly TraceRow[];
  /** The last adjoints of the inputs, `∂y/∂x1`. */
  readonly gradient: readonly TraceRow[];
  /** The tables, aligned. */
  toString(): string;
}

export interface Table extends Recording {
  readonly names: readonly string[];
  readonly inputs: readonly Tensor[];
  /** The symbols v₋₁, v₀, v₁ … of the recording's numbers. */
  readonly symbol: (value: number) => string;
  readonly valueAt: (value: number) => Tensor;
}

/** The steps in order of their depth, with the variables of the literature. */
export function numbered(recording: Recording, inputs: readonly Tensor[], names: readonly string[]): Table {
  const depths = new Map<number, number>(inputs.map((_, i) => [i, 0]));
  const withDepth = recording.steps.map((step) => {
    const below = step.sources.map((source) => (source === undefined ? 0 : depths.get(source)!));
    const depth = 1 + Math.max(0, ...below);
    for (const result of step.results) depths.set(result, depth);
    return { step, depth };
  });
  const steps = withDepth.sort((a, b) => a.depth - b.depth).map(({ step }) => step);
  const order = [...inputs.keys(), ...steps.flatMap(({ results }) => results)];
  const values = new Map(inputs.entries());
  for (const { results, outs } of steps)
    for (const [i, result] of results.entries()) values.set(result, outs[i]!);
  const index = new Map(order.map((value, place) => [value, place - inputs.length + 1]));
  return {
    ...recording,
    steps,
    names,
    inputs,
    symbol: (value) => `v${subscript(index.get(value)!)}`,
    valueAt: (value) => values.get(value)!,
  };
}

export const isScalar = ({ rank }: Tensor): boolean => rank === 0;

/** An operand in a formula: its variable, or the value of a constant. */
export function operand(
  { sources, inputs }: Recorded,
  argument: number,
  symbol: Table['symbol'],
): Expression {
  const source = sources[argument];
  if (source !== undefined) return variable(symbol(source));
  const constant = inputs[argument]!;
  if (isScalar(constant)) return number(constant.item());
  return variable(constant.size <= 8 ? formatValues(constant.toArray(), rounded) : String(constant));
}

/** The numbers of a step's variables; undefined if one of them is an array. */
export function scalarsOf(
  { sources, inputs, outs, results }: Recorded,
  symbol: Table['symbol'],
): Map<string, number> | undefined {
  if (![...inputs, ...outs].every(isScalar)) return undefined;
  const values = new Map<string, number>();
  for (const [i, source] of sources.entries())
    if (source !== undefined) values.set(symbol(source), inputs[i]!.item());
  for (const [i, result] of results.entries()) values.set(symbol(result), outs[i]!.item());
  return values;
}

export const row = (
  name: string,
  formula: string,
  worked: string,
  numbers: string,
  value: Tensor,
): TraceRow => ({
  variable: name,
  formula,
  worked,
  numbers,
  value: value.toArray(),
});
