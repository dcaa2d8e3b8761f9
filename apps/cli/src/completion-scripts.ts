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
    return `    '${command.name}') options='${names.join(' ')}' ;;`;
  });
  const positionals = commands.flatMap((command) =>
    positionalChoices(command, commands).map((words) => `    '${command.name}') values='${words}' ;;`),
  );
  const subcommands = commands.filter(isSub).map(({ name }) => `'${name}'`);
  return `# Completion of lockstep for bash. In ~/.bashrc: eval "$(lockstep completion bash)"
_lockstep() {
  local word="\${COMP_WORDS[COMP_CWORD]}" before="\${COMP_WORDS[COMP_CWORD-1]}" values='' options=''
  local name="\${COMP_WORDS[1]}" first=2
  # Bash splits --option=value into three words.
  if [ "$word" = '=' ]; then word=''; elif [ "$before" = '=' ]; then before="\${COMP_WORDS[COMP_CWORD-2]}"; fi
  COMPREPLY=()
  if [ "$COMP_CWORD" -eq 1 ]; then
    COMPREPLY=($(compgen -W '${topNames(commands)} --help --version' -- "$word"))
    return
  fi
  if [ "$COMP_CWORD" -gt 2 ]; then case "$name \${COMP_WORDS[2]}" in
    ${subcommands.join('|')}) name="$name \${COMP_WORDS[2]}"; first=3 ;;
  esac; fi
  case "$name $before" in
${cases.join('\n')}
  esac
  if [ "$COMP_CWORD" -eq "$first" ]; then case "$name" in
${positionals.join('\n')}
  esac; fi
  if [ "\${word#-}" != "$word" ]; then case "$name" in
${options.join('\n')}
  esac; fi
  COMPREPLY=($(compgen -W "$values $options" -- "$word"))
}
complete -o default -F _lockstep lockstep
`;
}

const isSub = ({ name }: Command): boolean => name.includes(' ');

const topNames = (commands: readonly Command[]): string =>
  commands
    .filter((one) => !isSub(one))
    .map(({ name }) => name)
    .join(' ');

const lastWord = (name: string): string => name.slice(name.indexOf(' ') + 1);

/** The words that can follow the name of a command, joined by spaces; none where it can be anything. */
function positionalChoices(command: Command, commands: readonly Command[]): readonly string[] {
  if (command.name === 'help') return [topNames(commands)];
  const subs = commands.filter(({ name }) => name.startsWith(`${command.name} `));
  if (subs.length > 0) return [subs.map(({ name }) => lastWord(name)).join(' ')];
  return Object.values(command.positionals)
    .slice(0, 1)
    .flatMap((positional) => (positional.choices === undefined ? [] : [positional.choices.join(' ')]));
}

export function zshScript(commands: readonly Command[]): string {
  const top = commands.filter((one) => !isSub(one));
  const names = top.map(({ name, summary }) => `    ${zshQuoted(`${name}:${summary}`)}`);
  const subcommands = commands.filter(isSub).map(({ name }) => `'${name}'`);
  const cases = commands.map((command) => {
    const specs = completedOptions(command).map(([name, option]) => `        ${zshOption(name, option)}`);
    const words = positionalChoices(command, commands).map((one) => `'1:${command.name}:(${one})'`);
    const isParent = commands.some(({ name }) => name.startsWith(`${command.name} `));
    const rest = words.length > 0 && !isParent ? words : [...words, "'*:file:_files'"];
    return `    '${command.name}')\n      _arguments \\\n${[...specs, ...rest.map((one) => `        ${one}`)].join(' \\\n')}\n      ;;`;
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
  local name="$words[1]"
  if (( CURRENT > 2 )); then case "$name $words[2]" in
    ${subcommands.join('|')}) name="$name $words[2]"; shift words; (( CURRENT-- )) ;;
  esac; fi
  case "$name" in
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
