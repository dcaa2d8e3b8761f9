/** The bodies of constructs: closed programs, the dependencies in them, and transformed versions of them. */
import { isFloat } from '@lockstep/tensor';
import type { MaybeTensor } from '../construct.ts';
import { full, zerosLike } from '../convert.ts';
import type { BatchAxis } from '../primitive.ts';
import { repeatInFront } from '../primitives/reduce/sum.ts';
import { primitiveOf } from '../program/equation.ts';
import { evaluateProgram } from '../program/evaluate.ts';
import { removeDeadCode } from '../program/optimize.ts';
import type { Program } from '../program/program.ts';
import { type Closed, closeProgram, reordered } from '../program/trace.ts';
import type { Aval, Tensor } from '../tensor.ts';
import { differentiableBy } from './arguments.ts';
import { pushForward } from './jvp.ts';
import { overBatch } from './vmap.ts';

/** A function of tensors, before or after it is traced into a program. */
export type Body = Program | ((inputs: readonly Tensor[]) => readonly Tensor[]);

export const isProgram = (body: Body): body is Program => typeof body !== 'function';

export const call = (body: Body, inputs: readonly Tensor[]): readonly Tensor[] =>
  isProgram(body) ? evaluateProgram(body, inputs) : body(inputs);

export const inputAvals = ({ avals, numInputs }: Program): readonly Aval[] => avals.slice(0, numInputs);

export const outputAvals = ({ avals, outputs }: Program): readonly Aval[] =>
  outputs.map((variable) => avals[variable]!);

/** For each output, whether any of the given inputs can move it, or give it a batch axis. */
export function reached(program: Program, from: readonly boolean[], by: 'derivative' | 'batch'): boolean[] {
  const moved = new Set(from.flatMap((moves, variable) => (moves ? [variable] : [])));
  for (const equation of program.equations) {
    const primitive = primitiveOf(equation);
    const passes = (argument: number): boolean =>
      by === 'batch' || primitive === undefined || differentiableBy(primitive, argument);
    if (!equation.inputs.some((input, argument) => moved.has(input) && passes(argument))) continue;
    for (const output of equation.outputs)
      if (by === 'batch' || isFloat(program.avals[output]!.dtype)) moved.add(output);
  }
  return program.outputs.map((variable) => moved.has(variable));
}

/** For each input, whether any of the given outputs depends on it differentiably. */
export function reachedBack(program: Program, from: readonly boolean[]): boolean[] {
  const needed = new Set(chosen(program.outputs, from));
  for (const equation of [...program.equations].reverse()) {
    if (!equation.outputs.some((output) => needed.has(output))) continue;
    const primitive = primitiveOf(equation);
    for (const [argument, input] of equation.inputs.entries())
      if (primitive === undefined || differentiableBy(primitive, argument)) needed.add(input);
  }
  return inputAvals(program).map((_, input) => needed.has(input));
}

/** For each leaf of a loop's state, whether anything moves it in any turn; see {@link reached}. */
export function stateReached(
  body: Program,
  [captured, state, xs]: readonly [readonly boolean[], readonly boolean[], readonly boolean[]],
  by: 'derivative' | 'batch',
): boolean[] {
  const next = reached(body, [...captured, ...state, ...xs], by);
  const all = state.map((moves, i) => moves || next[i]!);
  return all.every((moves, i) => moves === state[i]) ? all : stateReached(body, [captured, all, xs], by);
}

/** The entries of a list whose flags are set. */
export const chosen = <T>(list: readonly T[], flags: readonly boolean[]): T[] =>
  list.filter((_, i) => flags[i]);

/** The inverse of {@link chosen}: undefined where the flags are not set. */
export function spreadOut<T>(list: readonly T[], flags: readonly boolean[]): (T | undefined)[] {
  let next = 0;
  return flags.map((flag) => (flag ? list[next++] : undefined));
}

/** Cuts a list into parts of the given lengths and the rest. */
export function cut<T>(list: readonly T[], ...lengths: readonly number[]): T[][] {
  let next = 0;
  const parts = lengths.map((length) => {
    next += length;
    return list.slice(next - length, next);
  });
  return [...parts, list.slice(next)];
}

/**
 * Bodies with the same inputs, without what only the other outputs need. Gives the reduced bodies and the indices of
 * the remaining inputs, including those that `always` names.
 */
export function prunedBodies(
  bodies: readonly Program[],
  outputs: readonly boolean[],
  always: (input: number) => boolean = () => false,
): { readonly bodies: readonly Program[]; readonly inputs: readonly number[] } {
  const lean = bodies.map((body) => removeDeadCode({ ...body, outputs: chosen(body.outputs, outputs) }));
  const used = new Set(lean.flatMap((body) => [...body.outputs, ...body.equations.flatMap((e) => e.inputs)]));
  const inputs = [...inputAvals(bodies[0]!).keys()].filter((input) => used.has(input) || always(input));
  return {
    bodies: lean.map((body) => reordered({ ...body, numInputs: inputs.length }, inputs)),
    inputs,
  };
}

/** (inputs, tangents of the inputs that move) → (outputs, tangents of the outputs that are asked for) */
export function jvpBody(body: Program, moves: readonly boolean[], asked: readonly boolean[]): Closed {
  const avals = inputAvals(body);
  return closeProgram(
    (...all) => {
      const [primals, own] = cut(all, avals.length) as [Tensor[], Tensor[]];
      const { outs, tangents } = pushForward(
        (xs) => evaluateProgram(body, xs),
        primals,
        spreadOut(own, moves),
      );
      return [...outs, ...chosen(orZeros(tangents, outs), asked)];
    },
    [...avals, ...chosen(avals, moves)],
  );
}

export const orZeros = (tangents: readonly MaybeTensor[], like: readonly Tensor[]): Tensor[] =>
  like.map((x, i) => tangents[i] ?? zerosLike(x));

/** −0: adding a value to it keeps every bit of the value. */
export const nothing = ({ shape, dtype }: Aval): Tensor => full(shape, -0, dtype);

/** Like {@link orZeros}, for tangents to which others are added. */
export const orNothing = (tangents: readonly MaybeTensor[], like: readonly Tensor[]): Tensor[] =>
  like.map((x, i) => tangents[i] ?? nothing(x));

/**
 * The body over a batch. The batch axis is in front of the inputs that have it, and of the outputs that are asked to
 * have it.
 */
export function batchedBody(
  body: Program,
  batched: readonly boolean[],
  axis: BatchAxis,
  asked: readonly boolean[],
): Closed {
  const avals = inputAvals(body).map(({ dtype, shape }, i): Aval => {
    return { dtype, shape: batched[i] ? [axis.size, ...shape] : shape };
  });
  return closeProgram(
    (...inputs) => overBatchAs((xs) => evaluateProgram(body, xs), inputs, batched, axis, asked),
    avals,
  );
}

/** Like `overBatch`, with the batch axis on the outputs that are asked to have it. */
export function overBatchAs(
  f: (inputs: readonly Tensor[]) => readonly Tensor[],
  inputs: readonly Tensor[],
  batched: readonly boolean[],
  axis: BatchAxis,
  asked: readonly boolean[] | 'all',
): Tensor[] {
  return overBatch(f, inputs, batched, axis).map((out, i) =>
    (asked === 'all' || asked[i]) && !out.batched ? repeatInFront(out.value, axis.size) : out.value,
  );
}
