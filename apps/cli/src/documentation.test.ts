/** Checks that the commands accept every command line of the documentation. */
import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { commandLine } from './command-line.ts';

const root = new URL('../../../', import.meta.url);
const pages = [
  'README.md',
  'CONTRIBUTING.md',
  'experiments/README.md',
  ...readdirSync(new URL('docs/', root))
    .filter((file) => file.endsWith('.md'))
    .map((file) => `docs/${file}`),
];

/** Arguments of `lockstep` in shell blocks, in sentences and in tables. */
function commandsIn(page: string): string[] {
  const text = readFileSync(new URL(page, root), 'utf8');
  const blocks = Array.from(text.matchAll(/^```(?:sh)?\n(.*?)^```$/gms), ([, code]) => code!);
  const inline = Array.from(text.matchAll(/`((?:npx )?lockstep [a-z]+ [^`\n]+)`/g), ([, code]) => code!);
  const alone = Array.from(text.matchAll(/^\| `(npx lockstep [a-z]+)` \|/gm), ([, code]) => code!);
  return [...blocks.flatMap((block) => block.split('\n')), ...inline, ...alone]
    .map((line) => /^(?:\$ )?(?:npx )?lockstep ([a-z]+ ?.*?)(?:\s+#.*)?$/.exec(line)?.[1])
    .filter((line) => line !== undefined);
}

/** The command of a line, as the parser reads it. Runs no command. */
async function parse(line: string): Promise<string | number | undefined> {
  let args: Readonly<Record<string, unknown>> = {};
  const parser = commandLine((_command, given) => {
    args = given as typeof args;
  });
  const named = line.replaceAll(/\b[A-Z]+\b/g, (word) => (word === 'STEP' ? '1' : `examples/${word}`));
  await parser.parseAsync(named);
  return (args._ as string[] | undefined)?.[0];
}

/** Lines with --help are left out: help ends a command before it is parsed. */
const lines = pages.flatMap((page) =>
  commandsIn(page).flatMap((line) => (line.endsWith(' --help') ? [] : [[page, line] as const])),
);

describe('documentation', () => {
  it('shows commands', () => {
    expect(lines.length).toBeGreaterThan(15);
    expect(new Set(lines.map(([, line]) => line.split(' ')[0])).size).toBe(25);
  });

  it.each(lines)('%s: lockstep %s', async (_, line) => {
    expect(await parse(line)).toBe(line.split(' ')[0]);
  });

  it('an option that does not exist is noticed', async () => {
    await expect(parse('train x.ts --wrokers 2')).rejects.toThrow(/did you mean --workers/);
  });
});
