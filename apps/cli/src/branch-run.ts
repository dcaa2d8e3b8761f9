/** Goes on from any step of a run with other settings, in a run of its own. */
import { dirname } from 'node:path';
import { checkpointFolder, saveCheckpoint } from '@lockstep/checkpoint';
import { LockstepError } from '@lockstep/errors';
import {
  type Beginning,
  beginningOf,
  Computation,
  computeRecordedState,
  openRecordedRun,
  type PlannedBranch,
  planBranch,
  type RecordedRun,
  type RunLogs,
  readRunLogs,
  savedBefore,
} from '@lockstep/replay';
import { buildHash } from '@lockstep/worker';
import type { Context } from './commands/command.ts';
import { chooseDisplay } from './display/choose.ts';
import type { Display } from './display/display.ts';
import { duration, plural, shortHash } from './display/format.ts';
import { metricsOf, trainNewRun, type Workers } from './new-run.ts';
import { notesOf } from './notes.ts';
import type { ArgsOf } from './option.ts';
import type { branchOptions, networkOptions, OutputArgs } from './options.ts';
import {
  codeOf,
  createRunFolder,
  discardRun,
  type OpenedRun,
  type RunFacts,
  requireRunFolder,
} from './run-folder.ts';
import { requireOrdinaryFile, requireWritableFolder } from './writable.ts';

interface BranchArgs extends ArgsOf<typeof branchOptions>, ArgsOf<typeof networkOptions>, OutputArgs {
  readonly run: string;
}

/** Trains the branch until it ends; resolves with the exit code. */
export async function branchRun(
  args: BranchArgs,
  workers: Workers,
  { terminal, argv }: Pick<Context, 'terminal' | 'argv'>,
): Promise<number> {
  const folder = await requireRunFolder(args.run);
  const root = args.runRoot ?? dirname(folder);
  await requireWritableFolder('run-root', root);
  if (args.trace) await requireOrdinaryFile('trace', args.trace);
  const display = chooseDisplay(terminal, args);
  const { opened, metrics } = await prepare(folder, root, { ...args, argv }, display);
  display.note(`branches from ${folder} after step ${args.step}; earlier steps are in that run`);
  return trainNewRun(opened, metrics, workers, args, display);
}

interface Prepared {
  readonly opened: OpenedRun;
  readonly metrics: readonly string[];
}

/** Makes the folder of the branch. Data and state are in memory no longer when this has returned. */
async function prepare(
  folder: string,
  root: string,
  args: BranchArgs & { readonly argv: readonly string[] },
  display: Display,
): Promise<Prepared> {
  const parent = await openRecordedRun(folder, { build: buildHash() });
  noteChanges(parent, display);
  const branch = await planBranch(parent, args.step, { ...args, assignments: args.set });
  const beginning = await begin(branch, display);
  const { experiment, dataset, config } = branch;
  for (const note of notesOf(experiment, dataset, config, args)) display.note(note);
  const { argv: command, keep } = args;
  const opened = await createBranchFolder(root, branch, beginning, { command, keep });
  return { opened, metrics: metricsOf(experiment) };
}

/** Throws `data` if the data have changed, because the branch would not go on with those of its parent. */
function noteChanges({ folder, changes }: RecordedRun, display: Display): void {
  for (const { what, recorded, found, programs } of changes) {
    if (what === 'data') {
      throw new LockstepError(
        'data',
        `the data of ${folder} have changed since it was trained (${shortHash(recorded)}, now ${shortHash(found)}); a branch goes on with the same data: restore them, or begin a new run with lockstep train`,
        { folder, recorded, found },
      );
    }
    const which = what === 'build' ? 'another build of Lockstep' : `other programs (${programs!.join(', ')})`;
    display.note(`steps of the branch are computed by ${which} than those of ${folder}`);
  }
}

/** The state of the branch's step. */
async function begin(branch: PlannedBranch, display: Display): Promise<Beginning> {
  const { parent, step } = branch;
  const logs = await readRunLogs(parent.folder, parent.manifest);
  const from = savedBefore(parent, step);
  if (from < step && step <= logs.lastStep) display.note(costOf(from, step, logs));
  const computation = new Computation(parent);
  await computeRecordedState(computation, step, logs, (computed) =>
    display.computing(computed.step, from, step),
  );
  return beginningOf(computation, branch);
}

function costOf(from: number, step: number, { threadMs }: RunLogs): string {
  const where = from === 0 ? 'the beginning' : `the checkpoint of step ${from}`;
  const time = threadMs === undefined ? '' : `, about ${duration(((step - from) * threadMs) / 1_000)}`;
  return `computing the state of step ${step} from ${where}: ${plural(step - from, 'step')} on one thread${time}`;
}

async function createBranchFolder(
  root: string,
  { parent, name, config, dataset, step }: PlannedBranch,
  beginning: Beginning,
  facts: RunFacts,
): Promise<OpenedRun> {
  const { profile } = parent;
  const code = { ...codeOf(parent), name };
  const opened = await createRunFolder(root, code, config, profile, { ...facts, parent: beginning.parent });
  const { run } = opened;
  try {
    await run.journal({ type: 'profile', profile });
    await run.journal({ type: 'data', hash: dataset.hash });
    await saveCheckpoint(checkpointFolder(run.folder), beginning.checkpoint);
    await run.journal({ type: 'checkpoint', step });
    return opened;
  } catch (error) {
    await discardRun(opened);
    throw error;
  }
}
