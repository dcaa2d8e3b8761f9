/** The compiled programs of a run. Plans for blocks of other sizes join them as generations need them. */
import { alignedSubtrees, type ShardRange } from '@lockstep/collectives';
import { importPrograms, type ProgramSet, type Programs } from '@lockstep/run';
import type { Compiler } from '../compiler/compiler.ts';

export interface RunPlans {
  /** As they are posted to threads. */
  readonly set: ProgramSet;
  readonly programs: Programs;
  /** Asks the compiler for the plans of block sizes that no generation had before. */
  compileFor(threads: readonly ShardRange[]): Promise<void>;
}

export function createPlans(compiled: ProgramSet, compiler: Pick<Compiler, 'plan'>): RunPlans {
  const shardPlans = new Map(compiled.shardPlans);
  const evaluationPlans = new Map(compiled.evaluationPlans);
  const set = { ...compiled, shardPlans, evaluationPlans };
  return {
    set,
    programs: importPrograms(set),
    async compileFor(threads) {
      const sizes = new Set(threads.flatMap(alignedSubtrees).map(({ level }) => 1 << level));
      const missing = [...sizes].filter((size) => !shardPlans.has(size));
      if (missing.length === 0) return;
      const plans = await compiler.plan(missing);
      for (const [size, plan] of plans.shardPlans) shardPlans.set(size, plan);
      for (const [size, plan] of plans.evaluationPlans) evaluationPlans.set(size, plan);
    },
  };
}
