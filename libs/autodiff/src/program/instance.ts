/**
 * A plan bound to memory and kernels. Running a segment is a loop over bound kernels; everything else is decided
 * before.
 */
import {
  aFunction,
  anything,
  invariant,
  listOf,
  type Rules,
  required,
  signature,
  whole,
} from '@lockstep/errors';
import type { Kernels } from '@lockstep/kernels';
import { type Storage, sizeOf, type TypedArray, viewOf } from '@lockstep/tensor';
import type { BindBody } from '../construct.ts';
import type { BoundKernel } from '../primitive.ts';
import { bindEquation, constructOf, isAlias } from './equation.ts';
import type { BucketOp, PlannedBodies } from './planned.ts';
import { aPlan, type Place, type Plan } from './planned.ts';
import type { Equation } from './program.ts';
import { workSpace } from './work-space.ts';

/** A bucket as one block sees it: the block's partial result, and where the result of the whole step is expected. */
export interface BlockBucket {
  readonly op: BucketOp;
  readonly partial: Float32Array;
  readonly result: Float32Array;
}

export interface Instance {
  readonly numSegments: number;
  /** Restores the constants after the memory was used for something else. */
  restore(): void;
  /** Runs one segment. The exchanges before it must have written their results. */
  run(segment: number): void;
  /** `exchanges[i]` lies between segments i and i + 1. */
  readonly exchanges: readonly (readonly BlockBucket[])[];
  /** Views of the results; valid after the last segment until the next run. */
  readonly outputs: readonly TypedArray[];
}

export interface InstanceOptions {
  readonly kernels: Kernels;
  /** Memory of `plan.arenaBytes` from `byteOffset` (a multiple of 64) on, private to this instance. */
  readonly buffer: ArrayBuffer | SharedArrayBuffer;
  readonly byteOffset: number;
  readonly inputs: readonly TypedArray[];
  /**
   * The buffers for the results; without them the results stay in the arena. A plan with `outputs: 'given'` computes in
   * these buffers, so they must not overlap the inputs. With `numInPlace`, the buffers are for the outputs after those
   * in place. The outputs in place take the memory of inputs, of which no two may overlap then.
   */
  readonly outputs?: readonly TypedArray[];
  /** Where exchange results lie, shared by the blocks of a worker: `[exchange][bucket]`. */
  readonly results: readonly (readonly Float32Array[])[];
  /**
   * Called within a segment when the first `numBuckets` buckets of its exchange are complete. The end of the segment
   * completes the rest without a call.
   */
  readonly onReady?: (segment: number, numBuckets: number) => void;
}

const instanceRules: Rules<InstanceOptions> = {
  kernels: required({ what: 'kernels', fits: (value) => typeof value === 'object' && value !== null }),
  buffer: required({
    what: 'an ArrayBuffer or a SharedArrayBuffer',
    fits: (value) => value instanceof ArrayBuffer || value instanceof SharedArrayBuffer,
  }),
  byteOffset: required(whole(0)),
  inputs: required(listOf(anything, 'a list of typed arrays')),
  outputs: listOf(anything, 'a list of typed arrays'),
  results: required(listOf(anything, 'a list of results for each exchange')),
  onReady: aFunction,
};
const checkInstantiate = signature('instantiate', { plan: aPlan }, instanceRules);

export function instantiate(plan: Plan, options: InstanceOptions): Instance {
  checkInstantiate(plan, options);
  const given = givenOutputs(plan, options);
  const { segments, prepare, outputs } = bindPlan(plan, { ...options, ...(given && { outputs: given }) });
  prepare(options.kernels);
  const exchanges = plan.exchanges.map((buckets, i) =>
    buckets.map(({ op, size, byteOffset }, bucket) => ({
      op,
      partial: viewOf('float32', options.buffer, options.byteOffset + byteOffset, size) as Float32Array,
      result: options.results[i]![bucket]!,
    })),
  );
  return {
    numSegments: segments.length,
    exchanges,
    outputs: given ?? outputs,
    restore: () => prepare(options.kernels),
    run(segment) {
      for (const kernel of segments[segment]!) kernel(options.kernels);
    },
  };
}

/** The buffers of all outputs; undefined if the outputs are in the arena. */
function givenOutputs(
  { numInPlace, program }: Plan,
  { inputs, outputs }: InstanceOptions,
): readonly TypedArray[] | undefined {
  if (numInPlace === 0) return outputs;
  const all = [...inputs.slice(0, numInPlace), ...(outputs ?? [])];
  invariant(all.length === program.outputs.length, 'an instance is given all outputs that have no place');
  return all;
}

