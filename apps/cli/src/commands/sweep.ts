/** Commands that train the trials of a sweep, and show and change what it trains. */
import { flag, text, wholeNumber, wholeNumberOr } from '../option.ts';
import {
  displayOptions,
  localOptions,
  networkOptions,
  outsideOptions,
  pageOptions,
  runOptions,
} from '../options.ts';
import { command } from './command.ts';

const folder = text({ describe: 'folder of the sweep', isRequired: true });

export const sweep = command({
  name: 'sweep',
  summary: 'train the trials of a sweep on one pool of workers, or go on with a sweep',
  positionals: { sweep: text({ describe: 'TypeScript file that exports a sweep by default' }) },
  options: {
    ...localOptions,
    bind: text({
      describe:
        'where workers join; other machines need an address of this one, and keys (default: an address of this machine, or the previous one)',
    }),
    keys: networkOptions.keys,
    resume: text({
      describe: 'go on with the sweep of this folder; its table is the same as without the stop',
    }),
    trials: wholeNumber(1, { describe: 'with --resume: the number of trials from now on, in all' }),
    'retry-failed': flag('with --resume: trials that have failed by themselves are trained again'),
    'checkpoint-mib': wholeNumber(1, {
      describe: 'MiB that checkpoints of runs which wait at a rung may take; default any number',
    }),
    'sweep-root': text({ describe: 'folder of all sweeps', default: 'runs/sweeps' }),
    'dry-run': flag(
      'show what would be trained first and how long it takes; trains a few steps of the first trial, and keeps nothing',
    ),
  },
  examples: [
    ['sweep experiments/sweeps/quick.ts --workers 2', 'two worker processes'],
    ['sweep --resume runs/sweeps/2026-11-30-quick-3f9c --workers 4', 'the same table, more workers'],
    ['sweep --resume runs/sweeps/2026-11-30-quick-3f9c --trials 40', 'more trials'],
  ],
  run: async (args, { terminal }) => {
    const { runSweep } = await import('../sweep/run-sweep.ts');
    return runSweep(args, terminal);
  },
});

export const sweepShow = command({
  name: 'sweep show',
  summary: 'the trials of a sweep as a table, while it is trained or afterwards',
  positionals: { folder },
  options: {
    filter: text({ describe: 'trials that meet conditions such as rate>0.01,status=finished' }),
    sort: text({ describe: 'sort by a metric, a parameter, status or step (default: by number)' }),
    descending: flag('the greatest value first'),
  },
  examples: [
    ['sweep show runs/sweeps/2026-11-30-quick-3f9c --sort validation/loss', 'the best trial first'],
    ['sweep show runs/sweeps/2026-11-30-quick-3f9c --filter status=failed', 'trials that failed'],
  ],
  run: async (args, { terminal }) => {
    const { showSweep } = await import('../sweep/show-sweep.ts');
    return showSweep(args, terminal);
  },
});

export const sweepCancel = command({
  name: 'sweep cancel',
  summary: 'end a trial of a sweep, which is trained now or later; the table says so',
  positionals: { folder },
  options: {
    trial: wholeNumber(0, { describe: 'number of the trial', isRequired: true }),
  },
  examples: [['sweep cancel runs/sweeps/2026-11-30-quick-3f9c --trial 5', 'without trial 5']],
  run: async (args, { terminal }) => {
    const { cancelTrial } = await import('../sweep/cancel-trial.ts');
    return cancelTrial(args, terminal);
  },
});

const { 'limit-samples': limit, steps, epochs, seed, keep, record } = runOptions;

export const sweepFit = command({
  name: 'sweep fit',
  summary: 'train the best trial of a sweep as a run of its own, with checkpoints',
  positionals: { folder },
  options: {
    trial: wholeNumber(0, { describe: 'number of another trial (default: the best one)' }),
    ...localOptions,
    seed: wholeNumber(0, { describe: `${seed.describe.split(' (')[0]} (default: the sweep’s)` }),
    ...{ steps, epochs },
    'limit-samples': wholeNumberOr(1, 'all', {
      describe: `${limit.describe}, or all (default: as in the sweep)`,
    }),
    ...{ keep, record },
    'run-root': runOptions['run-root'],
    ...networkOptions,
    ...outsideOptions,
    ...pageOptions,
    ...displayOptions,
  },
  examples: [['sweep fit runs/sweeps/2026-11-30-quick-3f9c --epochs 5', 'the winner, trained longer']],
  run: async (args, context) => {
    const { fitTrial } = await import('../sweep/fit-trial.ts');
    return fitTrial(args, context);
  },
});
