/** Evaluates a program equation by equation through `bind`, so that programs themselves can be transformed. */
import { listOf, signature } from '@lockstep/errors';
import { bind, bindMany, outsideOfTraces } from '../core.ts';
import { constructNamed, primitiveNamed } from '../define.ts';
import { aTensor } from '../kinds.ts';
import { ConcreteTensor, type Tensor } from '../tensor.ts';
import { aProgram, type Equation, type Program } from './program.ts';

const checkEvaluate = signature('evaluateProgram', {
  program: aProgram,
  inputs: listOf(aTensor, 'a list of tensors'),
});

/**
 * The outputs of a traced program that is not optimised. `replace` may give an equation other results than its
 * primitive does.
 */
export function evaluateProgram(
  program: Program,
  inputs: readonly Tensor[],
  replace: (equation: Equation, compute: () => readonly Tensor[]) => readonly Tensor[] = (_, compute) =>
    compute(),
): Tensor[] {
  checkEvaluate(program, inputs);
  const { avals, constants, equations, outputs } = program;
  const values = new Array<Tensor | undefined>(avals.length);
  for (const [i, input] of inputs.entries()) values[i] = input;
  for (const { variable, storage } of constants) values[variable] = new ConcreteTensor(storage);
  for (const equation of equations) {
    const operands = equation.inputs.map((input) => values[input]!);
    const outs = replace(equation, () => apply(equation, operands));
    for (const [i, output] of equation.outputs.entries()) values[output] = outs[i]!;
  }
  return outputs.map((output) => values[output]!);
}

function apply({ primitive, attrs }: Equation, operands: readonly Tensor[]): readonly Tensor[] {
  const construct = constructNamed(primitive);
  return construct === undefined
    ? [bind(primitiveNamed(primitive), operands, attrs)]
    : bindMany(construct, operands, attrs);
}

/**
 * The value of one variable. Values that are computed on the way are added to `known`. `source` gives values that no
 * equation computes.
 */
export function evaluateVariable(
  equations: readonly Equation[],
  variable: number,
  known: Map<number, Tensor>,
  source: (variable: number) => Tensor,
): Tensor {
  const needed = new Set([variable]);
  const steps = [...equations].reverse().filter(({ inputs, outputs }) => {
    const isNeeded = outputs.some((output) => needed.has(output) && !known.has(output));
    if (isNeeded) for (const input of inputs) needed.add(input);
    return isNeeded;
  });
  const valueAt = (input: number): Tensor => {
    const value = known.get(input) ?? source(input);
    known.set(input, value);
    return value;
  };
  return outsideOfTraces(() => {
    for (const equation of steps.reverse()) {
      const outs = apply(equation, equation.inputs.map(valueAt));
      for (const [i, output] of equation.outputs.entries()) known.set(output, outs[i]!);
    }
    return valueAt(variable);
  });
}