type Buffers = Omit<InstanceOptions, 'kernels'>;

interface BoundPlan {
  readonly segments: readonly BoundKernel[][];
  /** Writes the constants to their places. */
  readonly prepare: BoundKernel;
  readonly outputs: readonly TypedArray[];
}

function bindPlan(plan: Plan, options: Buffers): BoundPlan {
  const { program } = plan;
  invariant(options.inputs.length === program.numInputs, 'an instance has one view for each input');
  const storageOf = (variable: number): Storage => {
    const { dtype, shape } = program.avals[variable]!;
    const place = plan.places.get(variable);
    invariant(place !== undefined, `variable ${variable} has a place`);
    return {
      dtype,
      shape,
      data: dataAt(place, options, (buffer, offset) => viewOf(dtype, buffer, offset, sizeOf(shape))),
    };
  };
  const segments = plan.segments.map((equations, segment) =>
    equations.flatMap((equation, i): BoundKernel[] => {
      const { outputs, inputs } = equation;
      const bindOne = constructOf(equation) === undefined ? bindEquation : bindConstruct;
      const kernel = isAlias(equation)
        ? []
        : [bindOne(equation, outputs.map(storageOf), inputs.map(storageOf))];
      return [...kernel, ...announcement(plan, options, segment, i + 1)];
    }),
  );
  const outputs = program.outputs.map((variable) => storageOf(variable).data);
  const copies = (options.outputs ?? []).flatMap((to, i): BoundKernel[] => {
    const from = outputs[i]!;
    return from === to ? [] : [(kernels) => kernels.copy(to, from)];
  });
  segments.at(-1)!.push(...copies);
  const constants = program.constants.map(({ variable, storage }) => ({
    to: storageOf(variable).data,
    from: storage.data,
  }));
  return {
    segments,
    outputs,
    prepare(kernels) {
      for (const { to, from } of constants) kernels.copy(to, from);
    },
  };
}

/** The kernel of a construct. The construct's last output is the work space of the construct and its bodies. */
function bindConstruct(
  equation: Equation,
  outs: readonly Storage[],
  inputs: readonly Storage[],
): BoundKernel {
  const planned = constructOf(equation)!.planned!;
  const attrs = equation.attrs as PlannedBodies;
  const { buffer, byteOffset: start } = outs.at(-1)!.data;
  const space = workSpace(planned, attrs);
  const temporaries = planned.temporaries(attrs).map(({ dtype, shape }, i): Storage => {
    const data = viewOf(dtype, buffer as ArrayBuffer, start + space.temporaries[i]!, sizeOf(shape));
    return { dtype, shape, data };
  });
  const bodies = attrs.plans.map((plan, i): BindBody => {
    const byteOffset = start + space.arenas[i]!;
    return (operands, results) => {
      const [ins, own] = [operands, results].map((list) => list.map(({ data }) => data));
      const bound = bindPlan(plan, {
        ...{ buffer: buffer as ArrayBuffer, byteOffset, results: [] },
        ...{ inputs: ins!, outputs: own! },
      });
      const [kernels] = bound.segments;
      const run: BoundKernel = (backend) => {
        for (const kernel of kernels!) kernel(backend);
      };
      return { prepare: bound.prepare, run };
    };
  });
  return planned.kernel(outs.slice(0, -1), inputs, attrs, { temporaries, bodies });
}

/** Calls `onReady` after the equation that completes a bucket of the segment's exchange. */
function announcement(
  { segments, exchanges }: Plan,
  { onReady }: Buffers,
  segment: number,
  numEquations: number,
): BoundKernel[] {
  if (onReady === undefined || numEquations === segments[segment]!.length) return [];
  const last = (exchanges[segment] ?? []).findLastIndex(({ readyAfter }) => readyAfter === numEquations);
  return last === -1 ? [] : [() => onReady(segment, last + 1)];
}

function dataAt(
  place: Place,
  { inputs, outputs, buffer, byteOffset, results }: Buffers,
  view: (buffer: ArrayBuffer | SharedArrayBuffer, byteOffset: number) => TypedArray,
): TypedArray {
  switch (place.kind) {
    case 'input':
      return inputs[place.index]!;
    case 'output':
      invariant(outputs !== undefined, 'an instance of this plan is given its outputs');
      return outputs[place.index]!;
    case 'arena':
      return view(buffer, byteOffset + place.byteOffset);
    case 'result': {
      const whole = results[place.exchange]![place.bucket]!;
      return view(whole.buffer as ArrayBuffer, whole.byteOffset + place.offset * 4);
    }
    default:
      return place satisfies never;
  }
}
