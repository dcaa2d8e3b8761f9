/** What a worker of a traced run does, and when: spans, which leave with its reports. */
import type { Job } from './compute/commands.ts';
import type { ReducedBucket } from './reductions.ts';

export interface Span {
  readonly name: string;
  /** Whole steps, exchanges (which overlap), or a compute thread, from 0. */
  readonly track: 'steps' | 'exchanges' | number;
  /** By `clockMs`; in a report by the time of day of this machine, in ms since 1970. */
  readonly startMs: number;
  readonly durationMs: number;
  readonly step: number;
  readonly bytes?: number;
}

/** Spans since the last report. */
export interface Trace {
  readonly spans: readonly Span[];
  /** How many there was no room for. */
  readonly numDropped: number;
}

export interface Tracer {
  /** Until then nothing is kept. */
  enable(): void;
  add(span: Span): void;
  readonly isEnabled: boolean;
  /** A bucket of an exchange was reduced. */
  exchanged(bucket: ReducedBucket): void;
  /** A compute thread has done a job; until its next one it waits. */
  ran(thread: number, job: Job, startMs: number, durationMs: number): void;
  take(): Trace | undefined;
}

/** More than a step has, unless it has hundreds of threads and segments. A report with so many is far below its bound. */
const MAX_SPANS = 4096;

/** Gaps shorter than this are those between orders, not worth showing. */
const LEAST_WAIT_MS = 0.02;

/**
 * Monotonic, in ms, and the same for all threads and processes of this machine. `performance.now` is not: it counts from
 * the start of its own thread, and when that was is known to a millisecond or so.
 */
export const clockMs = (): number => Number(process.hrtime.bigint()) / 1e6;

/** What turns that clock into ms since 1970: looked up once, so that all spans of a process move together. */
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

function nameOf({ order, segment = 0, split }: Job): string {
  if (order === 'segment') return `segment ${segment + 1}`;
  return order === 'evaluate' ? `evaluate ${split}` : order;
}
