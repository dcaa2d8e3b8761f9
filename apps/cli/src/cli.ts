import { commandLine, normalise } from './command-line.ts';
import { commands } from './commands/table.ts';
import type { Terminal } from './terminal.ts';

/** Runs one command line, without the name of the program; resolves with the exit code. */
export async function runCommandLine(argv: readonly string[], terminal: Terminal): Promise<number> {
  let action: (() => Promise<number>) | undefined;
  let help = '';
  try {
    const words = normalise(argv);
    const parser = commandLine(
      (command, args) => {
        action = () => command.run(args, { terminal, commands });
      },
      words,
      terminal.out.columns(),
    );
    const report = (error: Error | undefined, _args: unknown, output: string): void => {
      if (error) throw error;
      help = output;
    };
    await parser.parseAsync([...words], {}, report);
    if (help !== '') terminal.out.write(`${help}\n`);
    return action === undefined ? 0 : await action();
  } catch (error) {
    const { describeError, exitCodeOf } = await import('./errors.ts');
    terminal.err.write(describeError(error, argv.includes('--verbose')));
    return exitCodeOf(error);
  }
}
