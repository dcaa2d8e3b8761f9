/** Trials of a sweep as text, for a command that shows a sweep and for one that trains it. */
import type { Assignment, Objective } from '@lockstep/search';
import type { RepeatRecord, TrialRecord, TrialState } from '@lockstep/sweep';
import { none } from '../display/records.ts';
import { type FittedTable, fittedTable, type TableColumn } from '../display/table.ts';

/** Four digits for people; the table's file has all of them. */
export function shortText(value: unknown): string {
  if (value === undefined) return '';
  return typeof value === 'number' && !Number.isInteger(value)
    ? `${Number(value.toPrecision(4))}`
    : `${value}`;
}

export const paramsText = (params: Assignment): string =>
  Object.entries(params)
    .map(([name, value]) => `${name}=${shortText(value)}`)
    .join(' ');

/** A mean, with the spread over repeats where there are several. */
export const valueText = (value: number, spread: number | null | undefined): string =>
  `${shortText(value)}${typeof spread === 'number' ? ` ± ${spread.toPrecision(2)}` : ''}`;

export const isOver = (status: TrialState): boolean => !['waiting', 'running', 'setAside'].includes(status);

/** As many columns as fit: number, objectives, and what differs among the trials of status, steps and parameters. */
export function trialTable(
  trials: readonly TrialRecord[],
  objectives: readonly Objective[],
  width: number,
): FittedTable {
  const names = [...new Set(trials.flatMap(({ params }) => Object.keys(params)))].sort();
  const column = (
    heading: string,
    isNumeric: boolean,
    cellOf: (trial: TrialRecord) => string,
  ): TableColumn => ({
    ...{ heading, isNumeric, cells: trials.map(cellOf) },
  });
  const columns = [
    column('trial', true, ({ number }) => `${number}`),
    ...(trials.every(({ status }) => status === 'finished')
      ? []
      : [column('status', false, ({ status }) => status)]),
    ...objectives.map(({ metric }, i) => column(metric, true, (trial) => objectiveText(trial, i))),
    ...(trials.every(({ status }) => isOver(status) && status !== 'pruned')
      ? []
      : [column('steps', true, ({ repeats }) => stepsText(repeats))]),
    ...names.map((name) => column(name, true, ({ params }) => shortText(params[name]))),
  ];
  return fittedTable(columns, width);
}

function objectiveText({ values, spread }: TrialRecord, index: number): string {
  const value = values[index];
  return value === undefined ? none : valueText(value, index === 0 ? spread : undefined);
}

/** The steps of the repeat that has made the fewest, as `12/100`. */
function stepsText(repeats: readonly RepeatRecord[]): string {
  const [least] = [...repeats].sort((a, b) => a.step - b.step);
  if (least === undefined) return none;
  return least.totalSteps === undefined ? `${least.step}` : `${least.step}/${least.totalSteps}`;
}

/** `12 of 24 trials recorded: 10 finished, 2 failed; 2 running` */
export function progressText(trials: readonly TrialRecord[], numTrials: number): string {
  const count = (states: readonly TrialState[]): string =>
    states
      .map((state) => ({ state, n: trials.filter(({ status }) => status === state).length }))
      .filter(({ n }) => n > 0)
      .map(({ state, n }) => `${n} ${state === 'setAside' ? 'set aside' : state}`)
      .join(', ');
  const over = count(['finished', 'pruned', 'failed', 'cancelled']);
  const others = count(['running', 'waiting', 'setAside']);
  const numOver = trials.filter(({ status }) => isOver(status)).length;
  return `${numOver} of ${numTrials} trials recorded${over && `: ${over}`}${others && `; ${others}`}`;
}
