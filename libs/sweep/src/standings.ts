/**
 * How far each trial of a sweep may go. A decision is a pure function of results at fixed steps, so it is the same in whatever order
 * they arrive.
 */
import {
  type AssignedBracket,
  type Evaluation,
  isBelowMedian,
  type Objective,
  survivors,
  type TrialCurve,
} from '@lockstep/search';
import { type MedianRule, stepsOfMedian } from './stopping.ts';

/** What is known of a trial at a rung: the means of its repeats, or that a repeat is not there yet, or has failed on the way. */
export type AtRung = 'running' | 'failed' | readonly number[];

/** What is known of trial `number` at its rung `rung`; both count from 0. */
export type Look = (number: number, rung: number) => AtRung;

/**
 * trains: its runs go on to the rung. waits: its runs are there, and those that it is compared with are not. The others are final, and the
 * rung is the last one that it has reached, or has failed before.
 */
export interface Standing {
  readonly state: 'trains' | 'waits' | 'pruned' | 'failed' | 'complete';
  readonly rung: number;
}

/** Of a trial that no rule stops. */
export const standingAlone = (number: number, look: Look): Standing => standingAt(look(number, 0), 0, true);

function standingAt(at: AtRung, rung: number, isLast: boolean): Standing {
  if (at === 'running') return { state: 'trains', rung };
  if (at === 'failed') return { state: 'failed', rung };
  return { state: isLast ? 'complete' : 'waits', rung };
}

/**
 * Of all trials of a bracket (successive halving). A rung is decided when every trial that entered it is there or has failed.
 *
 * @param isFull whether all trials of the bracket are known
 */
export function standingsInBracket(
  { trials, rungs }: AssignedBracket,
  objective: Objective,
  isFull: boolean,
  look: Look,
): ReadonlyMap<number, Standing> {
  const standings = new Map<number, Standing>();
  let entrants = trials;
  for (const rung of rungs.keys()) {
    const next = rungs[rung + 1];
    const results = entrants.map((number) => ({ number, at: look(number, rung) }));
    for (const { number, at } of results) standings.set(number, standingAt(at, rung, next === undefined));
    if (next === undefined || !isFull || results.some(({ at }) => at === 'running')) break;
    const arrived = results.flatMap(({ number, at }) =>
      typeof at === 'string' ? [] : [{ number, result: { status: 'complete' as const, values: at } }],
    );
    entrants = survivors(objective, arrived, next.trials);
    for (const { number } of arrived) {
      if (!entrants.includes(number)) standings.set(number, { state: 'pruned', rung });
    }
  }
  return standings;
}

/** By the median rule. `others`: complete trials; those of earlier generations count. */
export function standingByMedian(
  trial: { readonly number: number; readonly generation: number },
  rule: MedianRule,
  objective: Objective,
  others: readonly TrialCurve[],
  look: Look,
): Standing {
  const steps = stepsOfMedian(rule);
  const evaluations: Evaluation[] = [];
  for (const [rung, step] of steps.entries()) {
    const isLast = rung === steps.length - 1;
    const at = look(trial.number, rung);
    if (typeof at === 'string' || isLast) return standingAt(at, rung, isLast);
    evaluations.push({ step, value: at[0]! });
    const curve = { generation: trial.generation, evaluations };
    const { minTrials } = rule;
    if (isBelowMedian(objective, curve, { step, others, minTrials })) return { state: 'pruned', rung };
  }
  return standingAt('running', 0, true);
}
