/** The meaning of an equation for the planner and for instances: the primitive table, and fused equations besides. */
import type { FusedAttrs, Operand } from '@lockstep/kernels';
import { type Storage, sizeOf } from '@lockstep/tensor';
import type { Construct } from '../construct.ts';
import { constructNamed, primitiveNamed } from '../define.ts';
import type { BoundKernel, Primitive } from '../primitive.ts';
import type { PlannedBodies } from './planned.ts';
import type { Equation, Program } from './program.ts';

/**
 * The name of an equation that the optimizer made of several elementwise ones. It is not a primitive: it has no rules
 * and exists in optimised programs only. Its attrs are the kernel's.
 */
export const FUSED = 'fused';

export const isFused = (
  equation: Equation,
): equation is Equation & { readonly attrs: Readonly<Record<string, unknown>> & FusedAttrs } =>
  equation.primitive === FUSED;

export const isExchange = ({ primitive }: Equation): boolean => primitive === 'exchange';

/** The construct of an equation, with the bodies in the equation's attrs; undefined for all other equations. */
export const constructOf = ({ primitive }: Equation): Construct<PlannedBodies> | undefined =>
  constructNamed(primitive) as Construct<PlannedBodies> | undefined;

/** The primitive of an equation; undefined for a fused one or a construct. */
export const primitiveOf = (equation: Equation): Primitive | undefined =>
  isFused(equation) || constructOf(equation) !== undefined ? undefined : primitiveNamed(equation.primitive);

/** Whether the output shares the elements of the first input and nothing is computed. */
export const isAlias = (equation: Equation): boolean =>
  !isExchange(equation) && primitiveOf(equation)?.alias === true;

/**
 * Whether an output may be written over operands of its own size. The operands are read in full, so a value may; a sum
 * may not.
 */
export const mayWriteOver = (equation: Equation, output: number): boolean =>
  isFused(equation)
    ? !equation.attrs.sums?.[equation.outputs.indexOf(output)]
    : primitiveOf(equation)?.inPlace === true;

/** Whether the equation's name is an op of the fused kernel and its inputs have the types that the kernel takes. */
export function isFusible(equation: Equation, { avals }: Program): boolean {
  if (primitiveOf(equation)?.fusible !== true) return false;
  const { primitive, inputs } = equation;
  const dtypes = inputs.map((input) => avals[input]!.dtype);
  if (primitive === 'and' || primitive === 'or' || primitive === 'not')
    return dtypes.every((dtype) => dtype === 'bool');
  const numbers = primitive === 'select' ? dtypes.slice(1) : dtypes;
  return numbers.every((dtype) => dtype === 'float32');
}

/** Whether the equation is a sum that a fused chain can compute of its values. */
export function isSummable({ primitive, inputs }: Equation, { avals }: Program): boolean {
  if (primitive !== 'sum') return false;
  const { dtype, shape } = avals[inputs[0]!]!;
  // Single elements are fused even if they are unrelated; a sum would end their group.
  return dtype === 'float32' && sizeOf(shape) > 1;
}

const cheapOps: ReadonlySet<string> = new Set([
  ...['add', 'sub', 'mul', 'max', 'min', 'reluGrad', 'neg', 'abs', 'square', 'relu', 'flush'],
  ...['eq', 'ne', 'lt', 'le', 'gt', 'ge', 'select'],
]);

/** Whether the equation is a step of a fused chain that costs less than a pass over memory. */
export const isCheap = (equation: Equation, program: Program): boolean =>
  cheapOps.has(equation.primitive) && isFusible(equation, program);

/** The variable whose elements a variable shares, or the variable itself if it has its own elements. */
export function aliases({ equations }: Program): (variable: number) => number {
  const source = new Map<number, number>();
  for (const equation of equations) {
    if (!isAlias(equation)) continue;
    const input = equation.inputs[0]!;
    source.set(equation.outputs[0]!, source.get(input) ?? input);
  }
  return (variable) => source.get(variable) ?? variable;
}

/**
 * The number of exchanges before each equation. An exchange belongs to the segment that it ends; of several paths the
 * one with the most exchanges counts.
 */
export function exchangeLevels({ equations, avals }: Program): number[] {
  const levelOf = new Array<number>(avals.length).fill(0);
  return equations.map(({ primitive, inputs, outputs }) => {
    const level = Math.max(0, ...inputs.map((input) => levelOf[input]!));
    for (const output of outputs) levelOf[output] = primitive === 'exchange' ? level + 1 : level;
    return level;
  });
}

/** Binds the kernel of an equation, other than a construct, to its buffers. */
export function bindEquation(
  equation: Equation,
  outs: readonly Storage[],
  inputs: readonly Storage[],
): BoundKernel {
  const { patterns } = equation;
  const operands = (): Operand[] =>
    inputs.map(({ data }, i) => ({ data, ...(patterns?.[i] ?? { repeat: 1, period: data.length }) }));
  if (isFused(equation)) return bindFused(outs, operands(), equation.attrs);
  const { kernel, elementwise } = primitiveNamed(equation.primitive);
  return patterns === undefined
    ? kernel(outs[0]!, inputs, equation.attrs)
    : elementwise!(outs[0]!, operands(), equation.attrs);
}

function bindFused(outs: readonly Storage[], operands: readonly Operand[], attrs: FusedAttrs): BoundKernel {
  const buffers = outs.map(({ data }) => data);
  return (kernels) => kernels.fused(buffers, operands, attrs);
}
