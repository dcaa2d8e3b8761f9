/** The compiled programs as plain data: threads that receive them need neither the experiment nor a compiler. */
import type { Plan } from '@lockstep/autodiff';
import { LockstepError } from '@lockstep/errors';
import type { Programs } from './programs.ts';

export interface ProgramSet extends Omit<Programs, 'shard' | 'evaluation'> {
  readonly shardPlans: ReadonlyMap<number, Plan>;
  readonly evaluationPlans: ReadonlyMap<number, Plan>;
}

/** The programs for blocks of the given numbers of shards. */
export function exportPrograms(
  { shard, evaluation, ...rest }: Programs,
  sizes: readonly number[],
): ProgramSet {
  return {
    ...rest,
    shardPlans: new Map(sizes.map((size) => [size, shard(size)])),
    evaluationPlans: new Map(sizes.map((size) => [size, evaluation(size)])),
  };
}

export function importPrograms({ shardPlans, evaluationPlans, ...rest }: ProgramSet): Programs {
  const from = (plans: ReadonlyMap<number, Plan>) => (numShards: number) => {
    const plan = plans.get(numShards);
    if (plan === undefined) {
      throw new LockstepError(
        'internal',
        `no program for a block of ${numShards} shards came with this set`,
        { numShards },
      );
    }
    return plan;
  };
  return { ...rest, shard: from(shardPlans), evaluation: from(evaluationPlans) };
}
