/** Reads the folder of a sweep, while it is trained and afterwards. Damage costs what is damaged, and a warning names the line. */
import { open, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileError } from '@lockstep/files';
import { type Assignment, bestOf, type RecordedTrial, type TrialStatus } from '@lockstep/search';
import { recordOf as parseLine, readLines, sha256 } from '@lockstep/tracking';
import { type JournalEntry, parseEntry } from './journal.ts';
import { numTrialsOf, readSweepManifest, sweepFiles } from './manifest.ts';
import type { RepeatRecord, SweepRecord, TrialRecord, TrialState } from './record.ts';

export interface ReadSweepOptions {
  /** Whether a process trains the sweep of this folder. Default: unknown, so that trials that have not ended count as running. */
  readonly isRunning?: (folder: string) => boolean | undefined;
}

/**
 * Reads a sweep: what was fixed when it began, its trials, and its table's hash once it has ended. It writes nothing.
 *
 * @throws LockstepError `config` for a folder that is not that of a sweep, `file` for files that cannot be read
 */
export async function readSweep(folder: string, options: ReadSweepOptions = {}): Promise<SweepRecord> {
  const manifest = await readSweepManifest(folder);
  const isRunning = options.isRunning?.(folder);
  const { entries, warnings } = await readJournal(folder, isRunning);
  const { objective, others, seed } = manifest.sweep;
  const told = trialsIn(entries);
  const trials: TrialRecord[] = [];
  // One trial at a time, so that thousands of them do not open thousands of files.
  for (const one of [...told.values()].sort((a, b) => a.number - b.number)) {
    trials.push(await trialOf(one, { folder, seed, isRunning }));
  }
  const recorded = [...told.values()].flatMap((one) => one.recorded ?? []);
  const best = bestOf(objective, recorded)?.number;
  const tablePath = join(folder, sweepFiles.table);
  const table = await ifThere(tablePath, readFile(tablePath, 'utf8'));
  return {
    ...{ folder, manifest, objectives: [objective, ...(others ?? [])] },
    ...{ numTrials: numTrialsOf(manifest), trials },
    ...(best !== undefined && { best }),
    ...(table !== undefined && { tableSha256: sha256(table) }),
    ...(isRunning !== undefined && { isRunning }),
    warnings,
  };
}

interface ReadJournal {
  readonly entries: readonly JournalEntry[];
  readonly warnings: readonly string[];
}

/** While the sweep is trained, a last line that is not whole is being written. */
async function readJournal(folder: string, isRunning: boolean | undefined): Promise<ReadJournal> {
  const { records, damaged = [], torn } = await readLines(join(folder, sweepFiles.journal));
  const lines = torn === undefined || isRunning === true ? damaged : [...damaged, torn];
  return {
    entries: records.map(parseEntry).filter((entry) => entry !== undefined),
    warnings: lines.map(
      ({ path, line, text }) => `line ${line} of ${path} cannot be read and is passed over: ${text}`,
    ),
  };
}

type Begun = Extract<JournalEntry, { readonly type: 'begun' }>;
type Ended = Extract<JournalEntry, { readonly type: 'ended' }>;

/** What the journal tells of a trial. */
interface Told {
  readonly number: number;
  /** By repeat. */
  readonly begun: Map<number, Begun>;
  readonly ended: Map<number, Ended>;
  /** Repeats that the newest process has begun. */
  readonly current: Set<number>;
  recorded?: RecordedTrial;
  /** Why it is set aside. */
  aside?: string;
}

function trialsIn(entries: readonly JournalEntry[]): ReadonlyMap<number, Told> {
  const trials = new Map<number, Told>();
  const at = (number: number): Told => {
    const found = trials.get(number) ?? { number, begun: new Map(), ended: new Map(), current: new Set() };
    trials.set(number, found);
    return found;
  };
  for (const entry of entries) {
    switch (entry.type) {
      case 'started':
        for (const told of trials.values()) {
          told.current.clear();
          delete told.aside;
        }
        break;
      case 'begun': {
        const { begun, current } = at(entry.trial);
        begun.set(entry.repeat, entry);
        current.add(entry.repeat);
        break;
      }
      case 'ended': {
        const { ended, current } = at(entry.trial);
        ended.set(entry.repeat, entry);
        current.delete(entry.repeat);
        break;
      }
      case 'recorded':
        at(entry.trial.number).recorded = entry.trial;
        break;
      case 'setAside':
        at(entry.trial).aside = entry.reason;
        break;
      case 'retried':
        for (const number of entry.forgotten) delete trials.get(number)?.recorded;
        for (const number of entry.trials) trials.delete(number);
        break;
      default:
        entry satisfies never;
    }
  }
  return trials;
}

