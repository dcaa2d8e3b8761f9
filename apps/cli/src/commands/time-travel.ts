/** Commands that go back in a run: they compute its steps again. */
import {
  branchOptions,
  displayOptions,
  localOptions,
  networkOptions,
  replayOptions,
  runFolder,
} from '../options.ts';
import { command } from './command.ts';

export const branch = command({
  name: 'branch',
  summary: 'go on from any step of a run with other settings',
  positionals: { run: runFolder },
  options: { ...branchOptions, ...localOptions, ...networkOptions, ...displayOptions },
  refused: {
    profile:
      'the state of a branch was computed in the arithmetic of its run, which stays; a new run with lockstep train may have another --profile',
    'limit-samples':
      'a branch goes on with the samples of its run; a new run with lockstep train may have another --limit-samples',
    experiment: 'a branch goes on with the code that its run keeps in its folder',
  },
  examples: [
    ['branch runs/2026-11-22-mnist-cnn-3f9c --step 400 --set rate=1e-4', 'a lower rate from step 401 on'],
    ['branch runs/2026-11-22-mnist-cnn-3f9c --step 940 --epochs 40 --seed 2', 'longer, in another order'],
  ],
  run: async (args, context) => {
    const { workers, threads } = args;
    const { branchRun } = await import('../branch-run.ts');
    return branchRun(args, { local: workers, expected: Math.max(1, workers), threads }, context);
  },
});

export const replay = command({
  name: 'replay',
  summary: 'compute a run again, on any number of workers, and compare every step with its record',
  positionals: { run: runFolder },
  options: { ...replayOptions, ...displayOptions },
  examples: [
    ['replay runs/2026-11-22-mnist-cnn-3f9c --workers 2', 'identical, or where it parts'],
    ['replay runs/2026-11-22-mnist-cnn-3f9c --from 400 --json', 'later steps only, for scripts'],
  ],
  run: async (args, context) => {
    const { replayRun } = await import('../replay-run.ts');
    return replayRun(args, context);
  },
});
