/** A readable plan: what runs in which segment, and its cost. */
import { aString, listOf, signature } from '@lockstep/errors';
import { bytesPerElement, sizeOf } from '@lockstep/tensor';
import type { Aval } from '../tensor.ts';
import { aliases, isAlias } from './equation.ts';
import { equationFlops } from './flops.ts';
import type { BucketOp, PlannedBodies } from './planned.ts';
import { aPlan, type Plan } from './planned.ts';
import { type Equation, type Program, stepsOf } from './program.ts';

export interface NamedAval extends Aval {
  readonly name: string;
}

export interface EquationDescription {
  readonly op: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly NamedAval[];
  /** The steps of a fused equation, in order: `v9 = add v3 t0`, `v10 = sum t0 [8, 128, 32]`. */
  readonly steps: readonly string[];
  /** The bodies of a loop or a branch. */
  readonly bodies?: readonly PlanDescription[];
  /** Arithmetic operations, as flops.ts counts them. */
  readonly flops: number;
  /** Bytes read and written; each array counts once. */
  readonly bytes: number;
}

export interface SegmentDescription {
  readonly equations: readonly EquationDescription[];
  readonly flops: number;
  readonly bytes: number;
  /** The buckets of the exchange that follows it. Sizes in float32 elements. */
  readonly exchange: readonly { readonly combine: BucketOp; readonly size: number }[];
}

export interface PlanDescription {
  readonly inputs: readonly NamedAval[];
  readonly segments: readonly SegmentDescription[];
  readonly flops: number;
  readonly bytes: number;
  readonly arenaBytes: number;
  /** The numbers of equations: as traced, and left to run. An equation that only changes the shape does not run. */
  readonly numTraced: number;
  readonly numRun: number;
  /** Elementwise steps within fused equations. */
  readonly numFusedSteps: number;
}

const checkDescribe = signature('describePlan', {
  plan: aPlan,
  'inputNames?': listOf(aString, 'a list of names'),
});

/**
 * `inputNames` are the names of the program's inputs, in order. Without them inputs are v0, v1, … like all other
 * variables.
 */
export function describePlan(plan: Plan, inputNames: readonly string[] = []): PlanDescription {
  checkDescribe(plan, inputNames);
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
          flops: equationFlops(equation, program),
          bytes: bytesOf(equation, program, aliasOf),
          ...(bodies.length > 0 && { bodies }),
        };
      });
    const exchange = (plan.exchanges[i] ?? []).map(({ op, size }) => ({ combine: op, size }));
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

/** The outputs except the last one of a construct, which is its work space. */
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
