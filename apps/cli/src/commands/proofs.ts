/** Commands that show whether a run is what it says it is. */
import { numberBetween, wholeNumber, words } from '../option.ts';
import { intervalOptions, runFolder } from '../options.ts';
import { command } from './command.ts';

export const diff = command({
  name: 'diff',
  summary: 'the first difference between a run and its own computation, or between two runs, and its cause',
  positionals: {
    runs: words({ describe: 'the folder of a run, or the folders of two', isRequired: true }),
  },
  options: {
    from: wholeNumber(0, { describe: 'begin at the newest saved state up to this step', default: 0 }),
    ...intervalOptions,
  },
  examples: [
    [
      'diff runs/2026-11-22-mnist-cnn-3f9c',
      'the step, variable and worker at which it parts from its program',
    ],
    ['diff runs/2026-11-22-mnist-cnn-3f9c runs/2026-11-22-mnist-cnn-7b01', 'where two runs part, and why'],
  ],
  run: async (args, context) => {
    const { diffCommand } = await import('../diff-run.ts');
    return diffCommand(args, context);
  },
});

export const verify = command({
  name: 'verify',
  summary: 'prove parts of a run: compute drawn intervals again, and check that no file was altered',
  positionals: { run: runFolder },
  options: {
    seed: wholeNumber(0, { describe: 'draws the intervals; default: a random one, which is printed' }),
    fraction: numberBetween(0, 1, {
      describe: 'least part of all steps that is computed again',
      default: 0.1,
    }),
    ...intervalOptions,
  },
  examples: [
    ['verify runs/2026-11-22-mnist-cnn-3f9c', 'a tenth of its steps'],
    ['verify runs/2026-11-22-mnist-cnn-3f9c --fraction 1', 'every step'],
  ],
  run: async (args, context) => {
    const { verifyCommand } = await import('../verify-run.ts');
    return verifyCommand(args, context);
  },
});
