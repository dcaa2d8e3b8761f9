/**
 * The table of a sweep. It has what a sweep computed and nothing of where or when, so that equal sweeps have equal bytes; their
 * SHA-256 is the sweep's result.
 */

import type { Objective } from './objective.ts';
import { inOrder } from './space/assignment.ts';
import type { RecordedTrial } from './study/trial.ts';

/**
 * One line of JSON for each trial, in the order of their numbers. Numbers are the shortest that read as the same double; NaN and
 * infinities are strings. `values` and `spreads` have an entry for each objective.
 */
export function tableOf(trials: readonly RecordedTrial[], objectives: readonly Objective[]): string {
  const metrics = objectives.map(({ metric }) => metric);
  const sorted = [...trials].sort((a, b) => a.number - b.number);
  return sorted.map((trial) => `${JSON.stringify(lineOf(trial, metrics))}\n`).join('');
}

function lineOf({ number, params, result }: RecordedTrial, metrics: readonly string[]): unknown {
  const { status, values, spreads, repeats, steps, rungs, reason } = result;
  const named = (list: readonly (number | null)[]) => list.map((value, i) => [metrics[i], jsonOf(value)]);
  return {
    trial: number,
    params: inOrder(params),
    status,
    ...(steps !== undefined && { steps }),
    values: values.length === 0 ? null : Object.fromEntries(named(values)),
    ...(spreads !== undefined && { spreads: Object.fromEntries(named(spreads)) }),
    ...(repeats !== undefined && {
      repeats: repeats.map((repeat) => ({
        seed: repeat.seed,
        values: Object.fromEntries(named(repeat.values)),
      })),
    }),
    ...(rungs !== undefined && {
      rungs: rungs.map((rung) => ({ steps: rung.steps, values: Object.fromEntries(named(rung.values)) })),
    }),
    ...(reason !== undefined && { reason }),
  };
}

/** JSON has no NaN and no infinities. */
const jsonOf = (value: number | null): number | string | null =>
  value === null || Number.isFinite(value) ? value : String(value);
