/** `lockstep sweep fit`: trains a trial of a sweep, by default the best one, as a run of its own that keeps its checkpoints. */
import { resolve } from 'node:path';
import { LockstepError } from '@lockstep/errors';
import { readSweep, type SweepRecord, type TrialRecord } from '@lockstep/sweep';
import type { Context } from '../commands/command.ts';
import { chooseDisplay } from '../display/choose.ts';
import { metricsOf, trainNewRun } from '../new-run.ts';
import type { ArgsOf } from '../option.ts';
import type {
  DisplayArgs,
  localOptions,
  networkOptions,
  outsideOptions,
  pageOptions,
  runOptions,
} from '../options.ts';
import { pageAddress } from '../page.ts';
import { createRunFolder } from '../run-folder.ts';
import { isLocked } from '../run-lock.ts';
import { requireOrdinaryFile, requireWritableFolder } from '../writable.ts';
import { readKeptExperiment } from './sweep-folder.ts';
import { resolveTrial } from './trial-config.ts';
import { paramsText } from './trial-table.ts';

interface FitArgs
  extends ArgsOf<typeof localOptions>,
    ArgsOf<typeof networkOptions>,
    ArgsOf<typeof outsideOptions>,
    ArgsOf<typeof pageOptions>,
    Pick<ArgsOf<typeof runOptions>, 'seed' | 'steps' | 'epochs' | 'keep' | 'record' | 'runRoot'>,
    DisplayArgs {
  readonly folder: string;
  readonly trial: number | undefined;
  readonly limitSamples: number | 'all' | undefined;
}

/**
 * Resolves with the exit code. The run has the experiment's code that the sweep keeps and the sweep's profile. With the lengths and the
 * seed of the sweep it is the run of the trial again.
 */
export async function fitTrial(args: FitArgs, { terminal, argv }: Context): Promise<number> {
  await requireWritableFolder('run-root', args.runRoot);
  if (args.page !== undefined) pageAddress(args.page);
  if (args.trace) await requireOrdinaryFile('trace', args.trace);
  const folder = args.folder.replace(/(?<=.)\/+$/, '');
  const sweep = await readSweep(folder, { isRunning: isLocked });
  const { manifest } = sweep;
  const trial = chosen(sweep, args.trial);
  const code = await readKeptExperiment(folder, manifest);
  const { name, experiment, config } = resolveTrial(code, trial.params, overridesOf(sweep, args));
  const { keep, record } = args;
  const opened = await createRunFolder(args.runRoot, { ...code, name }, config, manifest.profile, {
    ...{ command: argv, keep, record },
    sweep: { folder: resolve(folder), trial: trial.number, table: sweep.tableSha256 ?? null },
  });
  const display = chooseDisplay(terminal, args);
  display.note(`trial ${trial.number} of ${folder}: ${paramsText(trial.params)}`);
  if (args.trial === undefined && sweep.tableSha256 === undefined) {
    display.note('the sweep has not ended: this is the best trial so far');
  }
  const { workers, threads } = args;
  const places = { local: workers, expected: Math.max(1, workers), threads };
  return trainNewRun(opened, metricsOf(experiment), places, args, display);
}

/** A trial that has ended or runs has parameters; those of later ones may depend on its result. */
function chosen({ folder, trials, best }: SweepRecord, number: number | undefined): TrialRecord {
  const wanted = number ?? best;
  const found = trials.find((trial) => trial.number === wanted);
  if (found !== undefined) return found;
  throw new LockstepError(
    'config',
    wanted === undefined
      ? `no trial of ${folder} has a value yet; \`lockstep sweep show ${folder}\` shows them, and --trial chooses one`
      : `${folder} has no trial ${wanted} that was begun; \`lockstep sweep show ${folder}\` lists them`,
    { folder, trial: wanted },
  );
}

/** What is not asked for is as in the sweep. */
function overridesOf({ manifest }: SweepRecord, args: FitArgs) {
  const { seed, steps, epochs, limitSamples } = manifest.sweep;
  const isLonger = args.steps !== undefined || args.epochs !== undefined;
  const samples = args.limitSamples ?? limitSamples;
  return {
    seed: args.seed ?? seed,
    steps: (isLonger ? args.steps : steps) ?? undefined,
    epochs: (isLonger ? args.epochs : epochs) ?? undefined,
    limitSamples: samples === 'all' ? undefined : (samples ?? undefined),
  };
}
