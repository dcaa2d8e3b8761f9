/** What the logs of a run say. */
import type { LogRecord } from '@lockstep/tracking';
import { isText, jsonOf, loggedNumber, numberOf, textOf } from './fields.ts';
import type { Curve, FingerprintAt, MetricKind, RunStatus } from './record.ts';

export interface Logs {
  /** Metrics that still hold. */
  readonly metrics: readonly LogRecord[];
  readonly events: readonly LogRecord[];
  readonly journal: readonly LogRecord[];
}

export const lastOf = (log: readonly LogRecord[], type: string): LogRecord | undefined =>
  log.findLast((record) => record.type === type);

/** How the journal's last entry of a session's end and the command's last event name the endings. */
const endings: Readonly<Record<string, RunStatus>> = {
  finished: 'finished',
  interrupted: 'interrupted',
  nonFinite: 'non-finite',
  failed: 'failed',
};

/** `isRunning`: undefined where nobody can say. */
export function statusOf({ events, journal }: Logs, isRunning: boolean | undefined): RunStatus {
  if (isRunning === true) return 'running';
  const last = journal.findLast(({ type }) =>
    ['started', 'generation', 'lengthChanged', 'done'].includes(String(type)),
  );
  // A run whose journal is lost has the command's events.
  const ending = last?.type === 'done' ? endings[String(last.reason)] : undefined;
  if (ending !== undefined) return ending;
  if (last === undefined) {
    const type = events.findLast((event) =>
      ['done', 'stoppedNonFinite', 'lengthChanged'].includes(String(event.type)),
    )?.type;
    if (type === 'done') return 'finished';
    if (type === 'stoppedNonFinite') return 'non-finite';
  }
  return isRunning === undefined ? 'unknown' : 'interrupted';
}

/** Updates that are done, as far as any log says. */
export function stepsIn({ metrics, journal }: Logs): number {
  const logged = metrics.filter(({ kind }) => kind === 'step');
  const ended = journal.filter(({ type }) => type === 'done' || type === 'checkpoint');
  return [...logged, ...ended].reduce((most, { step }) => Math.max(most, numberOf(step) ?? 0), 0);
}

/** Steps that were computed again after a loss of workers are logged again, with the same values. */
export function curvesIn(metrics: readonly LogRecord[]): Readonly<Record<string, Curve>> {
  const found = new Map<string, { readonly kind: MetricKind; readonly points: Map<number, number> }>();
  for (const { kind, step, metrics: values } of metrics) {
    if ((kind !== 'step' && kind !== 'evaluation') || typeof step !== 'number') continue;
    for (const [name, logged] of Object.entries(jsonOf(values))) {
      const value = loggedNumber(logged);
      if (value === undefined) continue;
      const curve = found.get(name) ?? { kind, points: new Map() };
      found.set(name, curve);
      curve.points.set(step, value);
    }
  }
  return Object.fromEntries(
    [...found].map(([name, { kind, points }]) => {
      const sorted = [...points].sort(([a], [b]) => a - b);
      return [name, { kind, steps: sorted.map(([step]) => step), values: sorted.map(([, value]) => value) }];
    }),
  );
}

/** A run that has finished has the fingerprint of its last step in the command's events, whatever that step is. */
export function fingerprintsIn({ metrics, events }: Logs): readonly FingerprintAt[] {
  const found = new Map<number, FingerprintAt>();
  const last = events.findLast(({ type }) => type === 'done' || type === 'lengthChanged');
  const { steps: lastStep, fingerprint: lastFingerprint } = jsonOf(last?.ending);
  if (typeof lastStep === 'number' && isText(lastFingerprint)) {
    found.set(lastStep, { step: lastStep, fingerprint: lastFingerprint });
  }
  for (const { kind, step, fingerprint, chain } of metrics) {
    if (kind !== 'step' || typeof step !== 'number' || !isText(fingerprint)) continue;
    found.set(step, { step, fingerprint, ...(isText(chain) && chain !== '' && { chain }) });
  }
  return [...found.values()].sort((a, b) => a.step - b.step);
}

/** The time from the start of each session to its last event, summed; undefined where events or starts have no times. */
export function durationOf({ events, journal }: Logs): number | undefined {
  const starts = timesOf(journal.filter(({ type }) => type === 'started'));
  const times = timesOf(events);
  const sessions = starts.flatMap((start, i) => {
    const end = starts[i + 1] ?? Number.POSITIVE_INFINITY;
    const last = times.findLast((time) => time >= start && time < end);
    return last === undefined ? [] : [last - start];
  });
  return sessions.length === 0 ? undefined : sessions.reduce((sum, one) => sum + one, 0);
}

const timesOf = (records: readonly LogRecord[]): readonly number[] =>
  records
    .map(({ time }) => Date.parse(textOf(time) ?? ''))
    .filter((time) => !Number.isNaN(time))
    .sort((a, b) => a - b);
