/** Applies the rules of manifests.ts and sources.ts to this workspace. */
import { execFileSync } from 'node:child_process';
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

  it('lists its third-party software, under accepted licences', () => {
    execFileSync(process.execPath, ['tools/check-licences.mjs', '--check'], { cwd: root, stdio: 'pipe' });
  });
});
