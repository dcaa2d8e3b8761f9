/** What a worker of a traced run does, and when: spans, which leave with its reports. */
import { clockMs, type Interval } from './clock.ts';
import type { Job } from './compute/commands.ts';
import type { ReducedBucket } from './exchange/measures.ts';

/** Its interval is by `clockMs`; in a report, by the time of day of this machine, in ms since 1970. */
export interface Span extends Interval {
  readonly name: string;
  /** Whole steps, exchanges (which overlap), or a compute thread, from 0. */
  readonly track: 'steps' | 'exchanges' | number;
  readonly step: number;
  readonly bytes?: number;
}

/** Spans since the last report. */
export interface Trace {
  readonly spans: readonly Span[];
  /** Spans that there was no room for. */
  readonly numDropped: number;
}

export interface Tracer {
  /** Begins to keep spans. */
  enable(): void;
  /** Ends that, and forgets the spans. */
  disable(): void;
  readonly isEnabled: boolean;
  add(span: Span): void;
  exchanged(bucket: ReducedBucket): void;
  /** Adds a job that a compute thread has done, and the time for which the thread waited before it. */
  ran(thread: number, job: Job, startMs: number, durationMs: number): void;
  /** The spans since the last call; undefined unless enabled. */
  take(): Trace | undefined;
}

/** More than a step has, unless it has hundreds of threads and segments. A report with so many is far below its bound. */
const MAX_SPANS = 4096;

/** Shorter gaps are those between orders, not worth showing. */
const LEAST_WAIT_MS = 0.02;

/** What turns `clockMs` into ms since 1970: looked up once, so that all spans of a process move together. */
const sinceEpochMs = (): number => performance.timeOrigin + performance.now() - clockMs();

export function createTracer(offsetMs: number = sinceEpochMs()): Tracer {
  let isEnabled = false;
  let spans: Span[] = [];
  let numDropped = 0;
  const freeSince: number[] = [];
  const add = (span: Span): void => {
    if (!isEnabled) return;
    if (spans.length < MAX_SPANS) spans.push(span);
    else numDropped++;
  };
  return {
    enable() {
      isEnabled = true;
    },
    disable() {
      isEnabled = false;
      spans = [];
      numDropped = 0;
    },
    add,
    get isEnabled() {
      return isEnabled;
    },
    exchanged: ({ step, exchange, bucket, bytes, startMs, durationMs }) =>
      add({
        ...{ name: `exchange ${exchange + 1}.${bucket + 1}`, track: 'exchanges' },
        ...{ startMs, durationMs, step, bytes },
      }),
    ran(track, job, startMs, durationMs) {
      const { step = 0 } = job;
      const free = freeSince[track];
      freeSince[track] = startMs + durationMs;
      if (free !== undefined && startMs - free >= LEAST_WAIT_MS) {
        add({ name: 'waiting', track, startMs: free, durationMs: startMs - free, step });
      }
      add({ name: nameOf(job), track, startMs, durationMs, step });
    },
    take() {
      if (!isEnabled) return undefined;
      const trace = {
        spans: spans.map((span) => ({ ...span, startMs: span.startMs + offsetMs })),
        numDropped,
      };
      spans = [];
      numDropped = 0;
      return trace;
    },
  };
}

/** What a report of a traced run carries beside the rest. */
export function tracedBy(tracer: Pick<Tracer, 'take'>, rank: number) {
  const trace = tracer.take();
  return trace === undefined ? {} : { trace: { rank, ...trace } };
}

function nameOf({ order, segment = 0, split }: Job): string {
  if (order === 'segment') return `segment ${segment + 1}`;
  return order === 'evaluate' ? `evaluate ${split}` : order;
}
