/** What the logs of a run say of its steps, in the form in which a step that is computed again is compared with it. */
import {
  formatLine,
  type LogRecord,
  type Manifest,
  parentOf,
  readLog,
  standingMetrics,
} from '@lockstep/tracking';

/** A value of a log. Numbers that are not finite are text. */
export type Logged = number | string;

/** What a step was reported to compute. */
export interface LoggedStep {
  readonly metrics: Readonly<Record<string, Logged>>;
  readonly fingerprint?: string;
  /** Of the whole state, at steps with a checkpoint. Release 0.1.0 had none. */
  readonly stateHash?: string;
  /** Of all fingerprints and hashes of states so far. */
  readonly chain?: string;
  /** What was not finite, in a run that goes on after such steps. */
  readonly nonFinite?: readonly string[];
}

export type LoggedMetrics = LoggedStep['metrics'];

/** How a run ended that stopped at something that is not finite. */
export interface LoggedStop {
  readonly step: number;
  readonly cause: string;
  readonly what: readonly string[];
}

export interface RunLogs {
  /** The last step of which the logs tell; the first step of the run if they tell of none. */
  readonly lastStep: number;
  readonly steps: ReadonlyMap<number, LoggedStep>;
  /** Evaluations between steps, by step. */
  readonly evaluations: ReadonlyMap<number, LoggedMetrics>;
  /** The evaluation at the end of the run. */
  readonly final?: { readonly step: number; readonly metrics: LoggedMetrics };
  /** The fingerprint of the result, if the run has finished. */
  readonly result?: { readonly step: number; readonly fingerprint: string };
  readonly stop?: LoggedStop;
}

/** Reads the logs of a run, which may still be trained. */
export async function readRunLogs(folder: string, manifest: Manifest): Promise<RunLogs> {
  const metrics = standingMetrics((await readLog(folder, 'metrics')).records);
  const { records: events } = await readLog(folder, 'events');
  const last = events.findLast(({ type }) =>
    ['done', 'stoppedNonFinite', 'lengthChanged', 'generation'].includes(String(type)),
  );
  const ending = last?.ending as Readonly<Record<string, unknown>> | undefined;
  const stop = last?.type === 'stoppedNonFinite' ? (ending as unknown as LoggedStop) : undefined;
  // A search for the update that was at fault goes back. What was logged before it, after that update, does not stand.
  const end = stop === undefined ? Number.POSITIVE_INFINITY : stop.step - 1;
  const standing = metrics.filter(({ step }) => typeof step === 'number' && step <= end);
  const steps = standing.filter(({ kind }) => kind === 'step');
  const evaluations = standing.filter(({ kind }) => kind === 'evaluation');
  const final = evaluations.findLast((record) => record.final === true);
  const first = parentOf(manifest)?.step ?? 0;
  return {
    lastStep: steps.reduce((most, { step }) => Math.max(most, step as number), first),
    steps: byStep(steps, loggedStep),
    evaluations: byStep(
      evaluations.filter((record) => record.final !== true),
      loggedMetrics,
    ),
    ...(final && { final: { step: final.step as number, metrics: loggedMetrics(final) } }),
    ...(last?.type === 'done' && {
      result: { step: ending!.steps as number, fingerprint: ending!.fingerprint as string },
    }),
    ...(stop && { stop }),
  };
}

const byStep = <T>(records: readonly LogRecord[], read: (record: LogRecord) => T): ReadonlyMap<number, T> =>
  new Map(records.map((record) => [record.step as number, read(record)]));

/** A step, from its line in a log or from the report that becomes that line. */
export function loggedStep(record: LogRecord): LoggedStep {
  const { metrics = {}, fingerprint, stateHash, chain, nonFinite } = asLogged(record) as Partial<LoggedStep>;
  return {
    metrics,
    ...(fingerprint !== undefined && { fingerprint }),
    ...(stateHash !== undefined && { stateHash }),
    ...(chain !== undefined && { chain }),
    ...(nonFinite && { nonFinite }),
  };
}

/** The metrics of an evaluation, from its line in a log or from the report that becomes that line. */
export const loggedMetrics = (record: LogRecord): LoggedMetrics =>
  (asLogged(record) as Partial<LoggedStep>).metrics ?? {};

/** A record as it is read after it was written: numbers that JSON lacks become text, and −0 becomes 0. */
const asLogged = (record: LogRecord): unknown => JSON.parse(formatLine(record));
