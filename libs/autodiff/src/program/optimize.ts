/**
 * Rewrites that leave every bit alone: dead code, common subexpressions, broadcasts that elementwise kernels read in
 * place, tree sums inside the contraction before them, and fused elementwise chains.
 */
import { sizeOf } from '@lockstep/tensor';
import { fuseAhead, type ProgramWithHead } from './ahead.ts';
import { isUnit, numberIn } from './constant.ts';
import { constructOf, primitiveOf } from './equation.ts';
import { fuseElementwise } from './fuse.ts';
import { joinPlaces } from './join-places.ts';
import type { PlannedBodies } from './planned.ts';
import type { BroadcastPattern, Equation, Program } from './program.ts';
import { dataOf } from './program-hash.ts';

export function optimize(program: Program): Program {
  return fuseElementwise(withoutFusion(program));
}

/** Optimises a program whose output `ahead` is computed before all others. */
export function optimizeAhead(program: Program, ahead: number): ProgramWithHead {
  return fuseAhead(withoutFusion(program), ahead);
}

function withoutFusion(program: Program): Program {
  const shared = joinPlaces(shareSubexpressions(dropUnitFactors(removeDeadCode(program))));
  return removeDeadCode(fuseTreeSums(absorbBroadcasts(composeBroadcasts(shared))));
}

/** Drops equations and constants that no output needs. */
export function removeDeadCode(program: Program): Program {
  const needed = new Set(program.outputs);
  const equations: Equation[] = [];
  for (const whole of [...program.equations].reverse()) {
    if (!whole.outputs.some((output) => needed.has(output))) continue;
    const equation = pruned(whole, needed);
    equations.push(equation);
    for (const input of equation.inputs) needed.add(input);
  }
  return {
    ...program,
    equations: equations.reverse(),
    constants: program.constants.filter(({ variable }) => needed.has(variable)),
  };
}

/** A construct reduced to what its needed outputs need. */
function pruned(equation: Equation, needed: ReadonlySet<number>): Equation {
  const rest = constructOf(equation)?.prune?.(
    equation.attrs as PlannedBodies,
    equation.outputs.map((output) => needed.has(output)),
  );
  if (rest === undefined) return equation;
  return {
    primitive: equation.primitive,
    attrs: rest.attrs,
    inputs: rest.inputs.map((i) => equation.inputs[i]!),
    outputs: rest.outputs.map((i) => equation.outputs[i]!),
  };
}

/** Computes equal subexpressions once. */
export function shareSubexpressions(program: Program): Program {
  const first = new Map<string, number>();
  const replaced = new Map<number, number>();
  const current = (variable: number): number => replaced.get(variable) ?? variable;
  const constants = program.constants.filter(({ variable, storage }) => {
    const number = numberIn(storage);
    if (number === undefined) return true;
    const key = `constant ${storage.shape.length} ${number}`;
    const known = first.get(key);
    if (known === undefined) first.set(key, variable);
    else replaced.set(variable, known);
    return known === undefined;
  });
  const equations: Equation[] = [];
  const firstOutputs = new Map<string, readonly number[]>();
  for (const equation of program.equations) {
    const inputs = equation.inputs.map(current);
    const key = JSON.stringify([equation.primitive, dataOf(equation), inputs]);
    const known = firstOutputs.get(key);
    if (known === undefined) {
      firstOutputs.set(key, equation.outputs);
      equations.push({ ...equation, inputs });
    } else {
      for (const [i, output] of equation.outputs.entries()) replaced.set(output, known[i]!);
    }
  }
  return { ...program, constants, equations, outputs: program.outputs.map(current) };
}

/** x·1 is x, to the bit. Removes the cotangent 1 that differentiation starts from. */
export function dropUnitFactors(program: Program): Program {
  const unit = new Set(
    program.constants.filter(({ storage }) => isUnit(storage)).map(({ variable }) => variable),
  );
  const replaced = new Map<number, number>();
  const current = (variable: number): number => replaced.get(variable) ?? variable;
  const equations: Equation[] = [];
  for (const { inputs: old, ...equation } of program.equations) {
    const inputs = old.map(current);
    const { primitive } = equation;
    const output = equation.outputs[0]!;
    if ((primitive === 'broadcast' || primitive === 'reshape') && unit.has(inputs[0]!)) unit.add(output);
    const one = primitive === 'mul' ? inputs.findIndex((input) => unit.has(input)) : -1;
    if (one === -1) equations.push({ ...equation, inputs });
    else replaced.set(output, inputs[1 - one]!);
  }
  return { ...program, equations, outputs: program.outputs.map(current) };
}

