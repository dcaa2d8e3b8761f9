/**
 * Sums of arrays that are zero outside disjoint parts, as slices that lie side by side produce them in a gradient. The
 * parts are concatenated instead. Adding +0 turns −0 into +0 and changes nothing else, so this is done only where no
 * reader can tell the two apart: every chain of a contraction or a sum begins with +0, and neither of them changes it.
 */
import type { Equation, Program } from './program.ts';

const blindToSigns = new Set(['sum', 'matmul', 'segmentedContraction']);
const movers = new Set(['transpose', 'copy']);

/** A part: its offset in the whole, and its variable. */
interface Part {
  readonly start: readonly number[];
  readonly variable: number;
}

export function joinPlaces(program: Program): Program {
  const { equations, avals } = program;
  const producers = new Map(equations.map((equation) => [equation.outputs[0]!, equation]));
  const readers = new Map<number, Equation[]>();
  for (const equation of equations)
    for (const input of equation.inputs) readers.set(input, [...(readers.get(input) ?? []), equation]);
  const isOutput = new Set(program.outputs);

  const isBlind = (variable: number): boolean =>
    !isOutput.has(variable) &&
    (readers.get(variable) ?? []).every(
      ({ primitive, outputs }) =>
        blindToSigns.has(primitive) ||
        ((movers.has(primitive) || primitive === 'reshape') && isBlind(outputs[0]!)),
    );

  /** The parts of a sum. */
  const partsOf = (variable: number): Part[] | undefined => {
    const equation = producers.get(variable);
    if (equation?.primitive === 'place') {
      const { start, step } = equation.attrs as { start: readonly number[]; step: readonly number[] };
      return step.every((by) => by === 1) ? [{ start, variable: equation.inputs[0]! }] : undefined;
    }
    if (equation?.primitive !== 'add' || equation.patterns !== undefined) return undefined;
    const [a, b] = equation.inputs.map(partsOf);
    return a && b && [...a, ...b];
  };

  return {
    ...program,
    equations: equations.map((equation) => {
      const output = equation.outputs[0]!;
      if (equation.primitive !== 'add' || !isBlind(output)) return equation;
      const parts = partsOf(output);
      const joined = parts && sideBySide(parts, avals[output]!.shape, (part) => avals[part]!.shape);
      return joined === undefined ? equation : { primitive: 'concatenate', outputs: [output], ...joined };
    }),
  };
}

/** The parts in order along the only axis in which they differ, if they fill the whole without gap or overlap. */
function sideBySide(
  parts: readonly Part[],
  shape: readonly number[],
  shapeOf: (variable: number) => readonly number[],
): Pick<Equation, 'attrs' | 'inputs'> | undefined {
  const axis = shape.findIndex((length, i) => shapeOf(parts[0]!.variable)[i] !== length);
  if (axis === -1) return undefined;
  const sorted = [...parts].sort((a, b) => a.start[axis]! - b.start[axis]!);
  let end = 0;
  for (const { start, variable } of sorted) {
    const own = shapeOf(variable);
    if (start[axis] !== end || own.some((length, i) => i !== axis && length !== shape[i])) return undefined;
    end += own[axis]!;
  }
  return end === shape[axis]
    ? { attrs: { axis }, inputs: sorted.map(({ variable }) => variable) }
    : undefined;
}
