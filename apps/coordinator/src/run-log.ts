/** What a coordinator writes into its run folder, and what it finds there when it starts again. */
import type { JournalEntry, OpaqueRecord, Recovered, WorkerMessage } from '@lockstep/protocol';
import { recover } from '@lockstep/protocol';
import { type LogRecord, type Run, readLog, standingMetrics } from '@lockstep/tracking';

type Committed = Extract<WorkerMessage, { type: 'committed' }>;

/**
 * `metrics.jsonl` holds one line a step (`kind` step: what members agree on), one an evaluation (`evaluation`), and
 * one a member and step (`work`: its rank, shards computed, times, bytes).
 */
export interface RunLog {
  /** `report` holds what is the same on all members. */
  step(step: number, report: OpaqueRecord, fingerprint?: string): void;
  evaluation(step: number, final: boolean, report: OpaqueRecord): void;
  /** Once a member, generation and step: reports are sent again after a lost connection. */
  work(worker: string, message: Committed): void;
  event(event: LogRecord): void;
  /** Resolves when the entry is on the disk. */
  journal(entry: JournalEntry): Promise<void>;
}

export function createRunLog(run: Run): RunLog {
  const logged = new Map<string, { readonly generation: number; readonly step: number }>();

  return {
    step: (step, report, fingerprint) => {
      run.appendMetrics({ kind: 'step', step, ...(fingerprint && { fingerprint }), ...report });
    },
    evaluation: (step, final, report) => {
      run.appendMetrics({ kind: 'evaluation', step, final, ...report });
    },
    work: (worker, { generation, step, report }) => {
      const last = logged.get(worker);
      if (last && (generation < last.generation || (generation === last.generation && step <= last.step)))
        return;
      logged.set(worker, { generation, step });
      const { work } = report;
      run.appendMetrics({ kind: 'work', step, generation, worker, ...(isRecord(work) ? work : {}) });
    },
    event: (event) => run.appendEvent({ time: new Date().toISOString(), ...event }),
    journal: async (entry) => {
      // The manifest first: with it alone the run still goes on in this profile.
      if (entry.type === 'profile') await run.amend({ profile: entry.profile });
      await run.journal(entry);
    },
  };
}

/** The part of a report that is the same on all members. */
export function agreedPart({ work: _work, trace: _trace, ...agreed }: OpaqueRecord): OpaqueRecord {
  return agreed;
}

export interface RunHistory {
  /** How often a coordinator has served this run. */
  readonly numStarts: number;
  /** Absent for a new run. */
  readonly recovered?: Recovered;
}

/** What earlier coordinators of this run left. `checkpointStep` is that of the newest checkpoint that can be read. */
export async function readHistory(folder: string, checkpointStep: number): Promise<RunHistory> {
  const { records: journal } = await readLog(folder, 'journal');
  const numStarts = journal.filter(({ type }) => type === 'started').length;
  if (numStarts === 0) return { numStarts };
  const metrics = standingMetrics((await readLog(folder, 'metrics')).records);
  const evaluations = metrics.filter(({ kind }) => kind === 'evaluation');
  const recovered = recover(journal as readonly unknown[] as readonly JournalEntry[], {
    progressStep: lastStep(
      metrics.filter(({ kind }) => kind === 'step'),
      0,
    ),
    evaluatedStep: lastStep(
      evaluations.filter(({ final }) => final !== true),
      -1,
    ),
    finalEvaluated: evaluations.some(({ final }) => final === true),
  });
  return { numStarts, recovered: { ...recovered, checkpointStep } };
}

function lastStep(records: readonly LogRecord[], none: number): number {
  return records.reduce((last, { step }) => (typeof step === 'number' ? Math.max(last, step) : last), none);
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
