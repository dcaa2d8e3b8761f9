/** The trials of a history, divided into the best ones and the others. */
import type { Objective } from '../../objective.ts';
import { crowdingDistances, nonDominationRanks } from '../../study/pareto.ts';
import { lossesOf, ranked } from '../../study/rank.ts';
import type { RecordedTrial } from '../../study/trial.ts';

export interface Split {
  /** Each in the order of their numbers. */
  readonly below: readonly RecordedTrial[];
  readonly above: readonly RecordedTrial[];
}

/** The most trials that count as the best ones. */
const maxBest = 25;

/**
 * The best `share` of the trials, by rank. With several objectives those that fewest others dominate, and among equal ones those with the most
 * distant neighbours. Trials without a value are never among the best.
 */
export function splitHistory(
  objectives: readonly Objective[],
  history: readonly RecordedTrial[],
  share: number,
): Split {
  const count = Math.min(maxBest, Math.ceil(share * history.length));
  const hasValue = ({ result }: RecordedTrial): boolean =>
    result.status !== 'failed' && !lossesOf(objectives, result).some(Number.isNaN);
  const valued = history.filter(hasValue);
  const order = objectives.length === 1 ? ranked(objectives[0]!, valued) : byDomination(objectives, valued);
  const best = new Set(order.slice(0, count));
  return {
    below: history.filter((trial) => best.has(trial)),
    above: history.filter((trial) => !best.has(trial)),
  };
}

/** Complete trials before pruned ones; then by rank of domination, distance of neighbours and number. */
function byDomination(
  objectives: readonly Objective[],
  trials: readonly RecordedTrial[],
): readonly RecordedTrial[] {
  return (['complete', 'pruned'] as const).flatMap((status) => {
    const group = trials.filter(({ result }) => result.status === status);
    const losses = group.map(({ result }) => lossesOf(objectives, result));
    const ranks = nonDominationRanks(losses);
    const distances = new Array<number>(group.length).fill(0);
    for (let rank = 0; rank <= Math.max(-1, ...ranks); rank++) {
      const front = group.flatMap((_, i) => (ranks[i] === rank ? [i] : []));
      const apart = crowdingDistances(front.map((i) => losses[i]!));
      for (const [k, i] of front.entries()) distances[i] = apart[k]!;
    }
    return group
      .map((trial, i) => ({ trial, rank: ranks[i]!, distance: distances[i]! }))
      .sort(
        (a, b) =>
          a.rank - b.rank ||
          (a.distance === b.distance ? 0 : b.distance - a.distance) ||
          a.trial.number - b.trial.number,
      )
      .map(({ trial }) => trial);
  });
}
