/** Proves parts of a run by computing them again, and says what was proved. */
import { randomInt } from 'node:crypto';
import { type Interval, openRecordedRun, planVerification, readEvidence, verifyRun } from '@lockstep/replay';
import { checkSeal } from '@lockstep/tracking';
import { buildHash } from '@lockstep/worker';
import type { Context } from './commands/command.ts';
import { plannedLine, verificationLines } from './display/proofs.ts';
import { createStepCounter } from './display/step-counter.ts';
import { exitCodes } from './errors.ts';
import { computeIntervals, numThreadsFor } from './interval-threads.ts';
import { noteTraining, requireRecordedSteps } from './recorded-steps.ts';
import { requireRunFolder } from './run-folder.ts';

interface VerifyArgs {
  readonly run: string;
  readonly seed: number | undefined;
  readonly fraction: number;
  readonly threads: number | undefined;
  readonly json: boolean;
}

/** Resolves with the exit code, which says whether everything that was checked is as it was recorded. */
export async function verifyCommand(
  args: VerifyArgs,
  { terminal }: Pick<Context, 'terminal'>,
): Promise<number> {
  const { json, fraction, threads, seed = randomInt(2 ** 32) } = args;
  const folder = await requireRunFolder(args.run);
  const run = await openRecordedRun(folder, { build: buildHash() });
  const evidence = await readEvidence(run);
  const seal = await checkSeal(folder);
  // Where files are missing, the seal says so.
  if (seal.findings.length === 0) requireRecordedSteps(run, evidence);
  noteTraining(terminal.err, run, evidence);
  const plan = planVerification(run, evidence, { seed, fraction });
  if (!json) terminal.out.write(`${plannedLine(plan, seed)}\n`);
  const counter = createStepCounter(terminal.err, json);
  const onStep = counter.step;
  const isDivided = numThreadsFor({ threads }, plan.drawn.length) > 1;
  const checkParts = async (intervals: readonly Interval[]) => {
    const checked = await computeIntervals(intervals, { folder, task: 'verify', threads, onStep });
    return checked.map((part) => part!);
  };
  const verification = await verifyRun(run, { seed, fraction, onStep, ...(isDivided && { checkParts }) });
  counter.end();
  const lines = json
    ? [JSON.stringify({ event: 'done', ...verification })]
    : verificationLines(verification, run);
  terminal.out.write(`${lines.join('\n')}\n`);
  return verification.verified ? exitCodes.done : exitCodes.different;
}
