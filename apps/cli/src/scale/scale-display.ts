/** What a scale prints while it measures: for people, or as JSON. */
import type { BatchRow, Target } from '@lockstep/scaling';
import { metric as metricText, plural } from '../display/format.ts';
import { milliseconds } from '../display/link.ts';
import type { TrainingDisplay } from '../sweep/sweep-display.ts';
import type { Stream } from '../terminal.ts';
import type { CriticalPoint } from './branch-runs.ts';
import type { Findings } from './findings.ts';
import { batchText, findingsText } from './findings-text.ts';
import type { ScaleRequest } from './scale-folder.ts';
import type { WorkerRow } from './worker-runs.ts';

export interface ScaleDisplay {
  /** Of the sweep over batch sizes. */
  readonly sweep: TrainingDisplay;
  started(folder: string, request: ScaleRequest): void;
  batches(rows: readonly BatchRow[], target: Target): void;
  worker(row: WorkerRow): void;
  critical(point: CriticalPoint): void;
  interrupted(folder: string): void;
  done(findings: Findings): void;
}

export const createScaleDisplay = (out: Stream, json: boolean): ScaleDisplay =>
  json ? jsonDisplay(out) : peopleDisplay(out);

/** The rows of all axes: those of `workers` change times alone. */
const rowsOf = ({ batches, workers, critical, noise }: Findings): readonly object[] => [
  ...batches.map((row) => ({ axis: 'batch', ...row })),
  ...workers.map((row) => ({ axis: 'workers', ...row })),
  ...noise.map((row) => ({ axis: 'noise', ...row })),
  ...critical.map((row) => ({ axis: 'critical', ...row })),
];

/** What a scale says itself, or leaves out, of the sweep underneath. */
const unsaid = {
  started: () => undefined,
  step: () => undefined,
  ranUntil: () => undefined,
  ended: () => undefined,
  failed: () => undefined,
} as const;

function jsonDisplay(out: Stream): ScaleDisplay {
  // JSON has no numbers that are not finite.
  const visible = (_key: string, value: unknown): unknown =>
    typeof value === 'number' && !Number.isFinite(value) ? String(value) : value;
  const write = (event: string, facts: object): void =>
    out.write(`${JSON.stringify({ event, ...facts }, visible)}\n`);
  return {
    sweep: {
      ...unsaid,
      note: (message) => write('note', { message }),
      begun: ({ seed, params }, run) => write('begun', { seed, params, run }),
      recorded: ({ params, result }) => write('trial', { params, ...result }),
    },
    started: (folder, request) => write('started', { scale: folder, ...request }),
    batches: (rows, target) => write('batches', { target, rows }),
    worker: (row) => write('worker', row),
    critical: (point) => write('critical', point),
    interrupted: (folder) => write('interrupted', { scale: folder }),
    done: (findings) => {
      const { fingerprints, advice, folder, target, fit, failed } = findings;
      const { sentence: recommendation, ...chosen } = advice;
      write('done', {
        rows: rowsOf(findings),
        ...{ fingerprints, recommendation, chosen, target, failed, scale: folder },
        ...(fit !== undefined && { fit }),
      });
    },
  };
}

function peopleDisplay(out: Stream): ScaleDisplay {
  const line = (text: string): void => out.write(`  ${text}\n`);
  let metric = '';
  return {
    sweep: {
      ...unsaid,
      note: line,
      begun: () => undefined,
      recorded: ({ params, result: { values, spreads, reason } }) => {
        const [value] = values;
        const spread = spreads?.[0];
        const around = spread === null || spread === undefined ? '' : ` ± ${spread.toPrecision(2)}`;
        const end =
          value === undefined
            ? `failed: ${reason?.split('\n')[0]}`
            : `${metric} ${metricText(metric, value)}${around}`;
        line(`batch ${params.batchSize}  ${end}`);
      },
    },
    started(folder, request) {
      const { name, rule, batches, workers, seeds, profile, epochs } = request;
      metric = request.metric;
      line(
        `${name} · batches ${batches.join(', ')} × ${plural(seeds, 'seed')} of ${plural(epochs ?? 1, 'epoch')} · rule ${rule} · workers ${workers.join(', ')} · profile ${profile}`,
      );
      line(folder);
    },
    batches(rows, target) {
      out.write(batchText(rows, target));
    },
    worker({ batchSize, workers, stepMs, predicted, fingerprint }) {
      line(
        `batch ${batchSize} on ${plural(workers, 'worker')}  ${milliseconds(stepMs)} a step, predicted ${milliseconds(predicted.stepMs)}  ${fingerprint.slice(0, 16)}…`,
      );
    },
    critical({ epoch, batchSize, value, branches, criticalBatch }) {
      const others = branches.map((one) => `${one.batchSize}: ${metricText(metric, one.value)}`).join('  ');
      line(
        `after epoch ${epoch}, one epoch more: ${metric}  ${batchSize}: ${metricText(metric, value)}  ${others}  → critical batch ${criticalBatch}`,
      );
    },
    interrupted: (folder) => line(`stopped; lockstep scale --resume ${folder} goes on`),
    done: (findings) => out.write(findingsText(findings)),
  };
}
