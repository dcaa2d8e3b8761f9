/**
 * Automatic differentiation step by step, as in tables 2 and 3 of Baydin et al. (2018): the values v₋₁, v₀, v₁ … with
 * their tangents in forward mode, then the adjoints v̄ in reverse.
 */
import { aFunction, anything, LockstepError, signature } from '@lockstep/errors';
import { formatShape } from '@lockstep/tensor';
import { asTensor } from '../convert.ts';
import type { Tensor } from '../tensor.ts';
import type { Inputs } from '../transform/types.ts';
import { nameArguments } from './arguments.ts';
import { adjointRows, gradientRows, tangentColumns } from './explain-derivatives.ts';
import {
  numbered,
  operand,
  scalarsOf,
  type Table,
  type TraceExplanation,
  type TraceRow,
} from './explain-table.ts';
import { formatTables, inNumbers } from './explain-text.ts';
import { call } from './expression.ts';
import { formatExpression } from './notation.ts';
import { record } from './recording.ts';

const MAX_INPUT_ELEMENTS = 16;

const checkExplainTrace = signature('explainTrace', { f: aFunction, '...args': anything });

/**
 * How the value and the derivatives of a scalar function of scalars or small arrays are computed:
 * `console.log(String(explainTrace(f, 2, 5)))`. Values are numbered as in the literature: inputs up to v₀, then by
 * depth. Throws `argument` for inputs of more than 16 elements together, since each has a column of tangents.
 */
export function explainTrace<Args extends readonly unknown[]>(
  f: (...args: Args) => Tensor,
  ...args: Inputs<Args>
): TraceExplanation {
  checkExplainTrace(f, ...args);
  const { leaves, rebuild } = nameArguments('explainTrace', f, args);
  const inputs = leaves.map(({ value }) => value);
  requireSmall(inputs);
  const recording = record((xs) => [asTensor(f(...rebuild(xs)))], inputs);
  requireScalar(recording.outs[0]!);
  const names = leaves.map(({ name }) => name);
  const table = numbered(recording, inputs, names);
  const adjoints = adjointRows(table);
  const explanation = {
    values: valueRows(table),
    tangents: tangentColumns(table),
    adjoints,
    gradient: gradientRows(table, adjoints),
  };
  return { ...explanation, toString: () => formatTables(names, inputs, explanation) };
}

function requireSmall(inputs: readonly Tensor[]): void {
  const size = inputs.reduce((total, { size: own }) => total + own, 0);
  if (size <= MAX_INPUT_ELEMENTS) return;
  throw new LockstepError(
    'argument',
    `explainTrace: the inputs have ${size} elements, and each takes a column of tangents; explain a smaller case of at most ${MAX_INPUT_ELEMENTS}`,
    { size },
  );
}

function requireScalar({ shape }: Tensor): void {
  if (shape.length === 0) return;
  throw new LockstepError(
    'shape',
    `explainTrace: the function must return a scalar, not ${formatShape(shape)}; reduce it with sum() or mean()`,
    { shape },
  );
}

function valueRows({ steps, names, inputs, symbol }: Table): TraceRow[] {
  const given = inputs.map((x, i) => ({
    variable: symbol(i),
    formula: names[i]!,
    worked: '',
    numbers: '',
    value: x.toArray(),
  }));
  const computed = steps.flatMap((step) => {
    const e = call(
      step.op,
      step.inputs.map((_, i) => operand(step, i, symbol)),
    );
    const values = scalarsOf(step, symbol);
    return step.results.map((result, i) => ({
      variable: symbol(result),
      formula: formatExpression(e),
      worked: '',
      numbers: values === undefined ? '' : inNumbers(e, values),
      value: step.outs[i]!.toArray(),
    }));
  });
  return [...given, ...computed];
}
