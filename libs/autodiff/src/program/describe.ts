/** A plan for people to read: what runs in which segment, and what it costs. */
import { bytesPerElement, sizeOf } from '@lockstep/tensor';
import type { PlannedBodies } from '../construct.ts';
import type { Aval } from '../core.ts';
import type { Combine } from '../primitives/sharding.ts';
import { aliases, constructOf, isAlias, isFused, primitiveOf } from './equation.ts';
import type { Plan } from './plan.ts';
import { type Equation, type Program, stepsOf } from './program.ts';

export interface NamedAval extends Aval {
  readonly name: string;
}

export interface EquationDescription {
  readonly op: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly NamedAval[];
  /** Of a fused equation, in order: `v9 = add v3 t0`, `v10 = sum t0 [8, 128, 32]`. */
  readonly steps: readonly string[];
  /** Of a loop or a branch. */
  readonly bodies?: readonly PlanDescription[];
  /** Arithmetic operations: a multiplication and an addition count as two, an elementwise function as one. */
  readonly flops: number;
  /** Read and written, each array once. */
  readonly bytes: number;
}

export interface SegmentDescription {
  readonly equations: readonly EquationDescription[];
  readonly flops: number;
  readonly bytes: number;
  /** What leaves at its end, a message each. Sizes in float32 elements. */
  readonly exchange: readonly { readonly combine: Combine; readonly size: number }[];
}

export interface PlanDescription {
  readonly inputs: readonly NamedAval[];
  readonly segments: readonly SegmentDescription[];
  readonly flops: number;
  readonly bytes: number;
  readonly arenaBytes: number;
  /** Equations as traced, and those left to run: an equation that only renames a value's shape does not run. */
  readonly numTraced: number;
  readonly numRun: number;
  /** Elementwise steps inside of fused equations. */
  readonly numFusedSteps: number;
}

/** `inputNames`: of the program's inputs, in order; without it they are v0, v1, … like all other variables. */
export function describePlan(plan: Plan, inputNames: readonly string[] = []): PlanDescription {
  const { program, arenaBytes, numTraced } = plan;
  const aliasOf = aliases(program);
  const constants = new Map(program.constants.map(({ variable, storage }) => [variable, storage]));
  const name = (variable: number): string => {
    const root = aliasOf(variable);
    const constant = constants.get(root);
    if (constant?.data.length === 1) return String(constant.data[0]);
    return (root < program.numInputs ? inputNames[root] : undefined) ?? `v${root}`;
  };
  const named = (variable: number): NamedAval => ({ name: name(variable), ...program.avals[variable]! });
  const segments = plan.segments.map((equations, i): SegmentDescription => {
    const described = equations
      .filter((equation) => !isAlias(equation))
      .map((equation): EquationDescription => {
        const { primitive, inputs } = equation;
        const outputs = resultsOf(equation);
        const bodies = plansOf(equation).map((body) => describePlan(body));
        return {
          op: primitive,
          inputs: inputs.map(name),
          outputs: outputs.map(named),
          steps: stepsOf(equation, name),
          flops: flopsOf(equation, program),
          bytes: bytesOf(equation, program, aliasOf),
          ...(bodies.length > 0 && { bodies }),
        };
      });
    const exchange = (plan.exchanges[i] ?? []).map(({ combine, size }) => ({ combine, size }));
    return { equations: described, ...costs(described), exchange };
  });
  const all = segments.flatMap(({ equations }) => equations);
  return {
    ...{ segments, arenaBytes, numTraced, ...costs(segments) },
    inputs: Array.from({ length: program.numInputs }, (_, i) => named(i)),
    numRun: all.length,
    numFusedSteps: all.reduce((sum, { steps }) => sum + steps.length, 0),
  };
}

function costs(parts: readonly { readonly flops: number; readonly bytes: number }[]) {
  return {
    flops: parts.reduce((sum, { flops }) => sum + flops, 0),
    bytes: parts.reduce((sum, { bytes }) => sum + bytes, 0),
  };
}

const plansOf = ({ attrs }: Equation): readonly Plan[] => (attrs as PlannedBodies).plans ?? [];

/** The outputs without the work space of a construct, which is the last. */
const resultsOf = (equation: Equation): readonly number[] =>
  plansOf(equation).length === 0 ? equation.outputs : equation.outputs.slice(0, -1);

function bytesOf(equation: Equation, { avals }: Program, aliasOf: (variable: number) => number): number {
  const size = (variable: number): number => {
    const { dtype, shape } = avals[variable]!;
    return sizeOf(shape) * bytesPerElement(dtype);
  };
  const touched = [...new Set(equation.inputs.map(aliasOf)), ...resultsOf(equation)];
  return touched.reduce((sum, variable) => sum + size(variable), 0);
}

/** Operations for each element that is given or made; what is not here only moves elements, or draws them. */
const perElement: Readonly<Record<string, { readonly of: 'input' | 'output'; readonly flops: number }>> = {
  sum: { of: 'input', flops: 1 },
  reduceMax: { of: 'input', flops: 1 },
  reduceMin: { of: 'input', flops: 1 },
  argmax: { of: 'input', flops: 1 },
  treeSum: { of: 'input', flops: 1 },
  maxPool: { of: 'input', flops: 1 },
  maxPoolSelect: { of: 'input', flops: 1 },
  maxPoolScatter: { of: 'output', flops: 1 },
  scatterAdd: { of: 'input', flops: 1 },
  // Weighted sum, then weighted square of the deviation.
  groupMoments: { of: 'input', flops: 6 },
  shardMoments: { of: 'input', flops: 6 },
};

function flopsOf(equation: Equation, { avals }: Program): number {
  const { primitive, inputs, outputs, attrs } = equation;
  const shape = (variable: number | undefined) => avals[variable!]!.shape;
  const size = (variable: number | undefined): number => sizeOf(shape(variable));
  const [first, second] = inputs;
  const out = outputs[0];
  const planned = constructOf(equation)?.planned;
  if (planned !== undefined) {
    const bodies = plansOf(equation).map((plan) => describePlan(plan).flops);
    return planned.flops(bodies, attrs as PlannedBodies);
  }
  if (isFused(equation)) {
    const { instructions, sums = [] } = equation.attrs;
    const [sum] = sums;
    const length = sum ? sum.outer * sum.size * sum.inner : size(out);
    return (instructions.length + sums.filter((each) => each !== null).length) * length;
  }
  switch (primitive) {
    case 'matmul':
      return 2 * size(out) * shape(first).at(attrs.transposeA === true ? -2 : -1)!;
    case 'segmentedContraction':
      return 2 * size(first) * shape(second).at(-1)!;
    case 'conv2d':
      return (2 * size(out) * size(second)) / shape(second).at(-1)!;
    case 'conv2dInputGrad':
      return (2 * size(first) * size(second)) / shape(second).at(-1)!;
    case 'conv2dKernelGrad':
    case 'conv2dKernelGradTree': {
      const [height, width] = attrs.kernelSize as readonly [number, number];
      return 2 * size(second) * height * width * shape(first).at(-1)!;
    }
    default: {
      const known = perElement[primitive];
      if (known !== undefined) return known.flops * size(known.of === 'input' ? first : out);
      return primitiveOf(equation)?.fusible === true ? size(out) : 0;
    }
  }
}
