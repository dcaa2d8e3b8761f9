/** How a command line is read, and how mistakes in it are answered. */
import { LockstepError, nearNames } from '@lockstep/errors';
import yargs, { type Argv } from 'yargs';
import { type Command, type Handler, visibleOptions } from './commands/command.ts';
import { commandNamed, commandNames, commands } from './commands/table.ts';
import { quoted } from './display/format.ts';
import { outputOptions } from './options.ts';
import { version } from './project.ts';

/** Says what is to be done with a command's options. */
export type Perform = (load: () => Promise<Handler<never>>) => (args: object) => void;

const epilogue = `Exit codes: 0 done, 1 the experiment or the run failed, 2 a mistake in the command line, the
configuration or an address, 3 keys wrong or missing, or worker refused, 5 a loss, gradient or
parameter is not finite, 130 interrupted (the run is saved). A worker ends with 4 when it has lost
its coordinator, with 6 when there never was one.`;

/** Help is as wide as the terminal, within bounds. */
const maxHelpColumns = 100;

/** `argv` is what will be parsed: messages of mistakes name its command. `columns` is the terminal's width. */
export function commandLine(
  perform: Perform,
  argv: readonly string[] = [],
  columns: number = maxHelpColumns,
): Argv {
  const command = commandNamed(argv.find((word) => !word.startsWith('-')));
  const parser = yargs()
    .scriptName('lockstep')
    // Messages are read below, and are English whatever the machine's language is.
    .locale('en')
    .parserConfiguration({ 'boolean-negation': false, 'dot-notation': false })
    .options(outputOptions);
  for (const command of commands) addCommand(parser, command, perform);
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
      // What a check of a value throws arrives as yargs' own error: here it can only be a mistake in the command line.
      throw new LockstepError('config', explain(message ?? error?.message, command), {}, { cause: error });
    });
}

function addCommand(parser: Argv, command: Command, perform: Perform): void {
  const build = (args: Argv): Argv => {
    for (const [name, positional] of Object.entries(command.positionals))
      args.positional(name, { ...positional });
    args.options(command.options);
    for (const [line, describe] of command.examples) args.example(`$0 ${line}`, describe);
    return args;
  };
  parser.command(command.usage, command.describe, build, perform(command.load));
}

/**
 * What is meant by a command line that yargs would answer otherwise: nothing lists the commands, `help train` is `train --help`.
 * Throws `config` for a command that does not exist, with `--help` as well.
 */
export function normalise(argv: readonly string[]): readonly string[] {
  const [first, second] = argv;
  if (first === undefined) return ['--help'];
  const named = first === 'help' ? second : first;
  if (named !== undefined && !named.startsWith('-') && commandNamed(named) === undefined) {
    throw new LockstepError('config', unknown('command', [named]), { command: named });
  }
  if (first !== 'help') return argv;
  return named === undefined || named.startsWith('-') ? ['--help'] : [named, '--help'];
}

/** What yargs says, in our words. */
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
    return `<${name}> is missing: ${describe}`;
  }
  const [, argument, given, choices] = /Argument: (.*?), Given: (.*), Choices: (.*)$/s.exec(message) ?? [];
  if (argument !== undefined) {
    const value = (given ?? '').replace(/^"|"$/g, '');
    return `<${argument}> must be one of ${choices!.replaceAll('"', '')}, not ${quoted(value)}`;
  }
  return message;
}

function describeOption(command: Command | undefined, name: string): string {
  return command?.options[name]?.describe ?? 'it has no default';
}

/** Names that do not exist, with those that may have been meant. */
function unknown(kind: 'argument' | 'command', names: readonly string[], command?: Command): string {
  const own = command === undefined ? [] : Object.keys(visibleOptions(command));
  // To `--no-seed` yargs adds `noSeed`.
  const given = [...new Set(names)].filter(
    (name) => !names.some((other) => camelCase(other) === name && other !== name),
  );
  const hints = given.map((name) => {
    const owners = kind === 'argument' ? commands.filter(({ options }) => isOption(options[name])) : [];
    const options = kind === 'argument' ? nearNames(name, own.length > 0 ? own : allOptions) : [];
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

const isOption = (option: { readonly hidden?: boolean | undefined } | undefined): boolean =>
  option !== undefined && option.hidden !== true;

const allOptions: readonly string[] = [
  ...new Set(commands.flatMap((command) => Object.keys(visibleOptions(command)))),
];
