import { commandLine, normalise } from './command-line.ts';
import { commandIn, commands } from './commands/table.ts';
import { experimentFile } from './options.ts';
import type { Terminal } from './terminal.ts';

/** Runs one command line, without the name of the program; resolves with the exit code. */
export async function runCommandLine(argv: readonly string[], terminal: Terminal): Promise<number> {
  let action: (() => Promise<number>) | undefined;
  let help = '';
  try {
    const words = normalise(argv);
    const parser = commandLine(
      (command, args) => {
        action = () => command.run(args, { terminal, argv, commands });
      },
      words,
      terminal.out.columns(),
    );
    const report = (error: Error | undefined, _args: unknown, output: string): void => {
      if (error) throw error;
      help = output;
    };
    await parser.parseAsync([...words], {}, report);
    if (help !== '') {
      terminal.out.write(`${help}\n`);
      terminal.out.write(await parametersOf(words));
    }
    return action === undefined ? 0 : await action();
  } catch (error) {
    const { describeError, exitCodeOf } = await import('./errors.ts');
    terminal.err.write(describeError(error, argv.includes('--verbose')));
    return exitCodeOf(error);
  }
}

/** The part of the help that lists the parameters of the experiment that a command line names; empty if it names none. */
async function parametersOf(words: readonly string[]): Promise<string> {
  const [, file] = words;
  const takesFile = Object.values(commandIn(words)?.positionals ?? {}).includes(experimentFile);
  if (!takesFile || file === undefined || file.startsWith('-')) return '';
  const { parametersText } = await import('./parameters-text.ts');
  return `\n${await parametersText(file)}`;
}
