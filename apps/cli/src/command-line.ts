/** Reads a command line, and explains mistakes in it. */
import { existsSync } from 'node:fs';
import { LockstepError, nearNames } from '@lockstep/errors';
import yargs, { type Argv, type Options } from 'yargs';
import { type Command, optionsOf } from './commands/command.ts';
import { commandIn, commandNames, commands, subcommandsOf, topCommands } from './commands/table.ts';
import { quoted } from './display/format.ts';
import { type OptionTable, yargsOption } from './option.ts';
import { outputOptions } from './options.ts';
import { version } from './project.ts';

/** Called with the command that was given and its arguments. */
export type OnCommand = (command: Command, args: object) => void;

const epilogue = `Exit codes: 0 done, 1 the experiment or the run failed, 2 a mistake in the command line, the
configuration or an address, 3 keys wrong or missing, or worker refused, 5 a loss, gradient or
parameter is not finite, 7 a run that is computed again differs from its record, 130 interrupted
(the run is saved). A worker ends with 4 when it has lost its coordinator, with 6 when there never
was one.`;

/** The limit for the width of help, which is otherwise that of the terminal. */
const maxHelpColumns = 100;

/**
 * `argv` is the command line that will be parsed; messages of mistakes name its command. `columns` is the width of the terminal.
 */
export function commandLine(
  onCommand: OnCommand,
  argv: readonly string[] = [],
  columns: number = maxHelpColumns,
): Argv {
  const command = commandIn(argv.filter((word) => !word.startsWith('-')));
  const parser = yargs()
    .scriptName('lockstep')
    // Messages are English whatever the machine's language is: `explain` reads them.
    .locale('en')
    .parserConfiguration({ 'boolean-negation': false, 'dot-notation': false })
    .options(yargsOptions(outputOptions));
  for (const one of topCommands) addCommand(parser, one, onCommand);
  return parser
    .usage('$0 <command>\n\nTrains neural networks data-parallel: one seed, one result.')
    .version(version)
    .alias('help', 'h')
    .alias('version', 'v')
    .demandCommand(1, 'a command is missing')
    .strict()
    .exitProcess(false)
    .wrap(Math.min(columns, maxHelpColumns))
    .epilogue(epilogue)
    .fail((message, error) => {
      // Errors of an option's `read` arrive here too. All of them are mistakes in the command line.
      throw new LockstepError('config', explain(message ?? error?.message, command), {}, { cause: error });
    });
}

function addCommand(parser: Argv, command: Command, onCommand: OnCommand): void {
  const { positionals, options, refused, examples } = command;
  const build = (args: Argv): Argv => {
    for (const [name, positional] of Object.entries(positionals)) {
      const { requiresArg: _, ...rest } = yargsOption(`<${name}>`, positional);
      args.positional(name, rest);
    }
    args.options(yargsOptions(options));
    // What a command takes is not taken by its subcommands.
    for (const name of [...Object.keys(positionals), ...Object.keys(options)])
      args.option(name, { global: false });
    for (const [name, message] of Object.entries(refused)) args.option(name, refusedOption(name, message));
    for (const one of subcommandsOf(command)) addCommand(args, one, onCommand);
    for (const [line, describe] of examples) args.example(`$0 ${line}`, describe);
    return args;
  };
  parser.command(usageOf(command), command.summary, build, (args) => onCommand(command, args));
}

const yargsOptions = (options: OptionTable): Record<string, Options> =>
  Object.fromEntries(
    Object.entries(options).map(([name, option]) => [name, yargsOption(`--${name}`, option)]),
  );

function refusedOption(name: string, message: string): Options {
  return {
    hidden: true,
    coerce: () => {
      throw new LockstepError('config', message, { name });
    },
  };
}

/** `train <experiment>`, `completion [shell]`, `compare <runs..>`, and of `sweep show` the part `show <folder>`. */
function usageOf({ name, positionals }: Command): string {
  const places = Object.entries(positionals).map(([place, { isRequired, isList }]) => {
    const word = isList ? `${place}..` : place;
    return isRequired ? `<${word}>` : `[${word}]`;
  });
  return [name.split(' ').at(-1), ...places].join(' ');
}

