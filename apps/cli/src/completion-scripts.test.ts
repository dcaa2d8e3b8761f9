import { execFileSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { commandNames, commands } from './commands/table.ts';
import { bashScript, zshScript } from './completion-scripts.ts';

/** What bash offers for the last word after it has evaluated the script. */
function completed(...words: string[]): string[] {
  const script = `${bashScript(commands)}
COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _lockstep; printf '%s\\n' "\${COMPREPLY[@]}"`;
  const out = execFileSync('bash', ['-c', script, 'bash', 'lockstep', ...words], { encoding: 'utf8' });
  return out.split('\n').filter((word) => word !== '');
}

describe('completion in bash', () => {
  it.each<readonly [readonly string[], readonly string[]]>([
    [['tr'], ['train']],
    [[''], [...commandNames, '--help', '--version']],
    [['help', 'res'], ['resume']],
    [['train', 'x.ts', '--prof'], ['--profile']],
    [
      ['train', 'x.ts', '--profile', ''],
      ['auto', 'portable', 'fma'],
    ],
    // Bash splits --profile=f into three words.
    [['train', 'x.ts', '--profile', '=', 'f'], ['fma']],
    [
      ['train', 'x.ts', '--profile', '='],
      ['auto', 'portable', 'fma'],
    ],
    [['export', 'run', '--format', 'n'], ['npz']],
    [
      ['completion', ''],
      ['bash', 'zsh'],
    ],
    [
      ['worker', '--j'],
      ['--join', '--json'],
    ],
    [['sweep', 's'], ['show']],
    [['sweep', 'show', 'folder', '--d'], ['--descending']],
    [['sweep', 'x.ts', '--d'], ['--dry-run']],
    // The shell itself completes names of files.
    [['train', ''], []],
    [['train', 'x.ts', '--keys', ''], []],
    [['nonsense', '--'], []],
  ])('%j is completed by %j', (words, expected) => {
    expect(completed(...words)).toEqual(expected);
  });

  it('offers the options that can be changed when a run is resumed, and no others', () => {
    expect(completed('resume', 'run', '--')).toEqual(
      [
        'workers',
        'threads',
        'steps',
        'epochs',
        'keep',
        'bind',
        'keys',
        'page',
        'quiet',
        'json',
        'verbose',
        'help',
      ].map((name) => `--${name}`),
    );
  });
});

it('the script for zsh describes commands and options, with special characters of patterns as plain text', () => {
  const script = zshScript(commands);
  expect(script).toContain("    'train:train on workers of this machine'\n");
  expect(script).toMatch(/--profile=\[arithmetic of matmul.*\]:profile:\(auto portable fma\)'/);
  expect(script).toMatch(/'--json\[one JSON object a line on stdout, and nothing else\]'/);
  for (const { name } of commands) expect(script).toContain(`    '${name}')\n`);
  const quotes = script
    .split('\n')
    .filter((line) => !line.startsWith('#') && (line.split("'").length - 1) % 2 === 1);
  expect(quotes).toEqual([]);
});
