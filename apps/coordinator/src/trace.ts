/**
 * A trace of a run in the JSON array format of Chrome's tracing, which Perfetto also reads. Each worker is a process of the
 * trace: it has a track of its steps, one for each compute thread, and one for its exchanges, which overlap. Times come from the
 * workers' own clocks, so machines are aligned as well as their clocks are.
 */
import { closeSync, openSync, writeSync } from 'node:fs';
import { LockstepError, toWireError } from '@lockstep/errors';
import { fileError } from '@lockstep/files';
import type { WorkerMessage } from '@lockstep/protocol';

type Report = Extract<WorkerMessage, { type: 'committed' | 'evaluated' }>;

export interface TraceFile {
  /** Adds the spans of a report. Reports that were added before are ignored. */
  add(worker: string, report: Report): void;
  /** Closes the file. Returns how many spans workers dropped for lack of room. */
  close(): number;
}

interface Span {
  readonly name: string;
  readonly track: 'steps' | 'exchanges' | number;
  readonly startMs: number;
  readonly durationMs: number;
  readonly step: number;
  readonly bytes?: number;
}

interface Traced {
  /** The number of the process in the trace. */
  readonly pid: number;
  last: readonly number[];
  /** Tracks whose name is written. */
  readonly tracks: Set<number>;
  numExchanges: number;
}

const stepsTrack = 0;
const exchangesTrack = 1_000_000;

/** Throws `config` when the file cannot be made. If a later write fails, the trace ends there, and `onFailed` is called once. */
export function createTraceFile(path: string, onFailed: (error: unknown) => void): TraceFile {
  const file = open(path);
  const workers = new Map<string, Traced>();
  /** Steps that some worker has begun: a line of the trace connects each with the same step of the other workers. */
  const begun = new Set<number>();
  let isEmpty = true;
  let numDropped = 0;
  let hasFailed = false;
  const writeText = (text: string): void => {
    if (hasFailed) return;
    try {
      writeWhole(file, text);
    } catch (cause) {
      hasFailed = true;
      onFailed(fileError(path, cause));
    }
  };
  const write = (events: readonly object[]): void => {
    for (const event of events) {
      writeText(`${isEmpty ? '[' : ','}\n${JSON.stringify(event)}`);
      isEmpty = false;
    }
  };
  const meet = (worker: string, rank: unknown): Traced => {
    const traced: Traced = { pid: workers.size + 1, last: [], tracks: new Set(), numExchanges: 0 };
    workers.set(worker, traced);
    write([named('process_name', traced.pid, 0, `rank ${rank} (worker ${worker.slice(0, 8)})`)]);
    return traced;
  };
  const eventsOf = (span: Span, traced: Traced): object[] => {
    const { name, track, startMs, durationMs, step, bytes } = span;
    const { pid } = traced;
    const tid = track === 'steps' ? stepsTrack : track === 'exchanges' ? exchangesTrack : track + 1;
    const naming = traced.tracks.has(tid) ? [] : [named('thread_name', pid, tid, trackName(track))];
    traced.tracks.add(tid);
    const [ts, dur] = [startMs * 1e3, durationMs * 1e3];
    const args = bytes === undefined ? { step } : { step, bytes };
    if (track === 'exchanges') {
      const common = { name, cat: 'exchange', id: `${pid}.${traced.numExchanges++}`, pid, tid };
      return [...naming, { ...common, ph: 'b', ts, args }, { ...common, ph: 'e', ts: ts + dur }];
    }
    const whole = { name, cat: 'work', ph: 'X', ts, dur, pid, tid, args };
    if (track !== 'steps') return [...naming, whole];
    const ph = begun.has(step) ? 't' : 's';
    begun.add(step);
    return [...naming, whole, { name: 'step', cat: 'step', ph, id: step, ts, pid, tid }];
  };
  return {
    add(worker, { type, generation, step, report }) {
      const { rank, spans, numDropped: dropped } = traceOf(report);
      if (spans.length === 0) return;
      const traced = workers.get(worker) ?? meet(worker, rank);
      const position = [generation, step, type === 'committed' ? 0 : 1];
      if (!isAfter(position, traced.last)) return;
      traced.last = position;
      numDropped += dropped;
      write(spans.flatMap((span) => eventsOf(span, traced)));
    },
    close() {
      writeText(isEmpty ? '[]\n' : '\n]\n');
      closeSync(file);
      return numDropped;
    },
  };
}

function open(path: string): number {
  try {
    return openSync(path, 'w');
  } catch (cause) {
    const { message } = toWireError(fileError(path, cause));
    throw new LockstepError('config', `the trace ${message}`, { path }, { cause });
  }
}

/** On a disk that is nearly full, a write may write a part, and the next one fails. */
function writeWhole(file: number, text: string): void {
  let rest = Buffer.from(text);
  while (rest.length > 0) rest = rest.subarray(writeSync(file, rest));
}

const named = (name: string, pid: number, tid: number, value: string): object => ({
  ...{ name, ph: 'M', pid, tid },
  args: { name: value },
});

function trackName(track: Span['track']): string {
  return typeof track === 'string' ? track : `compute thread ${track}`;
}

/** Reports are opaque to the protocol, so values that are not spans are left out. */
function traceOf(report: Report['report']): { rank: unknown; spans: readonly Span[]; numDropped: number } {
  const { rank, spans, numDropped } = (report.trace ?? {}) as Readonly<Record<string, unknown>>;
  return {
    rank,
    spans: Array.isArray(spans) ? spans.filter(isSpan) : [],
    numDropped: typeof numDropped === 'number' ? numDropped : 0,
  };
}

function isSpan(value: unknown): value is Span {
  if (typeof value !== 'object' || value === null) return false;
  const { name, track, startMs, durationMs, step } = value as Readonly<Record<string, unknown>>;
  const isTrack = track === 'steps' || track === 'exchanges' || typeof track === 'number';
  return typeof name === 'string' && isTrack && [startMs, durationMs, step].every(Number.isFinite);
}

function isAfter(a: readonly number[], b: readonly number[]): boolean {
  const at = a.findIndex((value, i) => value !== b[i]);
  return b.length === 0 || (at !== -1 && a[at]! > b[at]!);
}
