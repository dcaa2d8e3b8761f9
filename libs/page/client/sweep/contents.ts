/** What the drawings of a sweep show. */
import {
  bestSoFar,
  countText,
  meansAt,
  measuredScale,
  metricText,
  numberScale,
  type ObjectiveView,
  type ParamAxis,
  paramOf,
  type RungPoint,
  rungsOf,
  type Scale,
  type SweepView,
  scaleOfAxis,
  type TrialView,
} from '@lockstep/view';
import type { Store } from '../store.ts';
import type { GlyphName } from './glyph.ts';
import { inLane, type PlotContent, type PlotLine, type PlotPoint } from './plot.ts';

/** The scale of an objective over all trials; of values that are all above 0 it may be logarithmic. */
export const objectiveScale = (
  { trials }: SweepView,
  objective: number,
  isLog: boolean,
  of: ObjectiveView,
): Scale =>
  scaleIn(
    of,
    trials.flatMap(({ values }) => values[objective] ?? []),
    isLog,
  );

/** Shares of samples are written as percentages. */
function scaleIn({ metric, direction }: ObjectiveView, values: readonly number[], isLog: boolean): Scale {
  const scale = measuredScale(values, direction, isLog);
  // Nothing was measured yet, so that no number has a place.
  if (values.length === 0) return { ...scale, ticks: () => [] };
  if (!/accuracy$/i.test(metric)) return scale;
  const percent = (place: number): string => `${Math.round(1_000 * Number(scale.valueAt(place))) / 10}%`;
  return {
    ...scale,
    ticks: (count) => scale.ticks(count).map(({ place }) => ({ place, text: percent(place) })),
  };
}

export const glyphOf = ({ number, status }: TrialView, best: number | undefined): GlyphName =>
  number === best ? 'best' : status;

/** Whether some trials have no value, so that there is a lane for them. */
const lacksValues = (trials: readonly TrialView[]): boolean =>
  trials.some(({ values }) => values[0] === undefined || Number.isNaN(values[0]));

/** The ends of the bar of a spread. */
function spreadOf(scale: Scale, { values, spread }: TrialView): PlotPoint['spread'] {
  const [value] = values;
  if (value === undefined || spread === undefined) return undefined;
  const [low, high] = [scale.place(value - spread), scale.place(value + spread)];
  return low === undefined || high === undefined ? undefined : { low, high };
}

/** Values by the number of the trial, with the best so far. */
export function historyOf(sweep: SweepView, isLog: boolean): PlotContent {
  const { trials, progress, facts } = sweep;
  const [objective] = facts.objectives as [ObjectiveView];
  const y = objectiveScale(sweep, 0, isLog, objective);
  const last = Math.max(1, progress.numTrials - 1, trials.at(-1)?.number ?? 0);
  const x = numberScale({ lo: 0, hi: last, log: false });
  const points = trials.map((trial): PlotPoint => {
    const place = y.place(trial.values[0] ?? Number.NaN);
    const spread = spreadOf(y, trial);
    return {
      ...{ trial, x: x.place(trial.number)!, y: place ?? inLane, ...(spread && { spread }) },
      isBeyond: y.isBeyond(trial.values[0] ?? Number.NaN),
      name: glyphOf(trial, progress.best),
    };
  });
  const best = bestSoFar(trials, objective.direction);
  const newest = trials.at(-1)?.number ?? 0;
  const steps = best.flatMap(({ trial, value }, i) => {
    const [from, to] = [x.place(trial)!, x.place(best[i + 1]?.trial ?? newest)!];
    const at = y.place(value)!;
    return [
      { x: from, y: at },
      { x: to, y: at },
    ];
  });
  return {
    points,
    lines: steps.length === 0 ? [] : [{ kind: 'best', places: steps }],
    xTicks: (count) => x.ticks(count).filter(({ text }) => Number.isInteger(Number(text))),
    yTicks: y.ticks,
    hasLane: lacksValues(trials),
    description: `${countText(trials.length)} trials, ${best.length} of them better than all before.`,
  };
}

/** Values by one parameter. Options have their points beside each other, so that they are not on top of each other. */
export function sliceOf(sweep: SweepView, axis: ParamAxis, isLog: boolean): PlotContent {
  const { trials, progress, facts } = sweep;
  const y = objectiveScale(sweep, 0, isLog, facts.objectives[0]!);
  const x = scaleOfAxis(axis);
  const points = trials.flatMap((trial): PlotPoint[] => {
    const value = paramOf(axis, trial);
    const place = value === undefined ? undefined : x.place(value);
    if (place === undefined) return [];
    const beside = axis.kind === 'options' ? (scattered(trial.number) * 0.56) / axis.options.length : 0;
    return [
      {
        ...{ trial, x: place + beside, y: y.place(trial.values[0] ?? Number.NaN) ?? inLane },
        isBeyond: y.isBeyond(trial.values[0] ?? Number.NaN),
        name: glyphOf(trial, progress.best),
      },
    ];
  });
  return {
    ...{ points, lines: [], xTicks: x.ticks, yTicks: y.ticks },
    hasLane: lacksValues(points.map(({ trial }) => trial)),
    description: `${countText(points.length)} trials by ${axis.id}.`,
  };
}

