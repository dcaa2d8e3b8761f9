/**
 * Events as TensorBoard reads them, each as one record of a file. Sources of the field numbers: TensorFlow, `event.proto` and
 * `summary.proto`; TensorBoard, `plugins/hparams/plugin_data.proto` and `api.proto`.
 */
import {
  boolean,
  double,
  doubles,
  type Fields,
  float,
  integer,
  joined,
  message,
  text,
} from '@lockstep/protobuf';
import { encodeRecord } from './record.ts';

export interface Moment {
  /** Seconds since 1970. Default: none. */
  readonly wallTime?: number;
  /** Default 0. */
  readonly step?: number;
}

/** A tensor's elements, counted in buckets. */
export interface Histogram {
  readonly min: number;
  readonly max: number;
  readonly count: number;
  readonly sum: number;
  readonly sumOfSquares: number;
  /** The upper bound of each bucket, in ascending order. */
  readonly limits: readonly number[];
  /** The elements in each bucket: more than the limit before it, at most its own. */
  readonly counts: readonly number[];
}

export type HyperparameterValue = number | string | boolean;

/** The first record of every event file. */
export const fileVersion = (): Uint8Array => record({}, text(3, 'brain.Event:2'));

/** One number for each tag. */
export const scalars = (moment: Moment, values: Readonly<Record<string, number>>): Uint8Array =>
  summary(
    moment,
    Object.entries(values).map(([tag, value]) => [text(1, tag), float(2, value)]),
  );

/** One histogram for each tag. */
export const histograms = (moment: Moment, values: Readonly<Record<string, Histogram>>): Uint8Array =>
  summary(
    moment,
    Object.entries(values).map(([tag, of]) => [
      text(1, tag),
      message(
        5,
        ...[double(1, of.min), double(2, of.max), double(3, of.count), double(4, of.sum)],
        ...[double(5, of.sumOfSquares), doubles(6, of.limits), doubles(7, of.counts)],
      ),
    ]),
  );

export interface Session {
  readonly hyperparameters: Readonly<Record<string, HyperparameterValue>>;
  /** Tags of the scalars by which sessions are compared. */
  readonly metrics: readonly string[];
  /** The same for runs that differ in their seed alone: TensorBoard averages over them. */
  readonly group: string;
  /** Seconds since 1970. */
  readonly startTime: number;
}

/** What TensorBoard's page of hyperparameters shows of a run: two records. */
export function sessionStart({ hyperparameters, metrics, group, startTime }: Session): Uint8Array {
  const entries = Object.entries(hyperparameters);
  const infos = entries.map(([name, value]) => message(4, text(1, name), integer(4, dataType(value))));
  const compared = metrics.map((tag) => message(5, message(1, text(2, tag))));
  const experiment = message(2, ...infos, ...compared);
  const values = entries.map(([name, value]) => message(1, text(1, name), message(2, valueField(value))));
  const start = message(3, ...values, text(4, group), double(5, startTime));
  const moment = { wallTime: startTime };
  return joined([
    [hyperparameterRecord(moment, '_hparams_/experiment', experiment)],
    [hyperparameterRecord(moment, '_hparams_/session_start_info', start)],
  ]);
}

const statuses = { success: 1, failure: 2 } as const;

/** `endTime`: seconds since 1970. */
export function sessionEnd(status: keyof typeof statuses, endTime: number): Uint8Array {
  const end = message(4, integer(1, statuses[status]), double(2, endTime));
  return hyperparameterRecord({ wallTime: endTime }, '_hparams_/session_end_info', end);
}

/** `data`: one of the alternatives of `HParamsPluginData`, whose version is 0, as a field that is left out is. */
function hyperparameterRecord(moment: Moment, tag: string, data: Fields): Uint8Array {
  const plugin = message(1, text(1, 'hparams'), message(2, data));
  return summary(moment, [[text(1, tag), message(9, plugin)]]);
}

const dataType = (value: HyperparameterValue): number =>
  typeof value === 'string' ? 1 : typeof value === 'boolean' ? 2 : 3;

const valueField = (value: HyperparameterValue): Fields =>
  typeof value === 'string'
    ? text(3, value)
    : typeof value === 'boolean'
      ? boolean(4, value)
      : double(2, value);

/** Each item holds the fields of one value. */
const summary = (moment: Moment, values: readonly (readonly Fields[])[]): Uint8Array =>
  record(moment, message(5, ...values.map((fields) => message(1, ...fields))));

function record({ wallTime, step }: Moment, what: Fields): Uint8Array {
  const time = wallTime === undefined ? [] : [double(1, wallTime)];
  const at = step === undefined ? [] : [integer(2, step)];
  return encodeRecord(joined([...time, ...at, what]));
}
