/** The sweep that is looked at, and which of its trials are chosen. */
import {
  isWithin,
  keyNamed,
  meets,
  metricText,
  parseFilter,
  type SweepFacts,
  type SweepView,
  settingText,
  spreadText,
  type TrialStatus,
  type TrialView,
  trialStatuses,
  trialValues,
} from '@lockstep/view';
import type { App } from '../app.ts';
import type { ViewState } from '../state.ts';

/** The sweep of the address, else the first one. */
export const currentSweep = ({ store, keeper }: App): SweepView | undefined =>
  store.sweeps.find(({ facts }) => facts.id === keeper.state.sweep) ?? store.sweeps[0];

/** The trial of the address, else the best one, else the newest. */
export function currentTrial({ trials, progress }: SweepView, { trial }: ViewState): TrialView | undefined {
  const numbered = (number: number | undefined | null) => trials.find((one) => one.number === number);
  return numbered(trial) ?? numbered(progress.best) ?? trials.at(-1);
}

export interface Chosen {
  /** Trials that lie in all brushes and meet the filter, by number. */
  readonly numbers: ReadonlySet<number>;
  /** Why the filter cannot be followed. */
  readonly problem: string | undefined;
}

export function choose({ facts, trials }: SweepView, { brushes, trialFilter }: ViewState): Chosen {
  const brushed = trials.filter((trial) => isWithin(facts, trial, brushes));
  const numbersOf = (list: readonly TrialView[]) => new Set(list.map(({ number }) => number));
  if (trialFilter.trim() === '') return { numbers: numbersOf(brushed), problem: undefined };
  try {
    const all = trials.map((trial) => trialValues(facts, trial));
    const conditions = parseFilter(trialFilter, { what: 'trial', statuses: trialStatuses }).map((one) => ({
      ...one,
      key: keyNamed(all, one.key, 'trial'),
    }));
    const passes = (trial: TrialView): boolean =>
      conditions.every((condition) => meets(trialValues(facts, trial), condition));
    return { numbers: numbersOf(brushed.filter(passes)), problem: undefined };
  } catch (error) {
    const problem = error instanceof Error ? error.message : String(error);
    return { numbers: numbersOf(brushed), problem };
  }
}

const statusTexts: Partial<Record<TrialStatus, string>> = { setAside: 'set aside' };

export const statusText = (status: TrialStatus): string => statusTexts[status] ?? status;

/** Of shares in percent, as their values are. */
export const spreadOf = (metric: string, spread: number): string =>
  /accuracy$/i.test(metric) ? `${spreadText(100 * spread)}%` : spreadText(spread);

/** `0.0834 ± 0.004`; what it is waiting for, or why there is none, where it has no value. */
export function valueText({ objectives }: SweepFacts, { values, spread, status }: TrialView): string {
  const [objective] = objectives;
  const [value] = values;
  if (value === undefined || objective === undefined) return statusText(status);
  const text = metricText(objective.metric, value);
  return spread === undefined ? text : `${text} ± ${spreadOf(objective.metric, spread)}`;
}

/** Words for those who cannot see the drawing. */
export function spokenText(facts: SweepFacts, trial: TrialView): string {
  const params = Object.entries(trial.params).map(([name, value]) => `${name} ${settingText(value)}`);
  return `trial ${trial.number}, ${statusText(trial.status)}, ${valueText(facts, trial)}, ${params.join(', ')}`;
}
