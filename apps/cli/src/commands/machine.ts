/** Commands about this machine and this command. */
import { basename } from 'node:path';
import { choice, text } from '../option.ts';
import { command } from './command.ts';

export const keys = command({
  name: 'keys',
  summary: 'make keys for a cluster of several machines',
  options: { out: text({ describe: 'folder to write', default: 'keys' }) },
  run: async ({ out }, { terminal }) => {
    const { generateKeys, writeKeys } = await import('@lockstep/transport');
    const { requireWritableFolder } = await import('../writable.ts');
    await requireWritableFolder('out', out);
    await writeKeys(out, generateKeys());
    terminal.out.write(
      [
        `Keys are in ${out}/. Whoever has them can join your runs.`,
        `  coordinator   lockstep coordinator experiment.ts --bind tcp://ADDRESS:7070 --keys ${out}`,
        `  workers       copy all but server.secret, then: lockstep worker --join ADDRESS:7070 --keys ${out}`,
        '',
      ].join('\n'),
    );
    return 0;
  },
});

export const doctor = command({
  name: 'doctor',
  summary: 'what this machine offers, and why not more',
  run: async (_args, { terminal }) => {
    const { machineReport } = await import('../machine-report.ts');
    terminal.out.write(await machineReport());
    return 0;
  },
});

export const completion = command({
  name: 'completion',
  summary: 'print a script that completes commands and options in bash or zsh',
  positionals: {
    shell: choice(['bash', 'zsh'], { describe: 'for which shell (default: as $SHELL says, else bash)' }),
  },
  examples: [['completion bash', 'in ~/.bashrc: eval "$(lockstep completion bash)"']],
  run: async ({ shell = usersShell() }, { terminal, commands }) => {
    const { bashScript, zshScript } = await import('../completion-scripts.ts');
    terminal.out.write(shell === 'bash' ? bashScript(commands) : zshScript(commands));
    return 0;
  },
});

const usersShell = () => (basename(process.env.SHELL ?? '') === 'zsh' ? 'zsh' : 'bash');

export const help = command({
  name: 'help',
  summary: 'the options of a command',
  positionals: { command: text({ describe: 'whose options to show (default: all commands)' }) },
  // `help train` becomes `train --help` before it is parsed, so this never runs.
  run: async () => 0,
});
