/** Scripts that complete commands, options and choices. They start no process of ours, so a key press is answered at once. */
import { type Command, optionsOf } from './commands/command.ts';
import { flag, type Option } from './option.ts';

/** The options of a command, and `--help`, by name. */
const completedOptions = (command: Command): readonly (readonly [string, Option])[] =>
  Object.entries({ ...optionsOf(command), help: flag('show what the command takes') });

export function bashScript(commands: readonly Command[]): string {
  const cases = commands.flatMap((command) =>
    completedOptions(command).flatMap(([name, option]) =>
      option.choices === undefined
        ? []
        : [`    '${command.name} --${name}') values='${option.choices.join(' ')}' ;;`],
    ),
  );
  const options = commands.map((command) => {
    const names = completedOptions(command).map(([name]) => `--${name}`);
    return `    ${command.name}) options='${names.join(' ')}' ;;`;
  });
  const positionals = commands.flatMap((command) =>
    positionalChoices(command, commands).map((words) => `    ${command.name}) values='${words}' ;;`),
  );
  return `# Completion of lockstep for bash. In ~/.bashrc: eval "$(lockstep completion bash)"
_lockstep() {
  local word="\${COMP_WORDS[COMP_CWORD]}" before="\${COMP_WORDS[COMP_CWORD-1]}" values='' options=''
  # Bash splits --option=value into three words.
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

/** The words that the first positional argument can be, joined by spaces; none where it can be anything. */
function positionalChoices(command: Command, commands: readonly Command[]): readonly string[] {
  if (command.name === 'help') return [commands.map(({ name }) => name).join(' ')];
  return Object.values(command.positionals)
    .slice(0, 1)
    .flatMap((positional) => (positional.choices === undefined ? [] : [positional.choices.join(' ')]));
}

export function zshScript(commands: readonly Command[]): string {
  const names = commands.map(({ name, summary }) => `    ${zshQuoted(`${name}:${summary}`)}`);
  const cases = commands.map((command) => {
    const specs = completedOptions(command).map(([name, option]) => `        ${zshOption(name, option)}`);
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

function zshOption(name: string, { describe, type, choices }: Option): string {
  const text = describe.replace(/[[\]\\]/g, (char) => `\\${char}`);
  const values = choices === undefined ? ':_files' : `:(${choices.join(' ')})`;
  return zshQuoted(type === 'boolean' ? `--${name}[${text}]` : `--${name}=[${text}]:${name}${values}`);
}

const zshQuoted = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;