/** From −½ to ½, evenly over numbers that follow each other: multiples of the golden ratio. */
const scattered = (number: number): number => ((number * 0.618_033_988_75) % 1) - 0.5;

/** Trials whose values at several steps are known. */
export interface StepValues {
  readonly isOfRungs: boolean;
  readonly trials: readonly { readonly trial: TrialView; readonly points: readonly RungPoint[] }[];
}

/**
 * The values at the ends of rungs, and of trials that are not recorded yet those of their evaluations. A sweep without rungs has those of
 * all evaluations, if there are several.
 */
export function stepValues({ trials, facts }: SweepView, store: Store): StepValues {
  const { metric } = facts.objectives[0]!;
  const runs = new Map(store.runs.map((run) => [run.id, run]));
  const found = trials.map((trial) => {
    if (trial.rungs.length > 0) return { trial, points: trial.rungs };
    const curves = trial.repeats.flatMap(({ run = '' }) => runs.get(run)?.curves.get(metric)?.curve ?? []);
    return { trial, points: curves.length === 0 ? [] : meansAt(curves) };
  });
  const known = found.filter(({ points }) => points.length > 0);
  const isOfRungs = facts.stopping !== undefined;
  return { isOfRungs, trials: isOfRungs || known.some(({ points }) => points.length > 1) ? known : [] };
}

const trialsText = (count: number): string => `${count} ${count === 1 ? 'trial' : 'trials'}`;

/** Values over steps: who was compared where, and who did not go on. */
export function rungPlotOf(sweep: SweepView, { isOfRungs, trials }: StepValues, isLog: boolean): PlotContent {
  const { progress, facts } = sweep;
  const [objective] = facts.objectives as [ObjectiveView];
  const all = trials.flatMap(({ points }) => points);
  const y = scaleIn(
    objective,
    all.map(({ value }) => value),
    isLog,
  );
  const steps = all.map(({ step }) => step);
  const [least, greatest] = [Math.min(...steps), Math.max(...steps)];
  const x = numberScale({ lo: least, hi: greatest, log: isOfRungs && greatest > 4 * least });
  const placed = (points: readonly RungPoint[]) =>
    points.flatMap(({ step, value }) => {
      const at = y.place(value);
      return at === undefined ? [] : [{ x: x.place(step)!, y: at }];
    });
  const lines = trials.map(
    ({ trial, points }): PlotLine => ({ kind: 'trial', trial: trial.number, places: placed(points) }),
  );
  const rungs = isOfRungs ? rungsOf(sweep.trials) : [];
  const marks = rungs.map(({ step, numTrials, numPruned }): PlotLine => {
    const at = x.place(step)!;
    return {
      kind: 'rung',
      places: [
        { x: at, y: 0 },
        { x: at, y: 1 },
      ],
      text: numPruned === 0 ? trialsText(numTrials) : `${trialsText(numTrials)}, ${numPruned} stopped`,
    };
  });
  const points = trials.flatMap(({ trial, points: own }): PlotPoint[] => {
    const end = placed(own).at(-1);
    return end === undefined ? [] : [{ trial, ...end, name: glyphOf(trial, progress.best) }];
  });
  return {
    points,
    lines: [...marks, ...lines.filter(({ places }) => places.length > 1)],
    xTicks: (count) =>
      rungs.length > 0
        ? rungs.map(({ step }) => ({ place: x.place(step)!, text: countText(step) }))
        : x.ticks(count).filter(({ text }) => !text.includes('.')),
    yTicks: y.ticks,
    hasLane: false,
    description: `${countText(trials.length)} trials from step ${least} to ${greatest}.`,
    title: isOfRungs ? 'Values at rungs' : 'Values over steps',
  };
}

/** Two objectives against each other, with the line of trials that no other one beats. */
export function frontOf(sweep: SweepView, first: number, second: number, isLog: boolean): PlotContent {
  const { facts, progress, trials } = sweep;
  const [x, y] = [first, second].map((i) => objectiveScale(sweep, i, isLog, facts.objectives[i]!)) as [
    Scale,
    Scale,
  ];
  const front = new Set(progress.front);
  const points = trials.flatMap((trial): PlotPoint[] => {
    const [left, up] = [
      x.place(trial.values[first] ?? Number.NaN),
      y.place(trial.values[second] ?? Number.NaN),
    ];
    if (left === undefined || up === undefined) return [];
    return [{ trial, x: left, y: up, name: front.has(trial.number) ? 'best' : trial.status }];
  });
  const onFront = points
    .filter(({ trial }) => front.has(trial.number))
    .sort((a, b) => a.x - b.x || a.y - b.y);
  const isPair = facts.objectives.length === 2;
  return {
    points,
    // With three objectives the front is no line between two of them.
    lines:
      isPair && onFront.length > 1
        ? [{ kind: 'front', places: onFront.map(({ x: at, y: up }) => ({ x: at, y: up })) }]
        : [],
    xTicks: x.ticks,
    yTicks: y.ticks,
    hasLane: false,
    description: `${onFront.length} of ${points.length} trials are beaten by no other one.`,
  };
}

export const objectiveText = ({ metric }: ObjectiveView, value: number | undefined): string =>
  value === undefined ? '–' : metricText(metric, value);
