/** Creates the files and runs the commands of docs/tutorial-sweeps.md in the order of the page, as a reader would. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { offeredProfiles } from '@lockstep/kernels';
import { afterAll, beforeAll, expect, it } from 'vitest';

const root = fileURLToPath(new URL('../..', import.meta.url));
const page = readFileSync(join(root, 'docs/tutorial-sweeps.md'), 'utf8');
const blocks = [...page.matchAll(/^```(\w*) ?(\S*)\n(.*?)^```$/gms)].map(([, language, name, body]) => ({
  language: language!,
  name: name!,
  body: body!,
}));

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'lockstep-tutorial-'));
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'));
});
afterAll(() => rmSync(folder, { recursive: true }));

function shell(commands: string): string {
  const { status, stdout, stderr } = spawnSync('bash', ['-ec', commands], { cwd: folder, encoding: 'utf8' });
  expect(`${status} ${stderr}`).toMatch(/^0 /);
  return stdout;
}

/** Times differ, and results are those of one profile. */
const isStated = (line: string): boolean => line !== '  …' && !/about \d/.test(line);

it('docs/tutorial-sweeps.md goes from one run to a verified winner', () => {
  let printed = '';
  let numShown = 0;
  for (const { language, name, body } of blocks) {
    if (language === 'ts') writeFileSync(join(folder, name), body);
    else if (language === 'sh') printed = shell(body);
    else if (offeredProfiles()[0] === 'fma') {
      for (const line of body.trimEnd().split('\n').filter(isStated)) expect(printed).toContain(line);
      numShown++;
    }
  }
  expect(blocks.filter(({ language }) => language === 'sh')).toHaveLength(8);
  expect([0, 8]).toContain(numShown);
}, 600_000);
