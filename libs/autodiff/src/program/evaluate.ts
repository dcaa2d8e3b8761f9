/** Evaluates a program equation by equation through `bind`, so that programs themselves can be transformed. */
import { bind, ConcreteTensor, type Tensor } from '../core.ts';
import { primitiveNamed } from '../define.ts';
import type { Equation, Program } from './program.ts';

/**
 * The outputs of a traced (not yet optimised) program. `replace` may give an equation another result than its
 * primitive's.
 */
export function evaluateProgram(
  { avals, constants, equations, outputs }: Program,
  inputs: readonly Tensor[],
  replace: (equation: Equation, compute: () => Tensor) => Tensor = (_equation, compute) => compute(),
): Tensor[] {
  const values = new Array<Tensor | undefined>(avals.length);
  for (const [i, input] of inputs.entries()) values[i] = input;
  for (const { variable, storage } of constants) values[variable] = new ConcreteTensor(storage);
  for (const equation of equations) {
    const { primitive, attrs } = equation;
    values[equation.outputs[0]!] = replace(equation, () =>
      bind(
        primitiveNamed(primitive),
        equation.inputs.map((input) => values[input]!),
        attrs,
      ),
    );
  }
  return outputs.map((output) => values[output]!);
}
