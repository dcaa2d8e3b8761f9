/** The code of docs/optimizers.md runs, and gives what it says. */
import { readFileSync } from 'node:fs';
import * as autodiff from '@lockstep/autodiff';
import * as data from '@lockstep/data';
import * as nn from '@lockstep/nn';
import * as optim from '@lockstep/optim';
import * as training from '@lockstep/training';
import { transformSync } from 'esbuild';
import { describe, expect, it } from 'vitest';

const read = (path: string): string => readFileSync(new URL(path, import.meta.url), 'utf8');
const page = read('../../docs/optimizers.md');
const published = read('../../libs/lockstep/src/index.ts');
const known: Readonly<Record<string, unknown>> = { ...data, ...nn, ...optim, ...training, ...autodiff };

const blocks = Array.from(page.matchAll(/^```ts\n(.*?)^```$/gms), ([, code]) => code!);

/** What the package of the examples exports: all of autodiff, and the names that it lists. */
const isPublished = (name: string): boolean =>
  name in autodiff || new RegExp(`\\b${name}\\b`).test(published);

/** Runs a block as the body of a function; a default export is its result, `x; // → y` a comparison. */
function execute(code: string): unknown {
  const body = code
    .replace(/^import \{(.*?)\} from 'lockstep';$/gms, 'const {$1} = lockstep;')
    .replace(/^export default /m, 'return ')
    .replace(/^(.+); \/\/ → (.+)$/gm, (_line, expression, value) => `compare(${expression}, \`${value}\`);`);
  const { code: script } = transformSync(`export const main = (lockstep, compare) => {${body}};`, {
    loader: 'ts',
    format: 'cjs',
  });
  const module: { exports: { main?: (lockstep: object, compare: object) => unknown } } = { exports: {} };
  new Function('module', script)(module);
  return module.exports.main!(known, (found: unknown, value: string) => {
    const shown = typeof found === 'number' ? Number(found.toPrecision(12)) : found;
    expect(String(shown)).toBe(value);
  });
}

describe('docs/optimizers.md', () => {
  it('has code', () => expect(blocks.length).toBeGreaterThanOrEqual(7));

  it.each(blocks.map((code, i) => [i, code] as const))(
    'block %i imports what is published, and runs',
    (_, code) => {
      const names = Array.from(code.matchAll(/^import \{(.*?)\} from 'lockstep';$/gms), ([, list]) => list!)
        .flatMap((list) => list.split(','))
        .map((name) => name.trim());
      expect.assertions(1 + (code.match(/\/\/ → /g) ?? []).length);
      expect(names.filter((name) => !isPublished(name))).toEqual([]);
      execute(code);
    },
  );

  it('trains its experiment', async () => {
    const experiment = execute(blocks[0]!) as training.Experiment;
    const dataset = await experiment.data.load();
    const { history } = training.trainLocally({
      experiment,
      dataset,
      config: training.resolveConfig(experiment),
    });
    expect(history.at(-1)!.loss!).toBeLessThan(history[0]!.loss! / 2);
  });

  it('names every optimizer, schedule, link and wrapper there is', () => {
    const unnamed = Object.keys(optim).filter((name) => !new RegExp(`\\b${name}\\b`).test(page));
    // The neutral element of chain is for those who write optimizers.
    expect(unnamed).toEqual(['identity']);
  });
});
