/** What a command is: an entry of the table of commands, and the function that it runs. */
import type { InferredOptionType, Options, PositionalOptions } from 'yargs';
import { outputOptions } from '../options.ts';
import type { Terminal } from '../terminal.ts';

/** What a command is run with, beside its own options. */
export interface Context {
  readonly terminal: Terminal;
}

/** Runs a command with its parsed options; resolves with the exit code. */
export type Handler<Args> = (args: Args, context: Context) => Promise<number>;

export type OptionTable = Readonly<Record<string, Options>>;

export type PositionalTable = Readonly<Record<string, PositionalOptions>>;

type Camel<Name> = Name extends `${infer Head}-${infer Tail}` ? `${Head}${Capitalize<Camel<Tail>>}` : Name;

type Given<Option extends Options | PositionalOptions> = Option extends
  | { readonly default: unknown }
  | { readonly demandOption: true }
  ? InferredOptionType<Option>
  : InferredOptionType<Option> | undefined;

/** What a command is given of a table of options: names in camelCase, undefined for what was not told. */
export type ArgsOf<Table extends OptionTable | PositionalTable> = {
  readonly [Name in keyof Table as Camel<Name>]: Given<Table[Name]>;
};

export interface Command {
  readonly name: string;
  /** With its positional arguments: `train <experiment>`. */
  readonly usage: string;
  readonly describe: string;
  readonly positionals: PositionalTable;
  readonly options: OptionTable;
  /** A command line without the program's name, and what it is for. */
  readonly examples: readonly (readonly [line: string, describe: string])[];
  /** Commands are loaded when they run only, so that `--help` is quick. */
  load(): Promise<Handler<never>>;
}

/** The options of a command, those of every command among them, without what only says that it is no option. */
export function visibleOptions(command: Command): OptionTable {
  const all: OptionTable = { ...command.options, ...outputOptions };
  return Object.fromEntries(Object.entries(all).filter(([, { hidden }]) => hidden !== true));
}
