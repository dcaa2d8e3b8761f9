/** Calls give way to what they compute: how they are differentiated no longer matters to those who only run a program. */
import { constructOf } from './equation.ts';
import { bodiesOf, type Equation, type Program } from './program.ts';

/** The same computation without checkpoints and derivatives of one's own. */
export function inlineCalls(program: Program): Program {
  const isCall = (equation: Equation): boolean => constructOf(equation)?.isCall === true;
  if (!program.equations.some(isCall)) return program;
  const avals = [...program.avals];
  const constants = [...program.constants];
  const equations: Equation[] = [];
  const replaced = new Map<number, number>();
  const current = (variable: number): number => replaced.get(variable) ?? variable;
  for (const { inputs: old, ...rest } of program.equations) {
    const equation: Equation = { ...rest, inputs: old.map(current) };
    if (!isCall(equation)) {
      equations.push(equation);
      continue;
    }
    const body = inlineCalls(bodiesOf(equation)![0]!);
    const numbers = body.avals.map((aval, i) => equation.inputs[i] ?? avals.push(aval) - 1);
    const renumbered = (variables: readonly number[]): number[] => variables.map((v) => numbers[v]!);
    constants.push(...body.constants.map((each) => ({ ...each, variable: numbers[each.variable]! })));
    for (const inner of body.equations)
      equations.push({ ...inner, inputs: renumbered(inner.inputs), outputs: renumbered(inner.outputs) });
    for (const [i, output] of renumbered(body.outputs).entries()) replaced.set(rest.outputs[i]!, output);
  }
  return { ...program, avals, constants, equations, outputs: program.outputs.map(current) };
}
