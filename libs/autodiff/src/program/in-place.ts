/** Outputs in the memory of inputs: the inputs that must be saved before they are overwritten. */
import { invariant } from '@lockstep/errors';
import { aliases } from './equation.ts';
import type { Equation, Program } from './program.ts';

/**
 * The program with a copy of each input that is an output and whose memory becomes that of another output: an input
 * kept under another index, or two inputs that exchange places. A copy reads its input like any equation, so the
 * planner sees when an input is read for the last time, and no output is an input that is overwritten.
 */
export function withSavedInputs(program: Program, numInPlace: number): Program {
  const { outputs } = program;
  requireSameTypes(program, numInPlace);
  const aliasOf = aliases(program);
  const isWritten = (input: number): boolean => input < numInPlace && aliasOf(outputs[input]!) !== input;
  const avals = [...program.avals];
  const [elsewhere, inPlace]: [Equation[], Equation[]] = [[], []];
  const saved = outputs.map((output, index) => {
    if (aliasOf(output) >= program.numInputs || !isWritten(aliasOf(output))) return output;
    const copy = avals.push(avals[output]!) - 1;
    const copies = index < numInPlace ? inPlace : elsewhere;
    copies.push({ primitive: 'copy', attrs: {}, inputs: [output], outputs: [copy] });
    return copy;
  });
  // Equations that overwrite nothing come first: they may be the last readers of memory that the others overwrite.
  const equations = [...program.equations, ...elsewhere, ...inPlace];
  return { ...program, avals, equations, outputs: saved };
}

function requireSameTypes({ avals, numInputs, outputs }: Program, numInPlace: number): void {
  invariant(numInPlace <= Math.min(numInputs, outputs.length), 'each output in place has an input');
  for (const [index, output] of outputs.slice(0, numInPlace).entries()) {
    const [from, to] = [avals[index]!, avals[output]!];
    const isSame = from.dtype === to.dtype && from.shape.join() === to.shape.join();
    invariant(isSame, 'an output in place has the type of its input', { index, from, to });
  }
}
