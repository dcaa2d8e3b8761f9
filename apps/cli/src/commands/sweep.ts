/** The command that trains the trials of a sweep. */
import { flag, text, wholeNumber } from '../option.ts';
import { localOptions } from '../options.ts';
import { command } from './command.ts';

export const sweep = command({
  name: 'sweep',
  summary: 'train the trials of a sweep on one pool of workers, or go on with a sweep',
  positionals: { sweep: text({ describe: 'TypeScript file that exports a sweep by default' }) },
  options: {
    workers: wholeNumber(1, { describe: 'worker processes on this machine', default: 1 }),
    threads: localOptions.threads,
    resume: text({
      describe: 'go on with the sweep of this folder; its table is the same as without the stop',
    }),
    'retry-failed': flag('with --resume: trials that have failed by themselves are trained again'),
    'checkpoint-mib': wholeNumber(1, {
      describe: 'MiB that checkpoints of runs which wait at a rung may take; default any number',
    }),
    'sweep-root': text({ describe: 'folder of all sweeps', default: 'runs/sweeps' }),
    'dry-run': flag('show what would be trained first, and train nothing'),
  },
  examples: [
    ['sweep experiments/sweeps/quick.ts --workers 2', 'two worker processes'],
    ['sweep --resume runs/sweeps/2026-11-30-quick-3f9c --workers 4', 'the same table, more workers'],
  ],
  run: async (args, { terminal }) => {
    const { runSweep } = await import('../sweep/run-sweep.ts');
    return runSweep(args, terminal);
  },
});
