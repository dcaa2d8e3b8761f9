/** The rows of tangents and adjoints in {@link explainTrace}. */
import { formatShape, stridesOf } from '@lockstep/tensor';
import { onesLike, tensor, zerosLike } from '../convert.ts';
import { traceProgram } from '../program/trace.ts';
import type { Tensor } from '../tensor.ts';
import {
  isScalar,
  operand,
  row,
  scalarsOf,
  type Table,
  type TraceExplanation,
  type TraceRow,
} from './explain-table.ts';
import { formatNumeric, inNumbers } from './explain-text.ts';
import { call, type Expression, isNumber, number, variable } from './expression.ts';
import { formatExpression, rounded } from './notation.ts';
import { inlined } from './program-of.ts';
import { type Contribution, contributions, type Recorded } from './recording.ts';
import { simplify } from './simplify.ts';

/**
 * ∂result/∂argument as a formula in the step's variables: the program of the step's rule for the cotangent 1. Undefined
 * for arrays, whose local derivatives are matrices, and where there is no rule.
 */
function localDerivative(step: Recorded, argument: number, symbol: Table['symbol']): Expression | undefined {
  const { primitive, attrs, inputs, outs, results } = step;
  if (primitive?.vjp === undefined || ![...inputs, ...outs].every(isScalar)) return undefined;
  if (step.pull([onesLike(outs[0]!)], argument) === undefined) return undefined;
  const program = traceProgram(
    (...xs) => [primitive.vjp!(onesLike(outs[0]!), argument, xs.slice(0, -1), xs.at(-1)!, attrs)],
    [...inputs, outs[0]!],
  );
  const operands = [...inputs.map((_, i) => operand(step, i, symbol)), variable(symbol(results[0]!))];
  return simplify(inlined(program, operands)[0]!);
}

/** Forward mode along each element of each input. */
export function tangentColumns(table: Table): TraceExplanation['tangents'] {
  return table.inputs.flatMap((x, input) =>
    Array.from({ length: x.size }, (_, element) => {
      const name = table.names[input]!;
      return {
        by: isScalar(x) ? name : `${name}${elementIndex(x, element)}`,
        rows: tangentRows(table, input, element),
      };
    }),
  );
}

function elementIndex({ shape }: Tensor, element: number): string {
  const strides = stridesOf(shape);
  return formatShape(shape.map((length, axis) => Math.floor(element / strides[axis]!) % length));
}

function tangentRows({ steps, inputs, symbol, valueAt }: Table, input: number, element: number): TraceRow[] {
  const tangents = new Map<number, Tensor>();
  const rows = inputs.map((x, i): TraceRow => {
    const data = new Float64Array(x.size);
    if (i === input) data[element] = 1;
    const direction = tensor(data, { shape: x.shape, dtype: x.dtype });
    tangents.set(i, direction);
    return row(`∂${symbol(i)}`, '', '', '', direction);
  });
  for (const step of steps) {
    const moves = step.sources.map((source) => (source === undefined ? undefined : tangents.get(source)));
    const pushed = step.push(moves);
    const { formula, numbers } = tangentFormula(step, tangents, symbol);
    for (const [i, result] of step.results.entries()) {
      const tangent = pushed[i] ?? zerosLike(valueAt(result));
      tangents.set(result, tangent);
      rows.push(row(`∂${symbol(result)}`, formula, '', numbers, tangent));
    }
  }
  return rows;
}

/** Σ ∂result/∂argument · ∂argument, with numbers where all values are scalars. */
function tangentFormula(
  step: Recorded,
  tangents: ReadonlyMap<number, Tensor>,
  symbol: Table['symbol'],
): { formula: string; numbers: string } {
  const values = scalarsOf(step, symbol);
  const terms = step.sources.flatMap((source, argument): Expression[] => {
    const slope = source === undefined ? undefined : step.pull(step.outs.map(onesLike), argument);
    if (slope === undefined) return [];
    const moved = `∂${symbol(source!)}`;
    const partial = `∂${symbol(step.results[0]!)}/${moved}`;
    values?.set(moved, tangents.get(source!)!.item());
    values?.set(partial, slope.item());
    return [timesLast(localDerivative(step, argument, symbol) ?? variable(partial), variable(moved))];
  });
  const [first, ...rest] = terms;
  if (first === undefined) return { formula: '0', numbers: '' };
  const total = rest.reduce(added, first);
  return { formula: formatExpression(total), numbers: values === undefined ? '' : inNumbers(total, values) };
}

/** derivative · moved, without factors of 1 and −1. */
function timesLast(derivative: Expression, moved: Expression): Expression {
  if (isNumber(derivative, 1)) return moved;
  if (isNumber(derivative, -1)) return call('neg', [moved]);
  return call('mul', [derivative, moved]);
}

const added = (a: Expression, b: Expression): Expression =>
  b.kind === 'call' && b.op === 'neg' ? call('sub', [a, b.args[0]!]) : call('add', [a, b]);

const bar = (symbol: string): string => symbol.replace('v', 'v̄');

/** Reverse mode: each step's contributions, from the last step to the first. */
export function adjointRows(table: Table): TraceRow[] {
  const output = table.outputs[0];
  if (output === undefined) return [];
  const first = row(bar(table.symbol(output)), '∂y/∂y', '', '', onesLike(table.outs[0]!));
  return [first, ...Array.from(contributions(table), (part) => adjointRow(part, table.symbol))];
}

function adjointRow(
  { step, argument, cotangents, before, after }: Contribution,
  symbol: Table['symbol'],
): TraceRow {
  const at = cotangents.findIndex((ct) => ct !== undefined);
  const result = symbol(step.results[at]!);
  const source = symbol(step.sources[argument]!);
  const written = (sofar: Expression, ct: Expression, slope: Expression): Expression => {
    const part = call('mul', [ct, slope]);
    return before === undefined ? part : call('add', [sofar, part]);
  };
  const inSymbols = (slope: Expression): string =>
    formatExpression(written(variable(bar(source)), variable(bar(result)), slope));
  const formula = inSymbols(variable(`∂${result}/∂${source}`));
  const derivative = localDerivative(step, argument, symbol);
  if (derivative === undefined) return row(bar(source), formula, '', '', after);
  const slope = step.pull([onesLike(step.outs[0]!)], argument)!;
  const [sofar, ct, by] = [before ?? slope, cotangents[at]!, slope].map((x) => number(rounded(x.item())));
  return row(bar(source), formula, inSymbols(derivative), formatNumeric(written(sofar!, ct!, by!)), after);
}

/** The names of the inputs' last adjoints. */
export function gradientRows({ names, inputs, symbol }: Table, adjoints: readonly TraceRow[]): TraceRow[] {
  return names.map((name, i) => {
    const adjoint = bar(symbol(i));
    const value =
      adjoints.findLast(({ variable: v }) => v === adjoint)?.value ?? zerosLike(inputs[i]!).toArray();
    return { variable: `∂y/∂${name}`, formula: adjoint, worked: '', numbers: '', value };
  });
}
