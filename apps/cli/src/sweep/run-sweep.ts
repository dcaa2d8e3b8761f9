/** `lockstep sweep`: begins a sweep or goes on with one, and ends with its table. */
import { LockstepError } from '@lockstep/errors';
import { offeredProfiles } from '@lockstep/kernels';
import { checkSpace } from '@lockstep/search';
import {
  createLedger,
  type JournalEntry,
  readSweepManifest,
  type Sweep,
  type SweepManifest,
} from '@lockstep/sweep';
import { plural } from '../display/format.ts';
import { exitCodes } from '../errors.ts';
import { threadsFor } from '../local-workers.ts';
import type { OutputArgs } from '../options.ts';
import { whileLocked } from '../run-lock.ts';
import type { Terminal } from '../terminal.ts';
import { requireWritableFolder } from '../writable.ts';
import { recordTrials, sweepToResume } from './more-trials.ts';
import { showPlan } from './show-plan.ts';
import { createJsonSweepDisplay, createPeopleSweepDisplay, type SweepDisplay } from './sweep-display.ts';
import { loadSweep, loadSweptExperiment, type SweepExperiment, type SweepFile } from './sweep-file.ts';
import {
  createSweepFolder,
  discardIfEmpty,
  discardTable,
  type OpenJournal,
  openJournal,
  readKeptExperiment,
  writeTable,
} from './sweep-folder.ts';
import { placeOfSweep } from './sweep-place.ts';
import { trainSweep } from './sweep-session.ts';

interface SweepArgs extends OutputArgs {
  readonly sweep: string | undefined;
  readonly workers: number;
  readonly threads: number | undefined;
  readonly resume: string | undefined;
  readonly trials: number | undefined;
  readonly bind: string | undefined;
  readonly keys: string | undefined;
  readonly sweepRoot: string;
  readonly dryRun: boolean;
  readonly retryFailed: boolean;
  readonly checkpointMib: number | undefined;
}

/** Resolves with the exit code. */
export async function runSweep(args: SweepArgs, { out }: Terminal): Promise<number> {
  const display = args.json ? createJsonSweepDisplay(out) : createPeopleSweepDisplay(out);
  if ((args.sweep === undefined) === (args.resume === undefined)) {
    throw new LockstepError(
      'config',
      'lockstep sweep takes the file of a new sweep, or --resume FOLDER to go on with one, and not both',
    );
  }
  if (args.trials !== undefined && args.resume === undefined) {
    throw new LockstepError(
      'config',
      `--trials ${args.trials} needs --resume: the file of a new sweep says how many trials it has`,
    );
  }
  if (args.retryFailed && args.resume === undefined) {
    throw new LockstepError('config', '--retry-failed needs --resume: a new sweep has no failed trials');
  }
  if (args.dryRun && args.resume !== undefined) {
    throw new LockstepError(
      'config',
      `--dry-run is for the file of a new sweep; lockstep sweep show ${args.resume} shows what is left of this one`,
    );
  }
  if (args.resume !== undefined) return resumeSweep(args.resume.replace(/(?<=.)\/+$/, ''), args, display);
  const file = await loadSweep(args.sweep!);
  const experiment = await loadSweptExperiment(file);
  checkParameters(file.sweep, experiment);
  if (args.dryRun) return showPlan(file.sweep, experiment, args, display);
  await requireWritableFolder('sweep-root', args.sweepRoot);
  const profile = file.sweep.profile ?? offeredProfiles()[0]!;
  const folder = await createSweepFolder(args.sweepRoot, file, experiment, profile);
  return whileLocked(folder, async () =>
    trainToTable(folder, await readSweepManifest(folder), file.sweep, experiment, args, display),
  );
}

async function resumeSweep(folder: string, args: SweepArgs, display: SweepDisplay): Promise<number> {
  const manifest = await readSweepManifest(folder);
  const file: SweepFile = await loadSweep(manifest.file);
  const sweep = sweepToResume(folder, manifest, file.sweep, args.trials);
  if (sweep.profile !== undefined && sweep.profile !== manifest.profile) {
    throw new LockstepError(
      'config',
      `the sweep began with profile ${manifest.profile}, and its file now says ${sweep.profile}: the two compute other numbers; undo that to go on, or begin another sweep`,
      { began: manifest.profile, now: sweep.profile },
    );
  }
  const experiment = await readKeptExperiment(folder, manifest);
  return whileLocked(folder, async () => {
    const current = await recordTrials(folder, manifest, sweep.trials);
    return trainToTable(folder, current, sweep, experiment, args, display);
  });
}

function checkParameters({ space }: Sweep, { exported }: SweepExperiment): void {
  checkSpace(space, 'params' in exported ? exported.params : {});
}

async function trainToTable(
  folder: string,
  { name, profile }: SweepManifest,
  sweep: Sweep,
  experiment: SweepExperiment,
  args: SweepArgs,
  display: SweepDisplay,
): Promise<number> {
  const journal = await openJournal(folder);
  for (const message of journal.damaged) display.note(message);
  const { workers, checkpointMib } = args;
  const threads = threadsFor(args.threads, workers, Number.MAX_SAFE_INTEGER);
  const checkpointBytes = checkpointMib === undefined ? undefined : checkpointMib * 2 ** 20;
  try {
    const retried = args.retryFailed ? await retry(folder, sweep, journal, display) : [];
    const known = { ...journal, entries: [...journal.entries, ...retried] };
    const { ledger, isStopped } = await trainSweep({
      ...{ folder, name, sweep, experiment, profile, workers, threads, checkpointBytes, display },
      ...{ journal: known, place: placeOfSweep(folder, journal.entries, args), keysFolder: args.keys },
    });
    const trials = ledger.recorded();
    if (isStopped) {
      display.ended({ type: 'interrupted', numRecorded: trials.length, folder });
      return exitCodes.interrupted;
    }
    if (ledger.aside.length > 0) {
      display.ended({ type: 'incomplete', aside: ledger.aside, numRecorded: trials.length, folder });
      return exitCodes.incomplete;
    }
    if (trials.length < sweep.trials) {
      const { name: search } = sweep.search;
      display.note(`${search} has no more assignments: ${trials.length} of ${sweep.trials} trials`);
    }
    const tableSha256 = await writeTable(folder, ledger.table());
    const front = sweep.objectives.length > 1 ? ledger.front() : undefined;
    display.ended({ type: 'done', tableSha256, best: ledger.best(), front, trials, folder });
    return exitCodes.done;
  } catch (error) {
    if (!(await discardIfEmpty(folder))) display.failed(folder);
    throw error;
  } finally {
    journal.close();
  }
}

/** Lets all failed trials be trained again. */
async function retry(
  folder: string,
  sweep: Sweep,
  journal: OpenJournal,
  display: SweepDisplay,
): Promise<readonly JournalEntry[]> {
  const recorded = createLedger(sweep, journal.entries).recorded();
  const failed = recorded.filter(({ result }) => result.status === 'failed').map(({ number }) => number);
  display.note(`${plural(failed.length, 'failed trial')} to train again`);
  if (failed.length === 0) return [];
  await discardTable(folder);
  const entry = { type: 'retried', trials: failed, forgotten: [] } as const;
  const kept = new Set(
    createLedger(sweep, [...journal.entries, entry])
      .recorded()
      .map(({ number }) => number),
  );
  const numbers = recorded.map(({ number }) => number);
  const whole: JournalEntry = { ...entry, forgotten: numbers.filter((number) => !kept.has(number)) };
  journal.append([whole]);
  return [whole];
}
