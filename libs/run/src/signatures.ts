/**
 * The inputs and outputs of every program of a run, by name and in order. Tracing (@lockstep/training) and execution both
 * pack and unpack by these descriptions alone.
 */
import type { Aval } from '@lockstep/autodiff';
import { invariant } from '@lockstep/errors';
import { dtypeOf, sizeOf, type TypedArray } from '@lockstep/tensor';
import { type Grouped, type Groups, itemsOf, pack } from './groups.ts';
import type { ProgramForm } from './programs.ts';

const scalar: Aval = { dtype: 'float32', shape: [] };
const vector = (length: number): Aval => ({ dtype: 'float32', shape: [length] });
const key: Aval = { dtype: 'uint32', shape: [2] };

type Model = Pick<ProgramForm, 'params' | 'state'>;
type Replica = Model & Pick<ProgramForm, 'optState'>;

/** The arrays that the fingerprint covers: those of the trained model. */
export const modelGroups = ({ params, state }: Model) => ({ params, state });

/** The arrays of one copy of the replica. The model's come first. */
export const replicaGroups = ({ optState, ...model }: Replica) => ({ ...modelGroups(model), optState });

/** The columns of the vector of sums: weighted metrics, and the weights themselves. */
export const sumGroups = ({ evaluationMetrics }: Pick<ProgramForm, 'evaluationMetrics'>) => ({
  metrics: evaluationMetrics,
  samples: 'samples',
});

/** The numbers that decide whether an update may begin. `gradients` is 0 or NaN and is needed only with a penalty. */
export const guardGroups = ({ hasPenalty }: Pick<ProgramForm, 'hasPenalty'>) => ({
  loss: 'loss',
  gradientNorm: 'gradientNorm',
  gradients: hasPenalty ? ['gradients'] : [],
});

export const initInputs = { key };

/** The initialisation of the replica from a key. */
export const initSignature = (form: Replica) => ({ inputs: initInputs, outputs: replicaGroups(form) });

/** The samples of a block. */
const batchGroups = ({ columns, rowsPerShard }: ProgramForm, numShards: number) => {
  const lead = [numShards, rowsPerShard];
  return {
    columns: columns.map(({ dtype, shape }): Aval => ({ dtype, shape: [...lead, ...shape] })),
    weights: { dtype: 'float32', shape: lead } satisfies Aval,
    keys: { dtype: 'uint32', shape: [numShards, 2] } satisfies Aval,
  };
};

const sumsOf = (form: ProgramForm): Aval => vector(itemsOf(sumGroups(form)).length);

/** One training step of a block of `numShards` shards, without the update. */
export const shardSignature = (form: ProgramForm, numShards: number) => ({
  inputs: { params: form.params, state: form.state, ...batchGroups(form, numShards) },
  outputs: { gradientSums: form.params, state: form.state, sums: sumsOf(form) },
});

/** One batch of an evaluation for a block of `numShards` shards. Its only exchange carries `sums`. */
export const evaluationSignature = (form: ProgramForm, numShards: number) => ({
  inputs: {
    params: form.params,
    state: form.state,
    averageWeight: form.evaluated.averageWeight.map(() => scalar),
    ...batchGroups(form, numShards),
  },
  outputs: { sums: sumsOf(form) },
});

/**
 * The update of a step, whose reduced sums it divides. The groups of `inPlace` come first in inputs and outputs, and
 * these outputs overwrite the inputs; those of `given` have memory of their own.
 */
export const updateSignature = (form: ProgramForm) => {
  const inPlace = { params: form.params, optState: form.optState };
  const given = {
    guard: vector(itemsOf(guardGroups(form)).length),
    stepMetrics: vector(form.stepMetrics.length),
  };
  return {
    inPlace,
    given,
    inputs: { ...inPlace, gradientSums: form.params, sums: sumsOf(form), step: scalar },
    outputs: { ...inPlace, ...given },
  };
};

/**
 * The list of named arrays, as `pack` gives it. Throws `internal` for an array whose element type or size is not that of
 * its place.
 */
export function packArrays<G extends Groups<Aval>>(groups: G, arrays: Grouped<G, TypedArray>): TypedArray[] {
  const list = pack(groups, arrays) as TypedArray[];
  for (const [i, { dtype, shape }] of itemsOf<Aval>(groups).entries()) {
    const array = list[i]!;
    invariant(
      dtypeOf(array) === dtype && array.length === sizeOf(shape),
      'an array has the element type and the size of its place',
      { place: i, dtype, shape, came: [dtypeOf(array), array.length] },
    );
  }
  return list;
}
