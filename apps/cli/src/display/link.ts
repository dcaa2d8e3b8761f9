/** What `lockstep explain --link` prints. */
import { rateText } from '@lockstep/scaling';
import type { LinkPrediction, PredictedRow } from '../scale/prediction.ts';
import { plural, rate } from './format.ts';
import { bytesText } from './programs.ts';
import { fittedTable, type TableColumn } from './table.ts';

export function linkText(prediction: LinkPrediction): string {
  const { experiment, batchSize, numShards, profile, threads, link, rows } = prediction;
  const { exchangedBytes, numExchanges } = prediction;
  const rowsOfShard = plural(Math.ceil(batchSize / numShards), 'row');
  return [
    `${experiment} · batch ${batchSize} in ${plural(numShards, 'shard')} of ${rowsOfShard} · profile ${profile} · ${plural(threads, 'thread')} a worker`,
    `a step reduces ${bytesText(exchangedBytes)} in ${plural(numExchanges, 'exchange')}; link ${rateText(link.bitsPerSecond)}, latency ${link.latencyMs} ms`,
    '',
    ...fittedTable(rows.length === 0 ? [] : columnsOf(rows), Number.POSITIVE_INFINITY).lines,
    '',
    ...notesOf(prediction),
    '',
  ].join('\n');
}

export const milliseconds = (value: number): string =>
  `${value < 10 ? value.toFixed(2) : value.toFixed(1)} ms`;

const percent = (value: number): string => `${(100 * value).toFixed(0)}%`;

function columnsOf(rows: readonly PredictedRow[]): readonly TableColumn[] {
  const column = (heading: string, cellOf: (row: PredictedRow) => string): TableColumn => ({
    ...{ heading, isNumeric: true, cells: rows.map(cellOf) },
  });
  return [
    column('workers', ({ workers }) => `${workers}`),
    column('shards', ({ shards }) => `${shards}`),
    column('compute', ({ computeMs }) => milliseconds(computeMs)),
    column('network', ({ networkMs }) => milliseconds(networkMs)),
    column('wait', ({ waitMs }) => milliseconds(waitMs)),
    column('step', ({ stepMs }) => milliseconds(stepMs)),
    column('samples/s', ({ samplesPerSecond }) => rate(samplesPerSecond)),
    column('speed-up', ({ speedUp }) => speedUp.toFixed(2)),
    column('efficiency', ({ efficiency }) => percent(efficiency)),
    column('break-even link', ({ workers, breakEven }) =>
      workers === 1 ? '' : breakEven === undefined ? 'none' : rateText(breakEven),
    ),
  ];
}

function notesOf({ rows, numShards }: LinkPrediction): readonly string[] {
  const fastest = rows.reduce((best, row) => (row.stepMs < best.stepMs ? row : best));
  const spare = rows.filter(({ workers }) => workers > numShards);
  return [
    `${plural(fastest.workers, 'worker')} ${fastest.workers === 1 ? 'is' : 'are'} fastest: ${milliseconds(fastest.stepMs)} a step, ${fastest.speedUp.toFixed(2)} times the speed of one`,
    ...(spare.length === 0
      ? []
      : [
          `more than ${plural(numShards, 'worker')} stand by: a worker computes at least one shard, and --shards makes more`,
        ]),
    'on a link slower than its break-even, the workers are slower than one; compute is measured here, network and wait are a model',
  ];
}
