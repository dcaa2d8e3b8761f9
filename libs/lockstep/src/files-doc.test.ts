/** Runs the examples of docs/files.md in their order, in a folder of their own. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import * as lockstep from './index.ts';

const text = readFileSync(new URL('../../../docs/files.md', import.meta.url), 'utf8');
const blocks = [...text.matchAll(/^```(ts|python)\n(.*?)^```$/gms)].map(([, language, code]) => ({
  language: language!,
  code: code!,
}));

let folder: string;
const home = process.cwd();
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'lockstep-files-'));
  process.chdir(folder);
});
afterAll(() => {
  process.chdir(home);
  rmSync(folder, { recursive: true });
});

type Run = (library: unknown, check: (actual: unknown, expected: string) => void) => Promise<void>;
const AsyncFunction = (async () => undefined).constructor as new (...args: string[]) => Run;

/** A comment `// → value` is compared with the expression before it. */
function compile(code: string): Run {
  const lines = code
    .replace(/import \{([^}]*)\} from 'lockstep';/g, 'const {$1} = library;')
    .replace(
      /^(.*); \/\/ → (.*)$/gm,
      (_line, expression, expected) => `check(${expression}, ${JSON.stringify(expected)});`,
    );
  return new AsyncFunction('library', 'check', lines);
}

const interpreters = ['python3', '/usr/bin/python3'];

/** An interpreter that has all imports of the code. */
function pythonFor(code: string): string | undefined {
  const modules = [...code.matchAll(/^(?:import|from) (\w+)/gm)].map(([, name]) => `import ${name}`);
  return interpreters.find(
    (command) => spawnSync(command, ['-c', modules.join('\n')], { stdio: 'ignore' }).status === 0,
  );
}

describe('docs/files.md', () => {
  it('has examples with results', () => {
    expect(blocks.filter(({ language }) => language === 'ts').length).toBeGreaterThan(3);
    expect(text.match(/; \/\/ → /g)?.length).toBeGreaterThan(6);
  });

  for (const [i, { language, code }] of blocks.entries()) {
    // An example that needs a file of a real run is not run.
    if (code.includes('mnist-cnn')) continue;
    const python = language === 'python' ? pythonFor(code) : undefined;
    it.skipIf(language === 'python' && python === undefined)(
      `example ${i}, ${language}: ${code.split('\n')[0]}`,
      async () => {
        if (python === undefined) {
          await compile(code)(lockstep, (actual, expected) => expect(inspect(actual)).toBe(expected));
        } else {
          expect(spawnSync(python, ['-c', code], { encoding: 'utf8' })).toMatchObject({
            status: 0,
            stderr: '',
          });
        }
      },
    );
  }
});
