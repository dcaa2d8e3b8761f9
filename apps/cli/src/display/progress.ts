/** Tracks the progress of a run from its reports, and renders it as one line. */
import { bar, duration, metric, rate, sparkline } from './format.ts';

export interface ProgressView {
  readonly step: number;
  readonly totalSteps: number | undefined;
  readonly loss: number | undefined;
  /** Losses of the steps so far, thinned out. */
  readonly losses: readonly number[];
  readonly metrics: readonly (readonly [name: string, value: number])[];
  readonly samplesPerSecond: number | undefined;
  readonly secondsLeft: number | undefined;
}

export interface ProgressTracker {
  /** `now` is in milliseconds. */
  add(step: number, report: Readonly<Record<string, unknown>>, now: number): void;
  view(): ProgressView;
}

const maxLosses = 128;
/** The weight of the newest measurement of speed, for each second that it lasted. */
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
    // Reports come in bursts, so shorter measurements are not reliable.
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
      // Metrics of the experiment; the norm of the gradient is only in the log.
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

const maxBarCells = 20;
const minBarCells = 6;

/** A line of at most `width` characters. The bar takes the room that is left; where that is little, less is shown. */
export function renderProgress(view: ProgressView, width: number): string {
  const { loss, losses, metrics, samplesPerSecond, secondsLeft } = view;
  const lossText = loss === undefined ? [] : [`loss ${metric('loss', loss)}`];
  const spark = loss === undefined ? [] : [`loss ${metric('loss', loss)} ${sparkline(losses, 8)}`];
  const metricTexts = metrics.map(([name, value]) => `${name} ${metric(name, value)}`);
  const speed = samplesPerSecond === undefined ? [] : [`${rate(samplesPerSecond)} samples/s`];
  const left = secondsLeft === undefined || secondsLeft <= 0 ? [] : [`${duration(secondsLeft)} left`];
  const contents = [
    [...spark, ...metricTexts, ...speed, ...left],
    [...lossText, ...metricTexts, ...speed, ...left],
    [...lossText, ...metricTexts.slice(0, 1), ...left],
    [...lossText, ...left],
    lossText,
    [],
  ];
  const fitting = contents.map((parts) => fit(view, parts, width)).find((line) => line !== undefined);
  return fitting ?? `  ${stepText(view)}`.slice(0, width);
}

function fit(view: ProgressView, parts: readonly string[], width: number): string | undefined {
  const { step, totalSteps } = view;
  const steps = `  ${stepText(view)}`;
  const tail = parts.map((part) => `  ${part}`).join('');
  if (totalSteps === undefined) return steps.length + tail.length <= width ? `${steps}${tail}` : undefined;
  const fraction = step / totalSteps;
  const percent = `${Math.floor(100 * fraction)}%`.padStart(4);
  const cells = Math.min(maxBarCells, width - steps.length - percent.length - tail.length - ' ▕▏'.length);
  return cells < minBarCells ? undefined : `${steps} ${bar(fraction, cells)}${percent}${tail}`;
}

function stepText({ step, totalSteps }: ProgressView): string {
  return totalSteps === undefined
    ? `step ${step}`
    : `step ${String(step).padStart(`${totalSteps}`.length)}/${totalSteps}`;
}
