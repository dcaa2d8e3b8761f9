/** How long steps take that are computed again in one thread. */
import { type LogRecord, readLog } from '@lockstep/tracking';
import { medianOf } from './median.ts';

/**
 * Seconds for some steps, from the computing times that members reported: their sum is the work of one thread. Undefined where
 * the logs have no times.
 */
export async function estimateSeconds(folder: string, numSteps: number): Promise<number | undefined> {
  if (numSteps === 0) return 0;
  const { records: metrics } = await readLog(folder, 'metrics');
  const { records: events } = await readLog(folder, 'events');
  const threads = threadsIn(events);
  const steps = new Map<number, { readonly generation: unknown; computeMs: number }>();
  for (const { kind, step, generation, worker, computeMs } of metrics) {
    if (kind !== 'work' || typeof step !== 'number' || typeof computeMs !== 'number') continue;
    const known = steps.get(step);
    // A step that another generation repeated counts once.
    const ofStep =
      known !== undefined && known.generation === generation ? known : { generation, computeMs: 0 };
    ofStep.computeMs += computeMs * (threads.get(worker) ?? 1);
    steps.set(step, ofStep);
  }
  const times = [...steps.values()].map((ofStep) => ofStep.computeMs);
  return times.length === 0 ? undefined : (numSteps * medianOf(times)) / 1_000;
}

/** Compute threads by worker. */
function threadsIn(events: readonly LogRecord[]): ReadonlyMap<unknown, number> {
  const joined = events.filter(({ type, threads }) => type === 'joined' && typeof threads === 'number');
  return new Map(joined.map(({ worker, threads }) => [worker, threads as number]));
}
