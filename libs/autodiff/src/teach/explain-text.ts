/** The tables of {@link explainTrace} as text, aligned at their equals signs. */
import type { Tensor } from '../tensor.ts';
import type { TraceExplanation, TraceRow } from './explain-table.ts';
import { type Expression, isNumber, number, substitute } from './expression.ts';
import { formatExpression, formatValues, rounded } from './notation.ts';

/** A formula with the values of its variables, `2 × 5`. */
export function inNumbers(e: Expression, values: ReadonlyMap<string, number>): string {
  const filled = substitute(e, (name) => {
    const value = values.get(name);
    return value === undefined ? undefined : number(rounded(value));
  });
  return isNumber(filled) ? '' : formatNumeric(filled);
}

/** A formula of numbers, with × for multiplication. */
export const formatNumeric = (e: Expression): string => formatExpression(e).replaceAll(' · ', ' × ');

/** The four tables under their headings. */
export function formatTables(
  names: readonly string[],
  inputs: readonly Tensor[],
  { values, tangents, adjoints, gradient }: Omit<TraceExplanation, 'toString'>,
): string {
  const point = names.map((name, i) => `${name} = ${formatValues(inputs[i]!.toArray(), rounded)}`);
  return [
    `y = f(${names.join(', ')}) at ${point.join(', ')}`,
    ...section('Values', values),
    ...tangents.flatMap(({ by, rows }) => section(`Forward mode: tangents ∂v = ∂v/∂${by}`, rows)),
    ...section('Reverse mode: adjoints v̄ = ∂y/∂v', [...adjoints, ...gradient]),
  ].join('\n');
}

const section = (heading: string, rows: readonly TraceRow[]): string[] => ['', heading, ...aligned(rows)];

function aligned(rows: readonly TraceRow[]): string[] {
  const cells = rows.map(({ variable, formula, worked, numbers, value }) => {
    const parts = [formula, worked, numbers].map((part) => (part === '' ? '' : `= ${part}`));
    return [variable, ...parts, `= ${formatValues(value, rounded)}`];
  });
  const widths = [0, 1, 2, 3].map((column) => Math.max(...cells.map((cell) => widthOf(cell[column]!))));
  return cells.map((cell) => {
    const padded = widths.flatMap((width, column) =>
      width === 0 ? [] : cell[column]! + ' '.repeat(width - widthOf(cell[column]!)),
    );
    return `  ${[...padded, cell[4]].join(' ')}`;
  });
}

/** The number of columns on a screen: marks above letters take none. */
const widthOf = (text: string): number => [...text.replace(/\p{M}/gu, '')].length;
