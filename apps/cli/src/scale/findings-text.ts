/** Tables and plots of a scale, for people. */
import { type BatchRow, logLogPlot, logSpaced, rateText, type Target } from '@lockstep/scaling';
import { metric as metricText, plural, rate } from '../display/format.ts';
import { milliseconds } from '../display/link.ts';
import { fittedTable, type TableColumn } from '../display/table.ts';
import type { Findings } from './findings.ts';
import type { WorkerRow } from './worker-runs.ts';

const percent = (value: number): string => `${(100 * value).toFixed(0)}%`;
const indented = (lines: readonly string[]): readonly string[] => lines.map((line) => `  ${line}`.trimEnd());
const tableOf = (columns: readonly TableColumn[]): readonly string[] =>
  indented(fittedTable(columns, Number.POSITIVE_INFINITY).lines);

function columnsOf<Row>(
  rows: readonly Row[],
  cells: Readonly<Record<string, (row: Row) => string>>,
): readonly TableColumn[] {
  return Object.entries(cells).map(([heading, cellOf]) => ({
    ...{ heading, isNumeric: true, cells: rows.map(cellOf) },
  }));
}

/** The axis of batch sizes, and its plot. */
export function batchText(rows: readonly BatchRow[], { metric, value }: Target): string {
  const lines = [
    '',
    `The batch size changes the result. Target: ${metric} ${metricText(metric, value)}`,
    ...fittedTable(
      columnsOf(rows, {
        batch: ({ batchSize }) => `${batchSize}`,
        [`${metric} at the end`]: ({ final: { mean, spread } }) =>
          `${metricText(metric, mean)}${spread === null ? '' : ` ± ${spread.toPrecision(2)}`}`,
        reached: ({ numReached, numSeeds }) => `${numReached} of ${numSeeds}`,
        'steps to target': ({ stepsToTarget }) => (stepsToTarget === undefined ? '' : rate(stepsToTarget)),
        'samples to target': ({ samplesToTarget }) =>
          samplesToTarget === undefined ? '' : rate(samplesToTarget),
        efficiency: ({ efficiency }) => (efficiency === undefined ? '' : percent(efficiency)),
        region: ({ region }) => region ?? '',
      }),
      Number.POSITIVE_INFINITY,
    ).lines,
    '',
    ...stepsPlot(rows),
    '',
  ];
  return `${indented(lines).join('\n')}\n`;
}

const plotSize = { columns: 56, rows: 12 };

/** Steps to the target against the batch size, with the line of perfect scaling. */
function stepsPlot(rows: readonly BatchRow[]): readonly string[] {
  const reached = rows.filter((row) => row.stepsToTarget !== undefined);
  const [first, last] = [reached[0], reached.at(-1)];
  if (first === undefined || last === undefined || first === last) return [];
  const perfect = logSpaced(first.batchSize, last.batchSize, plotSize.columns).map((x) => ({
    ...{ x, y: first.samplesToTarget! / x },
  }));
  const measured = reached.map(({ batchSize, stepsToTarget }) => ({ x: batchSize, y: stepsToTarget! }));
  const plot = logLogPlot(
    [
      { mark: '●', points: measured },
      { mark: '·', points: perfect },
    ],
    plotSize,
  );
  return ['steps to target against the batch size, both logarithmic: ● measured, · perfect scaling', ...plot];
}

/** What the end of a scale shows besides the batch sizes. */
export function findingsText(findings: Findings): string {
  const lines = [
    '',
    ...workerLines(findings),
    ...noiseLines(findings),
    ...criticalLines(findings),
    ...findings.failed.map((reason) => `failed: ${reason}`),
    '',
  ];
  return `${indented(lines).join('\n')}\n  ✓ ${findings.advice.sentence}\n  scale ${findings.folder}\n`;
}

function workerLines({ workers, fingerprints, request }: Findings): readonly string[] {
  const onWorkers = `on ${request.workers.join(', ')} ${request.workers.at(-1) === 1 ? 'worker' : 'workers'}`;
  return [
    'The number of workers changes no result. Times are medians of steps; predicted ones come from one worker’s kernels',
    ...tableOf(
      columnsOf(workers, {
        batch: ({ batchSize }) => `${batchSize}`,
        workers: (row) => `${row.workers}`,
        'samples/s': ({ samplesPerSecond }) => rate(samplesPerSecond),
        'speed-up': ({ speedUp }) => speedUp.toFixed(2),
        efficiency: ({ efficiency }) => percent(efficiency),
        compute: ({ computeMs }) => milliseconds(computeMs),
        wait: ({ waitMs }) => milliseconds(waitMs),
        network: ({ networkMs }) => milliseconds(networkMs),
        step: ({ stepMs }) => milliseconds(stepMs),
        predicted: ({ predicted }) => milliseconds(predicted.stepMs),
        'measured/predicted': ({ ratio }) => ratio.toFixed(2),
        'fastest/predicted': ({ leastRatio }) => leastRatio.toFixed(2),
        [`on ${request.link}`]: ({ onLink }) =>
          `${milliseconds(onLink.stepMs)} (${onLink.speedUp.toFixed(2)}×)`,
        'break-even link': ({ workers: count, breakEven }) =>
          count === 1 ? '' : breakEven === undefined ? 'none' : rateText(breakEven),
      }),
    ).map((line) => line.slice(2)),
    ...Object.entries(fingerprints).map(
      ([batch, fingerprint]) => `batch ${batch}: ${fingerprint} ${onWorkers}`,
    ),
    ...busyLines(workers),
    '',
  ];
}

/** From this ratio of measured to predicted times on, other programs must have taken much of the machine. */
const busyFrom = 1.5;

function busyLines(workers: readonly WorkerRow[]): readonly string[] {
  const worst = Math.max(...workers.map(({ ratio }) => ratio));
  return worst < busyFrom
    ? []
    : [
        `steps took up to ${worst.toFixed(1)} times what the model predicts: if other programs kept the machine busy, measure again on a quiet one before you follow the recommendation`,
      ];
}

function noiseLines({ noise, fit }: Findings): readonly string[] {
  const points = noise.map(({ at, noiseScale, error, isLowerBound }) => {
    const around = error === null ? '' : ` ± ${rate(error)}`;
    return `${percent(at)}: ${isLowerBound ? '> ' : ''}${rate(noiseScale)}${around}`;
  });
  const lines: string[] = [];
  if (points.length > 0) lines.push(`noise scale in samples, by part of training: ${points.join('  ')}`);
  if (fit !== undefined) {
    const [least, critical] = [rate(fit.leastSteps), rate(fit.criticalBatch)];
    lines.push(
      `steps to target ≈ ${least}·(1 + ${critical}/batch): in a batch of ${critical}, a sample brings half of what it brings in a small one`,
    );
  }
  return lines;
}

const criticalLines = ({ critical, request: { tolerance } }: Findings): readonly string[] =>
  critical.map(({ epoch, step, criticalBatch, branches, batchSize }) => {
    const sizes = branches.map((one) => one.batchSize).join(', ');
    const shared = sizes === '' ? '' : `; the branches with ${sizes} share these steps, byte for byte`;
    return `critical batch after ${plural(epoch, 'epoch')}, ${plural(step, 'step')}: ${criticalBatch}, within ${percent(tolerance)} of ${batchSize}${shared}`;
  });
