/** Runs the code of a page of documentation: `x; // → y` compares. */
import { readFileSync } from 'node:fs';
import { transformSync } from 'esbuild';
import { expect } from 'vitest';

export const readText = (path: string): string => readFileSync(new URL(path, import.meta.url), 'utf8');

/** The fenced blocks of one language, without the fences. */
export const blocksOf = (page: string, language: string): string[] =>
  Array.from(page.matchAll(new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\`$`, 'gms')), ([, code]) => code!);

/** What a block imports from the library's package. */
export const importsOf = (code: string): string[] =>
  Array.from(code.matchAll(/^import \{(.*?)\} from 'lockstep';$/gms), ([, list]) => list!)
    .flatMap((list) => list.split(','))
    .map((name) => name.trim())
    .filter((name) => !name.startsWith('type '));

/**
 * Runs a block as the body of a function that imports from `library`; a default export is its result. A compared value
 * is shown as JSON, a number with twelve digits.
 */
export function execute(code: string, library: object): unknown {
  const body = code
    .replace(
      /^import \{(.*?)\} from 'lockstep';$/gms,
      (line) => `const {${importsOf(line).join(', ')}} = library;`,
    )
    .replace(/^export default /m, 'return ')
    .replace(/^(.+); \/\/ → (.+)$/gm, (_line, expression, value) => `compare(${expression}, \`${value}\`);`);
  const { code: script } = transformSync(`export const main = (library, compare) => {${body}};`, {
    loader: 'ts',
    format: 'cjs',
  });
  const module: { exports: { main?: (library: object, compare: object) => unknown } } = { exports: {} };
  new Function('module', script)(module);
  return module.exports.main!(library, (found: unknown, value: string) => {
    const shown = typeof found === 'number' ? Number(found.toPrecision(12)) : found;
    expect(JSON.stringify(shown)).toBe(JSON.stringify(JSON.parse(value)));
  });
}
