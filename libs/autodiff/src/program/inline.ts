/** Replaces equations by what they compute. A program that only runs does not need their derivatives. */
import { signature } from '@lockstep/errors';
import { constructOf, primitiveOf } from './equation.ts';
import type { PlannedBodies } from './planned.ts';
import { aProgram, bodiesOf, type Equation, type Program } from './program.ts';
import { traceProgram } from './trace.ts';

const checkInline = signature('inlineCalls', { program: aProgram });

/**
 * The same computation without checkpoints and custom derivatives, and with constructs that are composed of other
 * equations replaced by these.
 */
export function inlineCalls(program: Program): Program {
  checkInline(program);
  return inlined(program, (equation) => {
    const construct = constructOf(equation);
    if (construct?.isCall === true) return inlineCalls(bodiesOf(equation)![0]!);
    const composed = construct?.composed;
    if (composed === undefined) return undefined;
    const avals = equation.inputs.map((input) => program.avals[input]!);
    const attrs = equation.attrs as PlannedBodies;
    return inlineCalls(traceProgram((...xs) => composed.lower(xs, attrs), avals));
  });
}

/** The same computation with float32 primitives replaced by the ops of which they are composed. */
export function inlineCompositions(program: Program): Program {
  return inlined(program, (equation) => {
    const composed = primitiveOf(equation)?.composed;
    const aval = program.avals[equation.inputs[0]!];
    if (composed === undefined || aval?.dtype !== 'float32') return undefined;
    return traceProgram((x) => [composed(x!)], [aval]);
  });
}

/** The program with the bodies of equations in their place, where they have one. */
function inlined(program: Program, bodyOf: (equation: Equation) => Program | undefined): Program {
  const bodies = program.equations.map(bodyOf);
  if (bodies.every((body) => body === undefined)) return program;
  const avals = [...program.avals];
  const constants = [...program.constants];
  const equations: Equation[] = [];
  const replaced = new Map<number, number>();
  const current = (variable: number): number => replaced.get(variable) ?? variable;
  for (const [place, { inputs: old, ...rest }] of program.equations.entries()) {
    const equation: Equation = { ...rest, inputs: old.map(current) };
    const body = bodies[place];
    if (body === undefined) {
      equations.push(equation);
      continue;
    }
    const numbers = body.avals.map((aval, i) => equation.inputs[i] ?? avals.push(aval) - 1);
    const renumbered = (variables: readonly number[]): number[] => variables.map((v) => numbers[v]!);
    constants.push(...body.constants.map((each) => ({ ...each, variable: numbers[each.variable]! })));
    for (const inner of body.equations)
      equations.push({ ...inner, inputs: renumbered(inner.inputs), outputs: renumbered(inner.outputs) });
    for (const [i, output] of renumbered(body.outputs).entries()) replaced.set(rest.outputs[i]!, output);
  }
  return { ...program, avals, constants, equations, outputs: program.outputs.map(current) };
}
