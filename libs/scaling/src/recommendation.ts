/** What to do, in one sentence with its reasons. */
import type { BatchRow } from './batch-axis.ts';

/** A number of workers for one batch size. */
export interface WorkerChoice {
  readonly batchSize: number;
  readonly workers: number;
  readonly samplesPerSecond: number;
  /** Against one worker. */
  readonly speedUp: number;
}

export interface Advice {
  readonly batchSize: number;
  readonly workers: number;
  /** Seconds to the target; absent where it was not reached. */
  readonly seconds?: number;
  readonly sentence: string;
}

/** A further worker must bring at least this part of itself. */
export const leastGain = 0.5;

/**
 * Among the batch sizes that reach the target in all seeds, the one that reaches it soonest on the workers that pay for themselves;
 * a larger batch must be sooner by a twentieth, since it costs samples.
 */
export function recommend(
  rows: readonly BatchRow[],
  choices: readonly WorkerChoice[],
  target: string,
): Advice {
  const reaching = rows.filter((row) => row.stepsToTarget !== undefined);
  const options = (reaching.length > 0 ? reaching : rows).map((row) => ({
    row,
    choice: workersFor(row, choices),
  }));
  const timed = options.map(({ row, choice }) => ({ row, choice, seconds: secondsOf(row, choice) }));
  const chosen = timed.reduce((best, one) => (one.seconds < 0.95 * best.seconds ? one : best));
  const { row, choice, seconds } = chosen;
  const workers = choice?.workers ?? 1;
  const sentence = [
    `Use a batch of ${row.batchSize} on ${workers} ${workers === 1 ? 'worker' : 'workers'}`,
    [batchReason(row, rows, target), workerReason(row, choice, choices)]
      .filter((text) => text !== '')
      .join(', and '),
  ];
  return {
    ...{ batchSize: row.batchSize, workers },
    ...(Number.isFinite(seconds) && { seconds }),
    sentence: `${sentence.filter((text) => text !== '').join(': ')}.`,
  };
}

/** As many workers as bring half of themselves or more. */
function workersFor({ batchSize }: BatchRow, choices: readonly WorkerChoice[]): WorkerChoice | undefined {
  const own = choices
    .filter((choice) => choice.batchSize === batchSize)
    .sort((a, b) => a.workers - b.workers);
  return own.reduce<WorkerChoice | undefined>((best, one) => {
    if (best === undefined) return one;
    const gain = (one.speedUp - best.speedUp) / (one.workers - best.workers);
    return gain >= leastGain ? one : best;
  }, undefined);
}

const secondsOf = ({ samplesToTarget }: BatchRow, choice: WorkerChoice | undefined): number =>
  samplesToTarget === undefined
    ? Number.POSITIVE_INFINITY
    : samplesToTarget / (choice?.samplesPerSecond ?? 1);

function batchReason(row: BatchRow, rows: readonly BatchRow[], target: string): string {
  if (row.stepsToTarget === undefined)
    return `no batch size reached ${target} in all seeds, so this is the smallest`;
  const smallest = rows.find(({ stepsToTarget }) => stepsToTarget !== undefined)!;
  const others = rows.filter(
    ({ batchSize, stepsToTarget }) => batchSize > row.batchSize && stepsToTarget !== undefined,
  );
  const failed = rows
    .filter(({ stepsToTarget }) => stepsToTarget === undefined)
    .map(({ batchSize }) => batchSize);
  const reached =
    row === smallest
      ? `it reaches ${target} with the fewest samples of the sizes that were tried`
      : `it reaches ${target} in ${Math.round(row.stepsToTarget)} steps, at ${percent(row.efficiency!)} of perfect scaling from ${smallest.batchSize}`;
  const next = others[0];
  return [
    reached,
    ...(next === undefined ? [] : [`${next.batchSize} would be at ${percent(next.efficiency!)}`]),
    ...(failed.length === 0 ? [] : [`${failed.join(', ')} did not reach it in all seeds`]),
  ].join('; ');
}

function workerReason(
  { batchSize }: BatchRow,
  choice: WorkerChoice | undefined,
  choices: readonly WorkerChoice[],
): string {
  if (choice === undefined) return '';
  const more = choices.find((one) => one.batchSize === batchSize && one.workers > choice.workers);
  const speed =
    choice.workers === 1
      ? 'one worker'
      : `${choice.workers} workers are ${choice.speedUp.toFixed(2)} times as fast as one`;
  if (more === undefined) return choice.workers === 1 ? '' : speed;
  return `${speed}${choice.workers === 1 ? ' suffices:' : ' while'} ${more.workers} would be ${more.speedUp.toFixed(2)} times as fast as one`;
}

const percent = (value: number): string => `${(100 * value).toFixed(0)}%`;