interface Around {
  readonly folder: string;
  /** Of the first repeat. */
  readonly seed: number;
  readonly isRunning: boolean | undefined;
}

async function trialOf(told: Told, around: Around): Promise<TrialRecord> {
  const { number, recorded, begun, aside } = told;
  const first = [...begun.values()].at(-1);
  const generation = recorded?.generation ?? first?.generation;
  const params: Assignment = recorded?.params ?? first?.params ?? {};
  const { values = [], spreads, rungs, reason = aside } = recorded?.result ?? {};
  const [value] = values;
  const spread = spreads?.[0];
  return {
    ...{ number, params, values, status: statusOf(told, around) },
    ...(generation !== undefined && { generation }),
    ...(value !== undefined && { value }),
    ...(typeof spread === 'number' && { spread }),
    ...(rungs !== undefined && { rungs }),
    ...(reason !== undefined && { reason }),
    repeats: await repeatsOf(told, around),
  };
}

const states: Readonly<Record<TrialStatus, TrialState>> = {
  complete: 'finished',
  failed: 'failed',
  pruned: 'pruned',
  cancelled: 'cancelled',
};

function statusOf({ recorded, current, aside }: Told, { isRunning }: Around): TrialState {
  if (recorded !== undefined) return states[recorded.result.status];
  if (aside !== undefined) return 'setAside';
  return isRunning !== false && current.size > 0 ? 'running' : 'waiting';
}

async function repeatsOf({ begun, ended, current, recorded }: Told, around: Around): Promise<RepeatRecord[]> {
  const indices = [...new Set([...begun.keys(), ...ended.keys()])].sort((a, b) => a - b);
  const repeats: RepeatRecord[] = [];
  for (const repeat of indices) {
    const run = begun.get(repeat)?.run;
    const path = run === undefined ? undefined : join(around.folder, sweepFiles.runs, run);
    const result = ended.get(repeat) ?? resultIn(recorded, around.seed + repeat);
    // In a sweep with rungs, a run that has ended at one goes on to the next.
    const isDone = result !== undefined && 'steps' in result && !current.has(repeat);
    repeats.push({
      seed: around.seed + repeat,
      ...(path !== undefined && { run: path }),
      ...(isDone || path === undefined
        ? { step: isDone ? result.steps : 0 }
        : await newestStep(join(path, 'metrics.jsonl'))),
      ...(isDone && { values: result.values }),
      ...(result !== undefined && 'reason' in result && { reason: result.reason }),
    });
  }
  return repeats;
}

/** Where the entry of a run's end is damaged, the recorded trial has its values. */
function resultIn(recorded: RecordedTrial | undefined, seed: number) {
  const { repeats, steps } = recorded?.result ?? {};
  const values = repeats?.find((repeat) => repeat.seed === seed)?.values;
  return values === undefined || steps === undefined ? undefined : { values, steps };
}

/** A step's lines are shorter by far. */
const tailBytes = 16_384;

/** The newest step of a run's metrics, of which only the end is read. */
async function newestStep(path: string): Promise<Pick<RepeatRecord, 'step' | 'totalSteps'>> {
  const lines = (await readTail(path)).split('\n').reverse();
  for (const line of lines) {
    const { kind, step, totalSteps } = parseLine(line) ?? {};
    if (kind !== 'step' || typeof step !== 'number') continue;
    return typeof totalSteps === 'number' ? { step, totalSteps } : { step };
  }
  return { step: 0 };
}

async function readTail(path: string): Promise<string> {
  const file = await ifThere(path, open(path));
  if (file === undefined) return '';
  try {
    const { size } = await file.stat();
    const bytes = Buffer.alloc(Math.min(size, tailBytes));
    await file.read(bytes, 0, bytes.length, size - bytes.length);
    return bytes.toString('utf8');
  } finally {
    await file.close();
  }
}

/** Undefined for a file that does not exist. Throws `file`. */
async function ifThere<T>(path: string, reading: Promise<T>): Promise<T | undefined> {
  try {
    return await reading;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw fileError(path, error);
  }
}