/**
 * Rewrites command lines that yargs would answer otherwise: an empty one becomes `--help`, `help train` becomes `train --help`.
 * Throws `config` for a command that does not exist, even with `--help`.
 */
export function normalise(argv: readonly string[]): readonly string[] {
  const [first, second] = argv;
  if (first === undefined) return ['--help'];
  const named = first === 'help' ? second : first;
  if (named !== undefined && !named.startsWith('-') && commandIn([named]) === undefined) {
    throw new LockstepError('config', unknown('command', [named]), { command: named });
  }
  if (first !== 'help') return argv;
  return named === undefined || named.startsWith('-') ? ['--help'] : [...argv.slice(1), '--help'];
}

/** A message of yargs in our words, with the command whose help says more. */
function explain(message: string, command: Command | undefined): string {
  const [, kind, list] = /^Unknown (argument|command)s?: (.*)$/s.exec(message) ?? [];
  if (list !== undefined) return unknown(kind as 'argument' | 'command', list.split(', '), command);
  const where = command === undefined ? 'lockstep --help' : `lockstep help ${command.name}`;
  return `${inOurWords(message, command)}; \`${where}\` shows how`;
}

function inOurWords(message: string, command: Command | undefined): string {
  const [, needsValue] = /^Not enough arguments following: (.*)$/s.exec(message) ?? [];
  if (needsValue !== undefined) return `--${needsValue} needs a value`;
  const [, missing] = /^Missing required arguments?: (.*)$/s.exec(message) ?? [];
  if (missing !== undefined) return `--${missing} is missing: ${describeOption(command, missing)}`;
  const [, got] = /^Not enough non-option arguments: got (\d+)/.exec(message) ?? [];
  if (got !== undefined && command !== undefined) {
    const [name, { describe = '' }] = Object.entries(command.positionals)[Number(got)] ?? ['', {}];
    return `<${name}> is missing: ${describe}${fileOfName(command)}`;
  }
  return message;
}

/** A command of two words hides a file that has the second one as its name. */
function fileOfName({ name }: Command): string {
  const [, word] = name.split(' ');
  return word !== undefined && existsSync(word) ? `; for the file '${word}' write ./${word}` : '';
}

const describeOption = (command: Command | undefined, name: string): string =>
  command?.options[name]?.describe ?? 'it has no default';

/** A message about names that do not exist, with those that may have been meant. */
function unknown(kind: 'argument' | 'command', names: readonly string[], command?: Command): string {
  const own = command === undefined ? [] : Object.keys(optionsOf(command));
  // yargs reports `--no-seed` twice: as `no-seed` and as `noSeed`.
  const given = [...new Set(names)].filter(
    (name) => !names.some((other) => camelCase(other) === name && other !== name),
  );
  const hints = given.map((name) => {
    const owners = kind === 'argument' ? commands.filter(({ options }) => Object.hasOwn(options, name)) : [];
    const options = kind === 'argument' ? nearNames(name, own.length > 0 ? own : allOptions()) : [];
    const near = [...options.map((option) => `--${option}`), ...nearNames(name, commandNames)];
    const meant = near.length === 0 ? '' : `did you mean ${near.slice(0, 2).join(' or ')}?`;
    const elsewhere =
      owners.length === 0 || command === undefined
        ? ''
        : `an option of ${owners.map((owner) => owner.name).join(', ')}, not of ${command.name}`;
    const hint = elsewhere || meant;
    return hint === '' ? quoted(name) : `${quoted(name)} (${hint})`;
  });
  return `unknown: ${hints.join(', ')}; \`lockstep --help\` lists commands, \`lockstep help COMMAND\` its options`;
}

const camelCase = (name: string): string => name.replace(/-(.)/g, (_, char: string) => char.toUpperCase());

const allOptions = (): readonly string[] => [
  ...new Set(commands.flatMap((command) => Object.keys(optionsOf(command)))),
];
