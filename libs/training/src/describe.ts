/** The programs of a run for people to read. */
import { describePlan, type PlanDescription } from '@lockstep/autodiff';
import type { Programs, Variable } from '@lockstep/run';

export interface ProgramsDescription {
  readonly shards: number;
  readonly rowsPerShard: number;
  /** Of one block that holds all shards. */
  readonly shard: PlanDescription;
  readonly update: PlanDescription;
}

export function describePrograms(programs: Programs, numShards: number): ProgramsDescription {
  const { params, state, optState, columns, rowsPerShard } = programs;
  const named = (kind: string, variables: readonly Variable[]): string[] =>
    variables.map(({ name }) => (name === '' ? kind : `${kind}/${name}`));
  return {
    shards: numShards,
    rowsPerShard,
    shard: describePlan(programs.shard(numShards), [
      ...named('params', params),
      ...named('state', state),
      ...named('batch', columns),
      'weights',
      'keys',
    ]),
    update: describePlan(programs.update, [
      ...named('params', params),
      ...named('optimizer', optState),
      ...named('gradients', params),
      'sums',
      'step',
    ]),
  };
}
