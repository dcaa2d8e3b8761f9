/** Writes the logs of a run folder, and reads them when the coordinator starts again. */
import type { JournalEntry, OpaqueRecord, Recovered, WorkerMessage } from '@lockstep/protocol';
import { recover } from '@lockstep/protocol';
import {
  histogramsFrom,
  type LogFile,
  type LogGap,
  type LogRecord,
  type Run,
  readLog,
  type SharedValue,
  type StepHistograms,
  type StepRecordWriter,
  standingMetrics,
} from '@lockstep/tracking';
import { logFailed, type Notice } from './notices.ts';
import { createStepLog, type SharedDigests } from './step-log.ts';

type Committed = Extract<WorkerMessage, { type: 'committed' }>;

/**
 * `metrics.jsonl` holds a line for each step (`kind` is `step`: what members agree on, with the
 * hashes of the state where the schedule asks for them), for each evaluation (`evaluation`), and
 * for each member and step (`work`: its rank, shards computed, times, bytes).
 */
export interface RunLog {
  /** `report` is the part that is the same on all members. */
  step(step: number, report: OpaqueRecord, hashes: StepHashes): void;
  /** Before the line of their step: a step whose line is missing is computed again. */
  histograms(histograms: StepHistograms): void;
  evaluation(step: number, final: boolean, report: OpaqueRecord): void;
  /**
   * Logs a report once for each member, generation and step: workers send reports again after a lost connection. Returns undefined for a
   * report that is logged already.
   */
  work(worker: string, message: Committed): LoggedWork | undefined;
  /** What a report says that all members share; undefined if nothing is recorded. */
  shared(message: Committed): SharedDigests | undefined;
  /** The first value in which workers differ from others in a step; undefined if it is not known. */
  differing(step: number, workers: readonly string[]): SharedValue | undefined;
  event(event: LogRecord): void;
  /** What could not be written. */
  gaps(): readonly LogGap[];
  /** Resolves when the entry is on the disk. */
  journal(entry: JournalEntry): Promise<void>;
  /** Closes the record of steps and the histograms. */
  close(): void;
}

/** Logs that not every run has. */
export interface RunLogFiles {
  readonly writer?: StepRecordWriter | undefined;
  readonly histograms?: LogFile | undefined;
}

export interface LoggedWork {
  /** What the worker says of its own part of the step. */
  readonly work: OpaqueRecord;
  /** What is wrong with its record of the step. */
  readonly fault: string | undefined;
}

/**
 * Calls `notify` once for each log that cannot be written; the run goes on without it. A journal that cannot be written rejects.
 */
export function createRunLog(
  run: Run,
  notify: (notice: Notice) => void,
  { writer, histograms }: RunLogFiles = {},
): RunLog {
  const logged = new Map<string, { readonly generation: number; readonly step: number }>();
  const known = new Set<string>();
  const check = (isWritten: boolean): void => {
    if (isWritten) return;
    for (const gap of gaps().filter(({ path }) => !known.has(path))) {
      known.add(gap.path);
      notify(logFailed(gap));
    }
  };
  const steps = createStepLog(writer, () => check(false));
  const gaps = (): readonly LogGap[] =>
    [...run.gaps(), steps.gap(), histograms?.gap()].filter((gap) => gap !== undefined);
  const appendMetrics = (record: LogRecord): void => check(run.appendMetrics(record));
  const appendEvent = (record: LogRecord): void => check(run.appendEvent(record));

  return {
    step: (step, report, hashes) => {
      appendMetrics({ kind: 'step', step, ...hashes, ...report });
    },
    histograms(of) {
      check(histograms?.append({ ...of }) ?? true);
    },
    evaluation: (step, final, report) => {
      appendMetrics({ kind: 'evaluation', step, final, ...report });
    },
    work: (worker, message) => {
      const { generation, step, report } = message;
      const last = logged.get(worker);
      if (last && (generation < last.generation || (generation === last.generation && step <= last.step)))
        return undefined;
      logged.set(worker, { generation, step });
      const work = isRecord(report.work) ? report.work : {};
      appendMetrics({ kind: 'work', step, generation, worker, ...work });
      return { work, fault: steps.write(worker, message) };
    },
    shared: steps.shared,
    differing: steps.differing,
    event: (event) => appendEvent({ time: new Date().toISOString(), ...event }),
    gaps,
    close() {
      steps.close();
      histograms?.close();
    },
    journal: async (entry) => {
      // The manifest comes first: with the manifest alone the run still goes on in this profile.
      if (entry.type === 'profile' && entry.profile !== run.manifest.profile) {
        await run.amend({ profile: entry.profile });
      }
      if (entry.type === 'programs') await run.amend({ builds: [...buildsOf(run), entry.build] });
      await run.journal(entry);
    },
  };
}