/** Replaces a broadcast of a broadcast by one broadcast. */
export function composeBroadcasts(program: Program): Program {
  const sources = new Map<number, { variable: number; axes: readonly number[] }>();
  const equations = program.equations.map((equation) => {
    if (equation.primitive !== 'broadcast') return equation;
    const { shape, axes } = equation.attrs as { shape: readonly number[]; axes: readonly number[] };
    const inner = sources.get(equation.inputs[0]!);
    const variable = inner?.variable ?? equation.inputs[0]!;
    const composed = inner === undefined ? axes : inner.axes.map((axis) => axes[axis]!);
    sources.set(equation.outputs[0]!, { variable, axes: composed });
    return { ...equation, attrs: { shape, axes: composed }, inputs: [variable] };
  });
  return { ...program, equations };
}

/** Lets elementwise kernels read a broadcast operand in place, without a repeated copy. */
export function absorbBroadcasts(program: Program): Program {
  const sources = new Map<number, { variable: number; pattern: BroadcastPattern }>();
  const equations = program.equations.map((equation) => {
    if (equation.primitive === 'broadcast') {
      const { shape, axes } = equation.attrs as { shape: readonly number[]; axes: readonly number[] };
      const pattern = patternOf(shape, axes);
      if (pattern !== undefined)
        sources.set(equation.outputs[0]!, { variable: equation.inputs[0]!, pattern });
      return equation;
    }
    const found = equation.inputs.map((input) => sources.get(input));
    if (primitiveOf(equation)?.elementwise === undefined || found.every((source) => source === undefined)) {
      return equation;
    }
    return {
      ...equation,
      inputs: equation.inputs.map((input, i) => found[i]?.variable ?? input),
      patterns: found.map((source) => source?.pattern ?? null),
    };
  });
  return { ...program, equations };
}

/**
 * The pattern of the kept axes as one run: they must be neighbours after axes of length 1 are left out. An empty array
 * has no pattern.
 */
function patternOf(shape: readonly number[], axes: readonly number[]): BroadcastPattern | undefined {
  if (sizeOf(shape) === 0) return undefined;
  const kept = shape
    .map((length, axis) => ({ length, kept: axes.includes(axis) }))
    .filter(({ length }) => length !== 1);
  const from = kept.findIndex((axis) => axis.kept);
  if (from === -1) return { repeat: 1, period: 1 };
  const to = kept.findLastIndex((axis) => axis.kept) + 1;
  if (kept.slice(from, to).some((axis) => !axis.kept)) return undefined;
  const product = (part: typeof kept): number => sizeOf(part.map(({ length }) => length));
  return { repeat: product(kept.slice(to)), period: product(kept.slice(from, to)) };
}

/** Moves a tree sum over the segments of a contraction into the contraction, tile by tile. */
export function fuseTreeSums(program: Program): Program {
  const uses = new Map<number, number>();
  const count = (variable: number): void => void uses.set(variable, (uses.get(variable) ?? 0) + 1);
  for (const equation of program.equations) equation.inputs.forEach(count);
  program.outputs.forEach(count);
  const producers = new Map(program.equations.map((equation) => [equation.outputs[0]!, equation]));
  const equations = program.equations.map((equation) => {
    if (equation.primitive !== 'treeSum') return equation;
    const contraction = producers.get(equation.inputs[0]!);
    if (contraction === undefined || uses.get(contraction.outputs[0]!) !== 1) return equation;
    const fused = fusedWith(contraction, program);
    return fused === undefined
      ? equation
      : { ...fused, inputs: contraction.inputs, outputs: equation.outputs };
  });
  return { ...program, equations };
}

function fusedWith(
  contraction: Equation,
  { avals }: Program,
): Pick<Equation, 'primitive' | 'attrs'> | undefined {
  const { primitive, attrs, inputs } = contraction;
  if (primitive === 'conv2dKernelGrad' && attrs.segments !== undefined) {
    return { primitive: 'conv2dKernelGradTree', attrs };
  }
  const bothBatched = inputs.every((input) => avals[input]!.shape.length === 3);
  if (primitive === 'matmul' && attrs.transposeA === true && attrs.transposeB === false && bothBatched) {
    return { primitive: 'segmentedContraction', attrs: {} };
  }
  return undefined;
}
