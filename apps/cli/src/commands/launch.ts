/** The command that other launchers start. */
import { launchOptions } from '../launch/options.ts';
import { command } from './command.ts';

export const launch = command({
  name: 'launch',
  summary: 'take part in a run as Slurm, torchrun, MPI or another launcher has placed this process',
  rest: 'FILE [options of lockstep coordinator]',
  options: launchOptions,
  examples: [
    ['launch --keys keys -- mine.ts --epochs 20', 'in a job of Slurm: srun lockstep launch …'],
    ['launch --keys keys --coordinator runs/slurm-42', 'more workers for another job'],
  ],
  run: async (args, context) => {
    const { launch: take } = await import('../launch/launch.ts');
    return take(args, context);
  },
});
