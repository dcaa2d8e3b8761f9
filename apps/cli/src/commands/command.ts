/** A command is one entry; the types of its arguments, help, suggestions and completion follow from the entry. */
import type { ArgsOf, OptionTable } from '../option.ts';
import { type OutputArgs, outputOptions } from '../options.ts';
import type { Terminal } from '../terminal.ts';

/** What a command gets beside its own arguments. */
export interface Context {
  readonly terminal: Terminal;
  /** The command line, without the name of the program. */
  readonly argv: readonly string[];
  /** All commands, for those that describe them. */
  readonly commands: readonly Command[];
  /** The words after `--`, for a command that takes some. */
  readonly rest: readonly string[];
  /** Reads a command line without running its command; resolves with the arguments. Throws `config` for mistakes in it. */
  readArgs(argv: readonly string[]): Promise<object>;
}

export interface Command {
  readonly name: string;
  readonly summary: string;
  /** In the order of the command line; optional ones come last. */
  readonly positionals: OptionTable;
  readonly options: OptionTable;
  /** Options that the command refuses, with the message that says why. Help and completion do not show them. */
  readonly refused: Readonly<Record<string, string>>;
  /** A command line without the program's name, and what it is for. */
  readonly examples: readonly (readonly [line: string, describe: string])[];
  /** What may stand after `--`, for the usage; absent if nothing may. */
  readonly rest?: string;
  /** Runs the command with the arguments that its entry describes; resolves with the exit code. */
  run(args: object, context: Context): Promise<number>;
}

type None = Record<never, never>;

/** One entry. Its file is loaded for `--help` and for other commands as well, so `run` imports what is slow to load. */
export function command<Positionals extends OptionTable = None, Own extends OptionTable = None>(
  entry: Pick<Command, 'name' | 'summary'> &
    Partial<Pick<Command, 'refused' | 'examples' | 'rest'>> & {
      readonly positionals?: Positionals;
      readonly options?: Own;
      readonly run: (
        args: ArgsOf<NoInfer<Positionals>> & ArgsOf<NoInfer<Own>> & OutputArgs,
        context: Context,
      ) => Promise<number>;
    },
): Command {
  return { positionals: {}, options: {}, refused: {}, examples: [], ...entry };
}

/** The options of a command, with those of every command. */
export const optionsOf = (command: Command): OptionTable => ({ ...command.options, ...outputOptions });
