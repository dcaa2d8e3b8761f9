/** Applies the stopping rule of a sweep: how far a trial goes, and with which others it is compared. */
import { type AssignedBracket, assignBrackets, type RecordedTrial, type Trial } from '@lockstep/search';
import type { Sweep } from './definition.ts';
import {
  type Look,
  type Standing,
  standingAlone,
  standingByMedian,
  standingsInBracket,
} from './standings.ts';
import { type MedianRule, stepsOfMedian } from './stopping.ts';

/** What is known of the trials of a sweep. */
export interface Facts {
  readonly look: Look;
  /** How many trials have a number; the search may have more. */
  readonly numKnown: number;
  /** Trials that have a result. */
  readonly recorded: Iterable<RecordedTrial>;
}

export interface Stopper {
  /** The steps of a trial's rungs, ascending; undefined where trials have none. */
  stepsOf(trial: number): readonly number[] | undefined;
  /** How far a trial may go, and all that are compared with it. */
  standings(trial: Trial, facts: Facts): ReadonlyMap<number, Standing>;
  /** The search has no more trials than these. Returns those of the last bracket, whose rungs may now be others. */
  close(numTrials: number): readonly number[];
}

export function createStopper({ stopping, objective, trials }: Sweep): Stopper {
  if (stopping === undefined) {
    return {
      stepsOf: () => undefined,
      standings: ({ number }, { look }) => new Map([[number, standingAlone(number, look)]]),
      close: () => [],
    };
  }
  if (!('brackets' in stopping)) return medianStopper(stopping, objective);
  let brackets = assignBrackets(stopping, trials);
  let byTrial = bracketsByTrial(brackets);
  return {
    stepsOf: (trial) => byTrial[trial]?.rungs.map(({ steps }) => steps),
    standings({ number }, { look, numKnown }) {
      const bracket = byTrial[number]!;
      return standingsInBracket(bracket, objective, bracket.trials.at(-1)! < numKnown, look);
    },
    close(numTrials) {
      if (numTrials >= byTrial.length || numTrials === 0) return [];
      brackets = assignBrackets(stopping, numTrials);
      byTrial = bracketsByTrial(brackets);
      return brackets.at(-1)!.trials;
    },
  };
}

const bracketsByTrial = (brackets: readonly AssignedBracket[]): readonly AssignedBracket[] =>
  brackets.flatMap((bracket) => bracket.trials.map(() => bracket));

function medianStopper(rule: MedianRule, objective: Sweep['objective']): Stopper {
  const steps = stepsOfMedian(rule);
  const curveOf = ({ generation, result }: RecordedTrial) => ({
    generation,
    evaluations: (result.rungs ?? []).map((rung) => ({ step: rung.steps, value: rung.values[0]! })),
  });
  return {
    stepsOf: () => steps,
    standings(trial, { look, recorded }) {
      const complete = [...recorded].filter(({ result }) => result.status === 'complete');
      const standing = standingByMedian(trial, rule, objective, complete.map(curveOf), look);
      return new Map([[trial.number, standing]]);
    },
    close: () => [],
  };
}
