/** What it costs to compute steps again, by the times that were recorded when they were computed. */
import { type LogRecord, readLog } from '@lockstep/tracking';
import { medianOf } from './median.ts';

/** The first steps of a process are slow, and the median of these is of later ones. */
const maxSteps = 200;

/**
 * Milliseconds of a step on one thread: all threads of all members one after the other. The median of the newest steps; undefined if
 * none has recorded times.
 */
export function threadMsOfStep(
  metrics: readonly LogRecord[],
  events: readonly LogRecord[],
): number | undefined {
  const threads = new Map(
    events.flatMap((event) => (isJoined(event) ? [[event.worker, event.threads]] : [])),
  );
  const bySteps = new Map<number, { readonly generation: number; threadMs: number }>();
  for (const { step, generation, worker, shards, computeMs } of metrics.filter(isWork)) {
    const known = bySteps.get(step);
    // A step that a later generation repeats has the times of that generation.
    const ofStep = known?.generation === generation ? known : { generation, threadMs: 0 };
    ofStep.threadMs += computeMs * Math.min(threads.get(worker) ?? 1, shards);
    bySteps.set(step, ofStep);
  }
  const newest = [...bySteps.values()].slice(-maxSteps).map(({ threadMs }) => threadMs);
  return newest.length === 0 ? undefined : medianOf(newest);
}

interface Work {
  readonly step: number;
  readonly generation: number;
  readonly worker: string;
  readonly shards: number;
  /** Of the slowest thread. */
  readonly computeMs: number;
}

const isWork = (record: LogRecord): record is LogRecord & Work =>
  record.kind === 'work' && typeof record.computeMs === 'number' && typeof record.shards === 'number';

const isJoined = (
  event: LogRecord,
): event is LogRecord & { readonly worker: string; readonly threads: number } =>
  event.type === 'joined' && typeof event.worker === 'string' && typeof event.threads === 'number';

/** Seconds of some steps on one thread. Undefined where the logs have no times. */
export async function estimateSeconds(folder: string, numSteps: number): Promise<number | undefined> {
  if (numSteps === 0) return 0;
  const { records: metrics } = await readLog(folder, 'metrics');
  const { records: events } = await readLog(folder, 'events');
  const threadMs = threadMsOfStep(metrics, events);
  return threadMs === undefined ? undefined : (numSteps * threadMs) / 1_000;
}
