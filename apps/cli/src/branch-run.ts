/** Goes on from any step of a run with other settings, in a run of its own. */
import { dirname } from 'node:path';
import {
  type Beginning,
  beginningOf,
  Computation,
  computeRecordedState,
  estimateSeconds,
  openRecordedRun,
  type PlannedBranch,
  planBranch,
  readRunLogs,
  requireSameData,
  type StateWatch,
  warningsOf,
} from '@lockstep/replay';
import { buildHash } from '@lockstep/worker';
import type { Context } from './commands/command.ts';
import { chooseDisplay } from './display/choose.ts';
import type { Display } from './display/display.ts';
import { createRecomputation } from './display/recomputation.ts';
import { metricsOf, trainNewRun, type Workers } from './new-run.ts';
import { notesOf } from './notes.ts';
import type { ArgsOf } from './option.ts';
import type { branchOptions, DisplayArgs, networkOptions } from './options.ts';
import {
  codeOf,
  createRunFolder,
  type OpenedRun,
  type RunFacts,
  requireRunFolder,
  saveBeginning,
} from './run-folder.ts';
import { requireOrdinaryFile, requireWritableFolder } from './writable.ts';

interface BranchArgs extends ArgsOf<typeof branchOptions>, ArgsOf<typeof networkOptions>, DisplayArgs {
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
  const recomputation = createRecomputation(terminal, args.json);
  const watch: StateWatch = {
    onStart: async (from) => {
      const numSteps = args.step - from;
      if (numSteps > 0) recomputation.start(from, numSteps, await estimateSeconds(folder, numSteps));
    },
    onStep: (step) => recomputation.step(step),
  };
  const prepared = prepare({ ...args, folder, root, argv }, display, watch);
  const { opened, metrics } = await prepared.finally(() => recomputation.end());
  display.note(`branches from ${folder} after step ${args.step}; earlier steps are in that run`);
  return trainNewRun(opened, metrics, workers, args, display);
}

interface Prepared {
  readonly opened: OpenedRun;
  readonly metrics: readonly string[];
}

interface PrepareArgs extends BranchArgs {
  readonly folder: string;
  readonly root: string;
  readonly argv: readonly string[];
}

/** Makes the folder of the branch. Data and state are in memory no longer when this has returned. */
async function prepare(args: PrepareArgs, display: Display, watch: StateWatch): Promise<Prepared> {
  const { folder, step, root, argv: command, keep, record, histograms } = args;
  const parent = await openRecordedRun(folder, { build: buildHash() });
  requireSameData(parent);
  for (const warning of warningsOf(parent)) display.note(warning);
  const branch = await planBranch(parent, step, { ...args, assignments: args.set });
  const computation = new Computation(parent);
  const logs = await readRunLogs(folder, parent.manifest);
  for (const skipped of await computeRecordedState(computation, step, logs, watch))
    display.note(`the checkpoint of step ${skipped.step} is skipped: ${skipped.reason}`);
  const beginning = beginningOf(computation, branch);
  const { experiment, dataset, config } = branch;
  for (const note of notesOf(experiment, dataset, config, args)) display.note(note);
  const opened = await createBranchFolder(root, branch, beginning, { command, keep, record, histograms });
  return { opened, metrics: metricsOf(experiment) };
}

async function createBranchFolder(
  root: string,
  { parent, name, config, dataset }: PlannedBranch,
  beginning: Beginning,
  facts: RunFacts,
): Promise<OpenedRun> {
  const { profile } = parent;
  const code = { ...codeOf(parent), name };
  const opened = await createRunFolder(root, code, config, profile, { ...facts, parent: beginning.parent });
  // Workers with other data are refused, as they are by the parent.
  await opened.run.journal({ type: 'profile', profile });
  await opened.run.journal({ type: 'data', hash: dataset.hash });
  await saveBeginning(opened, beginning);
  return opened;
}
