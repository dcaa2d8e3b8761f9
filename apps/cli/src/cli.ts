import { commandLine, normalise } from './command-line.ts';
import type { Context } from './commands/command.ts';
import { describeError, exitCodeOf, exitCodes } from './errors.ts';
import type { Terminal } from './terminal.ts';

/** Runs one command line, without the name of the program; resolves with the exit code. */
export async function runCommandLine(argv: readonly string[], terminal: Terminal): Promise<number> {
  let action: ((context: Context) => Promise<number>) | undefined;
  let help = '';
  const perform = (load: Parameters<Parameters<typeof commandLine>[0]>[0]) => (args: object) => {
    // The table of commands holds each function against its options.
    action = async (context) => (await load())(args as never, context);
  };
  try {
    const words = normalise(argv);
    const parser = commandLine(perform, words, terminal.out.columns());
    const report = (error: Error | undefined, _args: unknown, output: string): void => {
      if (error) throw error;
      help = output;
    };
    await parser.parseAsync([...words], {}, report);
    if (help !== '') terminal.out.write(`${help}\n`);
    return action === undefined ? exitCodes.done : await action({ terminal });
  } catch (error) {
    terminal.err.write(describeError(error, argv.includes('--verbose')));
    return exitCodeOf(error);
  }
}
