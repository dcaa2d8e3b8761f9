/** Readable descriptions of the programs of a run. */
import { describePlan, type PlanDescription } from '@lockstep/autodiff';
import { type Programs, pack, shardSignature, updateSignature, type Variable } from '@lockstep/run';

export interface ProgramsDescription {
  readonly shards: number;
  readonly rowsPerShard: number;
  /** The shard program of one block that holds all shards. */
  readonly shard: PlanDescription;
  readonly update: PlanDescription;
}

export function describePrograms(programs: Programs, numShards: number): ProgramsDescription {
  const { params, state, optState, columns, rowsPerShard } = programs;
  const named = (kind: string, variables: readonly Variable[]): string[] =>
    variables.map(({ name }) => (name === '' ? kind : `${kind}/${name}`));
  const shardInputs = pack(shardSignature(programs, numShards).inputs, {
    params: named('params', params),
    state: named('state', state),
    columns: named('batch', columns),
    weights: 'weights',
    keys: 'keys',
  });
  const updateInputs = pack(updateSignature(programs).inputs, {
    params: named('params', params),
    optState: named('optimizer', optState),
    gradientSums: named('gradients', params),
    sums: 'sums',
    step: 'step',
  });
  return {
    shards: numShards,
    rowsPerShard,
    shard: describePlan(programs.shard(numShards), shardInputs),
    update: describePlan(programs.update, updateInputs),
  };
}
