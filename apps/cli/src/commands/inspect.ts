/** Commands that look into single steps of a run. */
import { flag, text, wholeNumber } from '../option.ts';
import { runFolder } from '../options.ts';
import { command } from './command.ts';

export const inspect = command({
  name: 'inspect',
  summary: 'everything that a step of a run computed: samples, gradients, layers',
  positionals: { run: runFolder },
  options: {
    step: wholeNumber(1, {
      describe: 'the step, which makes its state from the state before',
      isRequired: true,
    }),
    sample: wholeNumber(0, { describe: 'one sample of the step, by its index in the training data' }),
    layer: text({ describe: 'one layer or parameter, by its name: 2/0' }),
    gradient: flag('with --sample: also the gradient of the loss of this sample'),
    out: text({ describe: 'write all tensors to an .npz or .safetensors file' }),
  },
  examples: [
    ['inspect runs/2026-11-22-mnist-cnn-3f9c --step 412', 'samples, parameters, layers'],
    ['inspect runs/2026-11-22-mnist-cnn-3f9c --step 412 --layer 4 --out step.npz', 'one layer, for NumPy'],
  ],
  run: async (args, { terminal }) => {
    const { inspectCommand } = await import('../inspect-run.ts');
    return inspectCommand(args, terminal);
  },
});

export const spike = command({
  name: 'spike',
  summary: 'steps of a run whose loss stands out, with their samples',
  positionals: { run: runFolder },
  options: {
    metric: text({ describe: 'another metric', default: 'loss' }),
    top: wholeNumber(1, { describe: 'how many steps to show, those that stand out most', default: 10 }),
  },
  examples: [['spike runs/2026-11-22-mnist-cnn-3f9c', 'steps to inspect']],
  run: async (args, { terminal }) => {
    const { spikeCommand } = await import('../spike-run.ts');
    return spikeCommand(args, terminal);
  },
});
