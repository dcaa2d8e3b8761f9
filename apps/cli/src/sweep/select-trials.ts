/** What trials of a sweep are filtered and sorted by. */
import type { SweepRecord, TrialRecord, TrialState } from '@lockstep/sweep';
import {
  compareValues,
  type Filtered,
  keyNamed,
  meets,
  parseFilter,
  type Value,
  type Values,
} from '@lockstep/view';

const states: readonly TrialState[] = [
  ...(['waiting', 'running', 'finished', 'failed', 'pruned', 'cancelled', 'setAside'] as const),
];
const filtered: Filtered = { what: 'trial', statuses: states };

type Sweep = Pick<SweepRecord, 'objectives'>;

/** Keys of one name take precedence in this order: the trial's own (`status`), its objectives, its parameters. */
function valuesOf({ objectives }: Sweep, trial: TrialRecord): Values {
  const { number, generation, status, value, spread, reason, values, repeats } = trial;
  const params = Object.entries(trial.params);
  const own: Readonly<Record<string, Value | undefined>> = {
    ...{ trial: number, generation, status, value, spread, reason },
    step: repeats.length === 0 ? undefined : Math.min(...repeats.map(({ step }) => step)),
  };
  const entries: (readonly [string, Value | undefined])[] = [
    ...params,
    ...params.map(([name, one]) => [`params.${name}`, one] as const),
    ...objectives.map(({ metric }, i) => [metric, values[i]] as const),
    ...Object.entries(own),
  ];
  return new Map(entries.filter((entry): entry is [string, Value] => entry[1] !== undefined));
}

export interface Selection {
  readonly filter?: string | undefined;
  readonly sort?: string | undefined;
  readonly descending?: boolean;
}

/**
 * The trials that meet all conditions, in order. Ties, and trials without the value, which come last, are in the order of their numbers.
 *
 * @throws LockstepError `config` for conditions that are none, and keys that no trial has
 */
export function selectTrials(
  sweep: Pick<SweepRecord, 'objectives' | 'trials'>,
  { filter, sort, descending = false }: Selection,
): readonly TrialRecord[] {
  const conditions = filter === undefined ? [] : parseFilter(filter, filtered);
  const all = sweep.trials.map((trial) => ({ trial, values: valuesOf(sweep, trial) }));
  if (all.length === 0) return [];
  const values = all.map((one) => one.values);
  const key = (name: string) => keyNamed(values, name, 'trial');
  const named = conditions.map((condition) => ({ ...condition, key: key(condition.key) }));
  const met = all.filter((one) => named.every((condition) => meets(one.values, condition)));
  if (sort === undefined) return met.map(({ trial }) => trial);
  const by = key(sort);
  return met
    .sort(
      (a, b) =>
        compareValues(a.values.get(by), b.values.get(by), descending) || a.trial.number - b.trial.number,
    )
    .map(({ trial }) => trial);
}
