/** The command that compares batch sizes and numbers of workers. */
import type { BatchRule } from '@lockstep/training';
import { choice, numberBetween, text, wholeNumber } from '../option.ts';
import { parameterOptions, runOptions } from '../options.ts';
import { command } from './command.ts';

export const scale = command({
  name: 'scale',
  summary: 'which batch size, on how many workers, and what it costs',
  positionals: { experiment: text({ describe: 'TypeScript file that exports an experiment by default' }) },
  options: {
    batch: text({
      describe: 'batch sizes, such as 64,256,1024 (default: half, once, 2 and 4 times the experiment’s)',
    }),
    workers: text({ describe: 'numbers of worker processes on this machine', default: '1,2' }),
    threads: wholeNumber(1, { describe: 'compute threads of each worker', default: 1 }),
    rule: choice(['none', 'linear', 'sqrt', 'lars', 'lamb'] as const satisfies readonly BatchRule[], {
      describe: 'how the rate follows the batch',
      default: 'linear',
    }),
    warmup: numberBetween(0, 1, {
      describe: 'part of a run in which a higher rate is reached',
      default: 0.05,
    }),
    rate: numberBetween(0, Number.MAX_VALUE, {
      describe: 'with --rule lars or lamb: the peak rate at the experiment’s batch size',
    }),
    target: text({
      describe:
        'METRIC=NUMBER to reach, such as validation/loss=0.08 (default: the validation loss that the experiment’s batch size ends at)',
    }),
    seeds: wholeNumber(1, { describe: 'runs of each batch size, with consecutive seeds', default: 2 }),
    seed: wholeNumber(0, { describe: 'the first seed (default: the experiment’s, else 1)' }),
    epochs: wholeNumber(1, {
      describe: 'passes of each run over the training data (default: the experiment’s)',
    }),
    'limit-samples': runOptions['limit-samples'],
    ...parameterOptions,
    'worker-steps': wholeNumber(4, {
      describe: 'steps that are timed on each number of workers',
      default: 40,
    }),
    'branch-at': text({
      describe:
        'epochs after which branches measure the critical batch size, or none (default: a quarter and half of the run)',
    }),
    tolerance: numberBetween(0, 1, {
      describe: 'part by which a branch may be worse than its parent',
      default: 0.02,
    }),
    link: text({
      describe: 'a link for which steps on machines of their own are predicted',
      default: '1Gbit',
    }),
    latency: text({ describe: 'of that link, from one machine to another', default: '0.1ms' }),
    resume: text({ describe: 'go on with the scale of this folder' }),
    'scale-root': text({ describe: 'folder of all scales', default: 'runs/scales' }),
  },
  examples: [
    [
      'scale experiments/mnist-cnn.ts --batch 64,256,1024 --workers 1,2 --rule sqrt --target validation/loss=0.08',
      'three batch sizes on one and two workers',
    ],
    ['scale --resume runs/scales/2026-11-30-mnist-cnn-3f9c', 'go on after a stop'],
  ],
  run: async (args, { terminal }) => {
    const { runScale } = await import('../scale/run-scale.ts');
    return runScale(args, terminal);
  },
});
