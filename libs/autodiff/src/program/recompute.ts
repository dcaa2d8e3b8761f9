/**
 * What is cheap is computed again in a later segment instead of being kept from one segment to the next: fused into its
 * readers there, it costs an instruction, where keeping it costs a pass over memory and the memory itself.
 */
import { sizeOf } from '@lockstep/tensor';
import { primitiveNamed } from '../define.ts';
import { aliases, exchangeLevels, isAlias } from './equation.ts';
import type { Equation, Program } from './program.ts';

/** Instructions that are worth a write and a read of memory. */
const MAX_CHAIN = 2;

const cheapOps = new Set(['add', 'sub', 'mul', 'neg', 'abs', 'square', 'max', 'min', 'relu', 'flush']);

/** The equation's name is an op of the fused kernel, and its inputs have the types that the op takes there. */
export function isFusible({ primitive, inputs }: Equation, { avals }: Program): boolean {
  if (primitiveNamed(primitive).fusible !== true) return false;
  const dtypes = inputs.map((input) => avals[input]!.dtype);
  if (primitive === 'and' || primitive === 'or' || primitive === 'not')
    return dtypes.every((dtype) => dtype === 'bool');
  const numbers = primitive === 'select' ? dtypes.slice(1) : dtypes;
  return numbers.every((dtype) => dtype === 'float32');
}

/** The only operand that a cheap equation reads in full; undefined for any other equation. */
export function cheapSource(equation: Equation, program: Program): number | undefined {
  if (!cheapOps.has(equation.primitive) || !isFusible(equation, program)) return undefined;
  const size = (variable: number): number => sizeOf(program.avals[variable]!.shape);
  const full = new Set(equation.inputs.filter((input) => size(input) === size(equation.outputs[0]!)));
  return full.size === 1 ? [...full][0] : undefined;
}

/** Leaves originals without readers behind, as dead code. */
export function recomputeLate(program: Program): Program {
  const levels = exchangeLevels(program);
  const aliasOf = aliases(program);
  const chainOf = chains(program);
  const levelOf = new Map(
    program.equations.flatMap(({ outputs }, i) => outputs.map((output) => [output, levels[i]!])),
  );
  const avals = [...program.avals];
  const copies = new Map<string, number>();
  const equations: Equation[] = [];
  for (const [i, equation] of program.equations.entries()) {
    const level = levels[i]!;
    const inputs = isFusible(equation, program)
      ? equation.inputs.map((input) => inLevel(aliasOf(input), level) ?? input)
      : equation.inputs;
    equations.push({ ...equation, inputs });
  }
  return { ...program, avals, equations };

  /** The variable computed again for a reader in a later level. */
  function inLevel(variable: number, level: number): number | undefined {
    if ((levelOf.get(variable) ?? level) >= level) return undefined;
    let source: number | undefined;
    for (const link of chainOf(variable) ?? []) {
      const original = link.outputs[0]!;
      const key = `${original} ${level}`;
      let copy = copies.get(key);
      if (copy === undefined) {
        copy = avals.push(avals[original]!) - 1;
        copies.set(key, copy);
        const full = cheapSource(link, program);
        const inputs = link.inputs.map((input) => (input === full ? (source ?? input) : input));
        equations.push({ ...link, inputs, outputs: [copy] });
      }
      source = copy;
    }
    return source;
  }
}

/** The cheap equations that lead from a value in memory to a variable that need not be there. */
function chains(program: Program): (variable: number) => Equation[] | undefined {
  const aliasOf = aliases(program);
  const producers = new Map<number, Equation>();
  const inMemory = new Set(program.outputs.map(aliasOf));
  for (const equation of program.equations) {
    if (isAlias(equation)) continue;
    for (const output of equation.outputs) producers.set(output, equation);
    if (!isFusible(equation, program)) for (const input of equation.inputs) inMemory.add(aliasOf(input));
  }
  return (variable) => {
    const chain: Equation[] = [];
    let at = variable;
    while (!inMemory.has(at)) {
      const equation = producers.get(at);
      if (equation === undefined || !isFusible(equation, program)) break;
      const source = cheapSource(equation, program);
      if (source === undefined || chain.length === MAX_CHAIN) return undefined;
      chain.unshift(equation);
      at = aliasOf(source);
    }
    return chain.length === 0 ? undefined : chain;
  };
}
