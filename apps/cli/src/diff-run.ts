/** Shows the first difference between a run and its own computation, or between two runs. */
import { LockstepError } from '@lockstep/errors';
import {
  type DiffedPart,
  diffInParts,
  diffRuns,
  type Interval,
  openRecordedRun,
  type RecordedRun,
  type RunDifference,
  readEvidence,
  savedBefore,
} from '@lockstep/replay';
import { buildHash } from '@lockstep/worker';
import type { Context } from './commands/command.ts';
import { differenceLines } from './display/proofs.ts';
import { createStepCounter } from './display/step-counter.ts';
import { exitCodes } from './errors.ts';
import { computeIntervals, type IntervalThreadsAsked, numThreadsFor } from './interval-threads.ts';
import { noteDamage, noteTraining, requireRecordedSteps, requireStepsBehind } from './recorded-steps.ts';
import { requireRunFolder } from './run-folder.ts';

interface DiffArgs {
  readonly runs: readonly string[];
  readonly from: number;
  readonly threads: number | undefined;
  readonly json: boolean;
}

/** Resolves with the exit code, which says whether there is a difference. */
export async function diffCommand(args: DiffArgs, { terminal }: Pick<Context, 'terminal'>): Promise<number> {
  const { runs: paths, from, threads, json } = args;
  if (paths.length > 2) {
    throw new LockstepError('config', `diff takes one run or two, not ${paths.length}`, { runs: paths });
  }
  const folders = await Promise.all(paths.map(requireRunFolder));
  const [a, b] = await Promise.all(folders.map((folder) => openRecordedRun(folder, { build: buildHash() })));
  for (const run of b === undefined ? [a!] : [a!, b]) {
    const evidence = await readEvidence(run);
    requireRecordedSteps(run, evidence);
    requireStepsBehind(from, run, evidence);
    noteTraining(terminal.err, run, evidence);
    noteDamage(terminal.err, evidence);
  }
  const counter = createStepCounter(terminal.err, json);
  const start = savedBefore(a!, Math.max(from, a!.firstStep));
  const found =
    b === undefined
      ? await diffOfOne(a!, start, { threads, onStep: counter.step })
      : await diffRuns(a!, b, { onStep: counter.step });
  counter.end();
  const lines = json ? [JSON.stringify(eventOf(found))] : differenceLines(found, folders, counter.numSteps);
  terminal.out.write(`${lines.join('\n')}\n`);
  return found === undefined ? exitCodes.done : exitCodes.different;
}

function diffOfOne(
  run: RecordedRun,
  from: number,
  { threads, onStep }: IntervalThreadsAsked & { readonly onStep: (step: number) => void },
): Promise<RunDifference | undefined> {
  const { folder } = run;
  const isLast = ({ difference }: DiffedPart): boolean => difference !== null;
  const diffParts = (parts: readonly Interval[]) =>
    computeIntervals(parts, { folder, task: 'diff', threads, onStep, isLast });
  const isDivided = numThreadsFor({ threads }, 2) > 1;
  return diffInParts(run, { from, onStep, ...(isDivided && { diffParts }) });
}

const eventOf = (found: RunDifference | undefined) =>
  found === undefined ? { event: 'identical' } : { event: 'difference', ...found };
