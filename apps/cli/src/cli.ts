import { commandLine } from './command-line.ts';
import type { Context } from './commands/command.ts';
import { describeError, exitCodeOf, exitCodes } from './errors.ts';
import type { Terminal } from './terminal.ts';

/** Runs one command line, without the name of the program; resolves with the exit code. */
export async function runCommandLine(argv: readonly string[], terminal: Terminal): Promise<number> {
  let action: ((context: Context) => Promise<number>) | undefined;
  let help = '';
  const parser = commandLine((load) => (args) => {
    action = async (context) => (await load())(args, context);
  });
  try {
    await parser.parseAsync([...argv], {}, (error: Error | undefined, _args: unknown, output: string) => {
      if (error) throw error;
      help = output;
    });
    if (help !== '') terminal.out.write(`${help}\n`);
    return action === undefined ? exitCodes.done : await action({ terminal });
  } catch (error) {
    terminal.err.write(describeError(error, argv.includes('--verbose')));
    return exitCodeOf(error);
  }
}
