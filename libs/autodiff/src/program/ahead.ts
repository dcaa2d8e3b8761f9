/**
 * One output ahead of all others. The reader of this output may skip the rest of the program, which may overwrite the
 * inputs. The program is cut into the equations that the output needs and the others.
 */
import { sizeOf } from '@lockstep/tensor';
import { isAlias, isFusible } from './equation.ts';
import { fuseElementwise } from './fuse.ts';
import type { Equation, Program } from './program.ts';

export interface ProgramWithHead {
  readonly program: Program;
  /** The number of equations, from the first on, that compute the output ahead. */
  readonly numAhead: number;
}

/**
 * Fuses the equations that output `ahead` needs, then the rest. The rest recomputes long elementwise values of the
 * first part from the same operands, so the bits are the same: keeping them would cost a pass over memory. All other
 * values are kept.
 */
export function fuseAhead(program: Program, ahead: number): ProgramWithHead {
  const { equations, outputs } = program;
  const head = neededBy(program, [outputs[ahead]!]);
  const others = outputs.filter((_, i) => i !== ahead);
  const isAgain = (i: number): boolean => head.has(i) && isComputedAgain(equations[i]!, program);
  const rest = neededBy(program, others, (i) => head.has(i) && !isAgain(i));
  const kept = keptVariables(program, head, rest, others);
  const avals = [...program.avals];
  const renamed = new Map<number, number>();
  const current = (variable: number): number => renamed.get(variable) ?? variable;
  const restEquations = equations.flatMap((equation, i): Equation[] => {
    if (!rest.has(i)) return [];
    const inputs = equation.inputs.map(current);
    if (!head.has(i)) return [{ ...equation, inputs }];
    const again = equation.outputs.map((output) => avals.push(avals[output]!) - 1);
    for (const [o, output] of equation.outputs.entries()) renamed.set(output, again[o]!);
    return [{ ...equation, inputs, outputs: again }];
  });
  const part = (own: readonly Equation[], wanted: readonly number[]): readonly Equation[] =>
    fuseElementwise({ ...program, avals, equations: own, outputs: wanted }).equations;
  const first = part(
    equations.filter((_, i) => head.has(i)),
    [outputs[ahead]!, ...kept],
  );
  const second = part(restEquations, others.map(current));
  const all = outputs.map((output, i) => (i === ahead ? output : current(output)));
  return {
    program: { ...program, avals, equations: [...first, ...second], outputs: all },
    numAhead: first.length,
  };
}

/** The indices of the equations that lead to these variables, back to the equations where `ends` holds. */
function neededBy(
  { equations }: Program,
  variables: readonly number[],
  ends: (place: number) => boolean = () => false,
): Set<number> {
  const wanted = new Set(variables);
  const needed = new Set<number>();
  for (const [i, { inputs, outputs }] of [...equations.entries()].reverse()) {
    if (ends(i) || !outputs.some((output) => wanted.has(output))) continue;
    needed.add(i);
    for (const input of inputs) wanted.add(input);
  }
  return needed;
}

/** The variables of the first part that the rest reads and does not recompute. */
function keptVariables(
  { equations }: Program,
  head: ReadonlySet<number>,
  rest: ReadonlySet<number>,
  outputs: readonly number[],
): number[] {
  const read = new Set([...outputs, ...[...rest].flatMap((i) => equations[i]!.inputs)]);
  const made = [...head].filter((i) => !rest.has(i)).flatMap((i) => equations[i]!.outputs);
  return made.filter((variable) => read.has(variable));
}

/** A single number costs less to keep than to recompute. */
const isComputedAgain = (equation: Equation, program: Program): boolean =>
  isAlias(equation) ||
  (isFusible(equation, program) && sizeOf(program.avals[equation.outputs[0]!]!.shape) > 1);