/** The builds that have computed this run, oldest first. */
function buildsOf({ manifest }: Run): readonly unknown[] {
  return Array.isArray(manifest.builds) ? manifest.builds : [];
}

/** The hashes that extend the chain at a step. */
export type StepHashes = Pick<Committed, 'fingerprint' | 'stateHash'>;

export const hashesOf = ({ fingerprint, stateHash }: Committed): StepHashes => ({
  ...(fingerprint !== undefined && { fingerprint }),
  ...(stateHash !== undefined && { stateHash }),
});

/** The part of a report that is the same on all members. */
export function agreedPart({
  work: _work,
  trace: _trace,
  histograms: _histograms,
  ...agreed
}: OpaqueRecord): OpaqueRecord {
  return agreed;
}

/** The histograms of a report; undefined if it has none, and also if what it has are no histograms. */
export const histogramsOf = (step: number, { histograms }: OpaqueRecord): StepHistograms | undefined =>
  isRecord(histograms) ? histogramsFrom(step, histograms) : undefined;

export interface RunHistory {
  /** The highest incarnation of a coordinator that may have served this run. */
  readonly lastIncarnation: number;
  /** Absent for a new run. */
  readonly recovered?: Recovered;
}

/**
 * The history that earlier coordinators of this run left. `checkpointStep` is the step of the newest checkpoint that can be
 * read. Steps up to `firstStep` are those of the run from which this one branched. A damaged line of the journal may have been any entry, so each raises the numbers by one, and none is given twice.
 * Without a journal, numbers continue above the generations in the metrics: each incarnation that had a worker began a
 * generation.
 */
export async function readHistory(
  folder: string,
  checkpointStep: number,
  firstStep?: number,
): Promise<RunHistory> {
  const { records: journal, damaged = [] } = await readLog(folder, 'journal');
  const starts = journal.filter(isStart);
  const { records: all } = await readLog(folder, 'metrics');
  // No generation number is given twice. Generations of steps that a change of the length took back count too.
  const known = all.reduce((most, { generation }) => Math.max(most, Number(generation ?? 0)), 0);
  const numbered = damaged.length + Math.max(starts.length, ...starts.map((start) => start.incarnation));
  const lastIncarnation = starts.length === 0 ? Math.max(numbered, known) : numbered;
  if (lastIncarnation === 0 && checkpointStep < 0) return { lastIncarnation };
  const metrics = standingMetrics(all);
  const evaluations = metrics.filter(({ kind }) => kind === 'evaluation');
  const recovered = recover(journal as readonly unknown[] as readonly JournalEntry[], {
    progressStep: lastStep(
      metrics.filter(({ kind }) => kind === 'step'),
      firstStep ?? 0,
    ),
    evaluatedStep: lastStep(
      evaluations.filter(({ final }) => final !== true),
      firstStep ?? -1,
    ),
    finalEvaluated: evaluations.some(({ final }) => final === true),
  });
  const generation = Math.max(recovered.generation + damaged.length, known);
  return { lastIncarnation, recovered: { ...recovered, generation, checkpointStep } };
}

/** An entry of the journal that the protocol does not know: a coordinator has started to serve the run. */
export interface Started {
  readonly type: 'started';
  readonly incarnation: number;
  readonly time: string;
  /** The address that was asked for; port 0 is any free port. */
  readonly bind?: string;
  /** Where workers join, with the real port. */
  readonly endpoint?: string;
  readonly keys?: boolean;
}

/** The last start of a coordinator of the run. */
export interface LastStart extends Pick<Started, 'bind' | 'endpoint' | 'keys'> {
  /** Members of the last generation, unless they were told to stop. */
  readonly members: readonly string[];
}

/** Undefined if no coordinator has served the run. */
export async function readLastStart(folder: string): Promise<LastStart | undefined> {
  const { records } = await readLog(folder, 'journal');
  const start = records.findLast(isStart);
  if (start === undefined) return undefined;
  const later = records as readonly unknown[] as readonly JournalEntry[];
  // A coordinator that was killed before its first generation told no worker to stop, so the members of the generation before
  // still run.
  const last = later.findLast(({ type }) => type === 'generation' || type === 'done');
  const members = last?.type === 'generation' ? last.members.map(({ worker }) => worker) : [];
  return { ...start, members };
}

function isStart(record: LogRecord): record is LogRecord & Started {
  return record.type === 'started' && typeof record.incarnation === 'number';
}

function lastStep(records: readonly LogRecord[], none: number): number {
  return records.reduce((last, { step }) => (typeof step === 'number' ? Math.max(last, step) : last), none);
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
