/** How a run stands, gathered from its reports; and that as one line. */
import { bar, duration, metric, rate, sparkline } from './format.ts';

export interface ProgressView {
  readonly step: number;
  readonly totalSteps: number | undefined;
  readonly loss: number | undefined;
  /** Of every step so far, thinned out. */
  readonly losses: readonly number[];
  readonly metrics: readonly (readonly [name: string, value: number])[];
  readonly samplesPerSecond: number | undefined;
  readonly secondsLeft: number | undefined;
}

export interface ProgressTracker {
  /** `now` in milliseconds. */
  add(step: number, report: Readonly<Record<string, unknown>>, now: number): void;
  view(): ProgressView;
}

const maxLosses = 128;
/** Weight of the newest measurement of speed, per second of its length. */
const forgettingPerSecond = 0.2;

export function createProgressTracker(batchSize: number, configuredSteps: number | null): ProgressTracker {
  let step = 0;
  let totalSteps = configuredSteps ?? undefined;
  let metrics: Readonly<Record<string, number>> = {};
  let losses: number[] = [];
  let stride = 1;
  let seen = 0;
  let last: { readonly step: number; readonly now: number } | undefined;
  let stepsPerSecond: number | undefined;

  function remember(loss: number): void {
    if (seen++ % stride !== 0) return;
    losses.push(loss);
    if (losses.length < maxLosses) return;
    losses = losses.filter((_, i) => i % 2 === 0);
    stride *= 2;
  }

  function measure(now: number): void {
    last ??= { step, now };
    const seconds = (now - last.now) / 1000;
    // Reports come in bursts; a shorter stretch says little.
    if (seconds < 0.25) return;
    const speed = (step - last.step) / seconds;
    const weight = stepsPerSecond === undefined ? 1 : Math.min(1, seconds * forgettingPerSecond);
    stepsPerSecond = (stepsPerSecond ?? 0) * (1 - weight) + speed * weight;
    last = { step, now };
  }

  return {
    add: (nextStep, report, now) => {
      step = nextStep;
      metrics = metricsOf(report);
      if (typeof report.totalSteps === 'number') totalSteps = report.totalSteps;
      if (metrics.loss !== undefined) remember(metrics.loss);
      measure(now);
    },
    view: () => ({
      step,
      totalSteps,
      loss: metrics.loss,
      losses,
      // The experiment's own; the gradient's norm is in the log.
      metrics: Object.entries(metrics).filter(([name]) => name !== 'loss' && name !== 'gradientNorm'),
      samplesPerSecond: stepsPerSecond === undefined ? undefined : stepsPerSecond * batchSize,
      secondsLeft:
        totalSteps === undefined || !stepsPerSecond ? undefined : (totalSteps - step) / stepsPerSecond,
    }),
  };
}

/** The numbers among the metrics of a report. */
export function metricsOf({ metrics }: Readonly<Record<string, unknown>>): Record<string, number> {
  if (typeof metrics !== 'object' || metrics === null) return {};
  const entries = Object.entries(metrics);
  return Object.fromEntries(
    entries.filter((entry): entry is [string, number] => typeof entry[1] === 'number'),
  );
}

/** One line of at most `width` characters: what matters less is left out first. */
export function renderProgress(view: ProgressView, width: number): string {
  const { step, totalSteps, loss, losses, metrics, samplesPerSecond, secondsLeft } = view;
  const steps =
    totalSteps === undefined
      ? `step ${step}`
      : `step ${String(step).padStart(`${totalSteps}`.length)}/${totalSteps}`;
  const fraction = totalSteps === undefined ? undefined : step / totalSteps;
  const parts = (cells: { readonly bar: number; readonly spark: number }, all: boolean): string[] => [
    fraction === undefined
      ? steps
      : `${steps} ${cells.bar > 0 ? `${bar(fraction, cells.bar)} ` : ''}${`${Math.floor(100 * fraction)}`.padStart(3)}%`,
    ...(loss === undefined
      ? []
      : [`loss ${metric('loss', loss)}${cells.spark > 0 ? ` ${sparkline(losses, cells.spark)}` : ''}`]),
    ...(all ? metrics : metrics.slice(0, 1)).map(([name, value]) => `${name} ${metric(name, value)}`),
    ...(samplesPerSecond === undefined || !all ? [] : [`${rate(samplesPerSecond)} samples/s`]),
    ...(secondsLeft === undefined ? [] : [`${duration(secondsLeft)} left`]),
  ];
  const layouts = [
    parts({ bar: 20, spark: 8 }, true),
    parts({ bar: 10, spark: 8 }, true),
    parts({ bar: 10, spark: 0 }, true),
    parts({ bar: 0, spark: 0 }, true),
    parts({ bar: 0, spark: 0 }, false),
  ].map((layout) => `  ${layout.join('  ')}`);
  return layouts.find((line) => line.length <= width) ?? layouts.at(-1)!.slice(0, width);
}
