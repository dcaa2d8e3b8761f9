/** What compiling one experiment leaves for the next one: plans, and what has been checked. */
import { createPlanner, type Plan, type PlanOptions, type Program, planProgram } from '@lockstep/autodiff';

/** Passed to `compilePrograms`. One cache may serve any experiments, one after the other. */
export interface PlanCache {
  /** As `planProgram`. */
  plan(program: Program, options: PlanOptions): Plan;
  /** Whether a check has passed before, by the hash of all that it depends on. */
  hasPassed(check: string): boolean;
  notePassed(check: string): void;
}

export interface PlanCacheOptions {
  /**
   * The number of plans that are kept; a run has four, and two more for each further size of blocks. A further plan
   * replaces the one that has not been used for the longest time.
   */
  readonly maxPlans: number;
}

/** A compilation adds a handful of checks of some hundred bytes each. */
const MAX_CHECKS = 4096;

/**
 * A cache for experiments that are compiled one after the other, such as the trials of a sweep. Experiments that differ
 * only in numbers (rates, decays, probabilities, lengths of schedules) share their plans. Nothing else changes: plans,
 * hashes and errors are those of a compilation without a cache.
 */
export function createPlanCache({ maxPlans }: PlanCacheOptions): PlanCache {
  const planner = createPlanner({ maxPlans });
  // A set keeps the order in which its entries were added, so the first one was used the longest time ago.
  const passed = new Set<string>();
  const notePassed = (check: string): void => {
    passed.delete(check);
    if (passed.size >= MAX_CHECKS) passed.delete(passed.values().next().value!);
    passed.add(check);
  };
  return {
    plan: planner.plan,
    hasPassed(check) {
      const has = passed.has(check);
      if (has) notePassed(check);
      return has;
    },
    notePassed,
  };
}

/** Remembers nothing. */
export const noCache: PlanCache = {
  plan: planProgram,
  hasPassed: () => false,
  notePassed: () => undefined,
};
