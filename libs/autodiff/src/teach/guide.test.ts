/** Runs the code of docs/autodiff.md. A comment `// →` states the result, a comment `// ✗` the error. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import * as library from '../index.ts';
import { Tensor } from '../index.ts';

interface Block {
  readonly language: string;
  readonly line: number;
  readonly lines: readonly string[];
}

interface Section {
  readonly title: string;
  readonly blocks: Block[];
}

function sectionsOf(markdown: string): Section[] {
  const sections: Section[] = [];
  let open: { language: string; line: number; lines: string[] } | undefined;
  for (const [i, line] of markdown.split('\n').entries()) {
    const [, fence] = /^```(\w*)$/.exec(line) ?? [];
    if (fence === undefined) {
      if (open !== undefined) open.lines.push(line);
      else if (line.startsWith('## ')) sections.push({ title: line.slice(3), blocks: [] });
    } else if (open === undefined) open = { language: fence, line: i + 2, lines: [] };
    else {
      sections.at(-1)!.blocks.push(open);
      open = undefined;
    }
  }
  return sections;
}

/** The guide annotates parameters with these types only, so removing them needs no compiler. */
const withoutTypes = (line: string): string =>
  line.replace(/: (Tensor|Params)\b| as const\b/g, '').replace(/^type \w+ = .*$/, '');

/** `const {a, b} = …` for an import, checks for the comments, and other lines unchanged. */
function toScript(line: string, number: number): string {
  const [, names] = /^import \{ (.*) \} from 'lockstep';$/.exec(line) ?? [];
  if (names !== undefined) {
    const values = names.split(', ').filter((name) => !name.startsWith('type '));
    return `const { ${values.join(', ')} } = imported(${number}, ${JSON.stringify(values)});`;
  }
  const [, left = '', expression, sign, text] = /^(const .+? = )?(.*); \/\/ ([→✗]) (.*)$/.exec(line) ?? [];
  if (sign === undefined) return withoutTypes(line);
  const check = sign === '→' ? 'gives' : 'throws';
  return `${left}${check}(${number}, () => ${withoutTypes(expression!)}, ${JSON.stringify(text)});`;
}

const format = (value: unknown): string => {
  if (value instanceof Tensor) return JSON.stringify(value.toArray());
  if (Array.isArray(value)) return `[${value.map(format).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'undefined';
  return `{${Object.entries(value).map(([key, item]) => `${key}:${format(item)}`)}}`;
};

const NUMBER = /-?\d+(?:\.\d+)?(?:e[+-]?\d+)?/g;

/** Compares text without spaces, and numbers to the digits that the guide shows. */
function expectAlike(found: unknown, text: string, line: number): void {
  const actual = format(found);
  const frame = (written: string): string => written.replace(NUMBER, '#').replaceAll(' ', '');
  expect(frame(actual), `line ${line}: ${actual}`).toBe(frame(text));
  const shown = text.match(NUMBER) ?? [];
  for (const [i, number] of (actual.match(NUMBER) ?? []).entries()) {
    const decimals = shown[i]!.split('.')[1]?.length ?? 0;
    expect(Number(Number(number).toFixed(decimals)), `line ${line}: ${actual}`).toBeCloseTo(
      Number(shown[i]),
      10,
    );
  }
}

/** Runs the blocks of a section in one scope, one after the other. Returns the number of checks. */
function run({ blocks }: Section): number {
  const printed: string[] = [];
  let numChecks = 0;
  const scope = {
    imported: (line: number, names: readonly string[]) => {
      for (const name of names) expect(library, `line ${line}`).toHaveProperty(name);
      return library;
    },
    gives: (line: number, value: () => unknown, text: string) => {
      const found = value();
      expectAlike(found, text, line);
      numChecks++;
      return found;
    },
    throws: (line: number, mistake: () => unknown, text: string) => {
      expect(mistake, `line ${line}`).toThrow(text);
      numChecks++;
    },
    printed: (line: number, text: string) => {
      expect(printed.splice(0).join('\n'), `line ${line}`).toBe(text);
      numChecks++;
    },
    console: { log: (text: string) => printed.push(text) },
  };
  const script = blocks.flatMap(({ language, line, lines }) =>
    language === 'ts'
      ? lines.map((code, i) => toScript(code, line + i))
      : [`printed(${line}, ${JSON.stringify(lines.join('\n'))});`],
  );
  new Function(...Object.keys(scope), `'use strict';\n${script.join('\n')}`)(...Object.values(scope));
  return numChecks;
}

describe('docs/autodiff.md', () => {
  const guide = readFileSync(new URL('../../../../docs/autodiff.md', import.meta.url), 'utf8');
  const sections = sectionsOf(guide).filter(({ blocks }) => blocks.length > 0);

  it.each(sections.map((section) => [section.title, section] as const))('%s', (_title, section) => {
    expect(run(section)).toBeGreaterThan(0);
  });
  it('is read as a whole: it has blocks of code and of output only', () => {
    expect(sections.length).toBeGreaterThan(9);
    const languages = new Set(sections.flatMap(({ blocks }) => blocks.map(({ language }) => language)));
    expect([...languages].sort()).toEqual(['text', 'ts']);
  });
  it('names only exports in its table', () => {
    const table = guide
      .slice(guide.indexOf('| Lockstep |'))
      .split('\n')
      .filter((line) => line.startsWith('| `'));
    const names = table.flatMap((line) =>
      [...line.split(' | ')[0]!.matchAll(/`(\w+)/g)].map(([, name]) => name!),
    );
    expect(names.length).toBeGreaterThan(25);
    for (const name of names) expect(name === 'inAxes' || name in library, name).toBe(true);
  });
  it('links to headings that exist', () => {
    const anchors = [...guide.matchAll(/^## (.*)$/gm)].map(([, title]) =>
      title!
        .toLowerCase()
        .replace(/[^\p{L}\d -]/gu, '')
        .replaceAll(' ', '-'),
    );
    const links = [...guide.matchAll(/\]\(#([^)]+)\)/g)].map(([, anchor]) => anchor);
    expect(links.filter((anchor) => !anchors.includes(anchor!))).toEqual([]);
    expect(links).toHaveLength(anchors.length);
  });
  it('fails on wrong statements', () => {
    const wrong = (code: string): Section => ({
      title: '',
      blocks: [{ language: 'ts', line: 1, lines: [code] }],
    });
    expect(() => run(wrong('1 + 1; // → 3'))).toThrow(/line 1/);
    expect(() => run(wrong('[1.25, 2]; // → [1.26, 2]'))).toThrow(/line 1/);
    expect(() => run(wrong('1; // ✗ no error'))).toThrow();
    expect(() => run(wrong("import { unheardOf } from 'lockstep';"))).toThrow(/unheardOf/);
  });
});
