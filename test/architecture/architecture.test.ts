/** Applies the rules of manifests.ts and sources.ts to this workspace. */
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { manifestRules } from './manifests.ts';
import { sourceRules } from './sources.ts';
import { readWorkspace } from './workspace.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const workspace = readWorkspace(root);

describe('the workspace', () => {
  it('is read', () => {
    const folders = workspace.packages.map(({ folder }) => folder);
    expect(folders).toEqual(expect.arrayContaining(['apps/cli', 'libs/autodiff', 'libs/errors', 'test']));
    expect(workspace.sources.map(({ path }) => path)).toContain('libs/errors/src/index.ts');
    expect(workspace.tracked).toContain('package.json');
  });

  for (const [name, rule] of Object.entries({ ...manifestRules, ...sourceRules })) {
    it(`keeps the rule: ${name}`, () => {
      expect(rule(workspace)).toEqual([]);
    });
  }

  it('gives each decision note a number of its own, with which it begins', () => {
    const folder = join(root, 'docs/decisions');
    const notes = readdirSync(folder).filter((name) => /^\d{4}-/.test(name));
    expect(notes.length).toBeGreaterThan(20);
    const numbers = notes.map((name) => name.slice(0, 4));
    expect(numbers.filter((number, i) => numbers.indexOf(number) !== i)).toEqual([]);
    const begins = notes.map((name) => readFileSync(join(folder, name), 'utf8').slice(0, 7));
    expect(begins).toEqual(numbers.map((number) => `# ${number} `));
  });

  it('lists its third-party software, under accepted licences', () => {
    execFileSync(process.execPath, ['tools/check-licences.mjs', '--check'], { cwd: root, stdio: 'pipe' });
  });
});
