/** `lockstep completion`: a script that completes commands, options and choices, made of the table of commands. */
import { basename } from 'node:path';
import type { shells } from '../options.ts';
import { type Command, type Handler, type OptionTable, visibleOptions } from './command.ts';

type Shell = (typeof shells)[number];

export interface CompletionArgs {
  readonly shell?: Shell | undefined;
}

export function completionOf(commands: readonly Command[]): Handler<CompletionArgs> {
  return async ({ shell = usersShell() }, { terminal }) => {
    terminal.out.write(completionScript(commands, shell));
    return 0;
  };
}

const usersShell = (): Shell => (basename(process.env.SHELL ?? '') === 'zsh' ? 'zsh' : 'bash');

/** The script starts no process of ours: a key that is pressed is answered at once. */
export function completionScript(commands: readonly Command[], shell: Shell): string {
  return shell === 'bash' ? bashScript(commands) : zshScript(commands);
}

/** Whether a value follows it. */
const takesValue = ({ type }: OptionTable[string]): boolean => type !== 'boolean';

const optionsOf = (command: Command): readonly (readonly [string, OptionTable[string]])[] => [
  ...Object.entries(visibleOptions(command)),
  ['help', { type: 'boolean', describe: 'show what the command takes' }],
];

/** Values that can be completed: of an option of choices, and names of commands after `help`. */
function choicesOf({ choices = [] }: OptionTable[string]): string {
  return choices.join(' ');
}

function bashScript(commands: readonly Command[]): string {
  const cases = commands.flatMap((command) =>
    optionsOf(command).flatMap(([name, option]) =>
      option.choices === undefined
        ? []
        : [`    '${command.name} --${name}') values='${choicesOf(option)}' ;;`],
    ),
  );
  const options = commands.map((command) => {
    const names = optionsOf(command).map(([name]) => `--${name}`);
    return `    ${command.name}) options='${names.join(' ')}' ;;`;
  });
  const positionals = commands.flatMap((command) =>
    positionalChoices(command, commands).map((words) => `    ${command.name}) values='${words}' ;;`),
  );
  return `# Completion of lockstep for bash. In ~/.bashrc: eval "$(lockstep completion bash)"
_lockstep() {
  local word="\${COMP_WORDS[COMP_CWORD]}" before="\${COMP_WORDS[COMP_CWORD-1]}" values='' options=''
  # --option=value is three words to bash.
  if [ "$word" = '=' ]; then word=''; elif [ "$before" = '=' ]; then before="\${COMP_WORDS[COMP_CWORD-2]}"; fi
  COMPREPLY=()
  if [ "$COMP_CWORD" -eq 1 ]; then
    COMPREPLY=($(compgen -W '${commands.map(({ name }) => name).join(' ')} --help --version' -- "$word"))
    return
  fi
  case "\${COMP_WORDS[1]} $before" in
${cases.join('\n')}
  esac
  if [ "$COMP_CWORD" -eq 2 ]; then case "\${COMP_WORDS[1]}" in
${positionals.join('\n')}
  esac; fi
  if [ "\${word#-}" != "$word" ]; then case "\${COMP_WORDS[1]}" in
${options.join('\n')}
  esac; fi
  COMPREPLY=($(compgen -W "$values $options" -- "$word"))
}
complete -o default -F _lockstep lockstep
`;
}

/** Words for the first positional argument, if it is one of some. */
function positionalChoices(command: Command, commands: readonly Command[]): readonly string[] {
  if (command.name === 'help') return [commands.map(({ name }) => name).join(' ')];
  return Object.values(command.positionals)
    .slice(0, 1)
    .flatMap((positional) => (positional.choices === undefined ? [] : [choicesOf(positional)]));
}

function zshScript(commands: readonly Command[]): string {
  const names = commands.map(({ name, describe }) => `    ${zshQuoted(`${name}:${describe}`)}`);
  const cases = commands.map((command) => {
    const specs = optionsOf(command).map(([name, option]) => `        ${zshOption(name, option)}`);
    const words = positionalChoices(command, commands).map((one) => `'1:${command.name}:(${one})'`);
    const rest = words.length > 0 ? words : ["'*:file:_files'"];
    return `    ${command.name})\n      _arguments \\\n${[...specs, ...rest.map((one) => `        ${one}`)].join(' \\\n')}\n      ;;`;
  });
  return `#compdef lockstep
# Completion of lockstep for zsh. In ~/.zshrc, after compinit: eval "$(lockstep completion zsh)"
_lockstep() {
  if (( CURRENT == 2 )); then
    local -a commands
    commands=(
${names.join('\n')}
    )
    _describe 'command' commands
    return
  fi
  shift words
  (( CURRENT-- ))
  case "$words[1]" in
${cases.join('\n')}
  esac
}
compdef _lockstep lockstep
`;
}

function zshOption(name: string, option: OptionTable[string]): string {
  const text = (option.describe ?? '').replace(/[[\]\\]/g, (char) => `\\${char}`);
  const value = option.choices === undefined ? ':_files' : `:(${choicesOf(option)})`;
  return zshQuoted(takesValue(option) ? `--${name}=[${text}]:${name}${value}` : `--${name}[${text}]`);
}

const zshQuoted = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;
