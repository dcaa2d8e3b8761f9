/** Creates the files and runs the commands of docs/tutorial-sweeps.md in the order of the page, as a reader would. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { offeredProfiles } from '@lockstep/kernels';
import { expect, it } from 'vitest';
import { openTutorial } from './tutorial.ts';

const { blocks, folder, shell } = openTutorial('docs/tutorial-sweeps.md');

function run(commands: string): string {
  const { status, stdout, stderr } = shell(commands);
  expect(`${status} ${stderr}`).toMatch(/^0 /);
  return stdout;
}

/** Times differ, and results are those of one profile. */
const isStated = (line: string): boolean => line !== '  …' && !/about \d/.test(line);

it('docs/tutorial-sweeps.md goes from one run to a verified winner', () => {
  let printed = '';
  let numShown = 0;
  for (const { language, name, body } of blocks) {
    if (language === 'ts') writeFileSync(join(folder(), name), body);
    else if (language === 'sh') printed = run(body);
    else if (offeredProfiles()[0] === 'fma') {
      for (const line of body.trimEnd().split('\n').filter(isStated)) expect(printed).toContain(line);
      numShown++;
    }
  }
  expect(blocks.filter(({ language }) => language === 'sh')).toHaveLength(8);
  expect([0, 8]).toContain(numShown);
}, 600_000);
