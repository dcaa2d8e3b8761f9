/** Creates the files and runs the commands of docs/tutorial-time-travel.md from top to bottom, and compares what they print with the page. */
import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it, vi } from 'vitest';
import { openTutorial } from './tutorial.ts';

// The commands of the page run one after the other.
vi.setConfig({ testTimeout: 300_000 });

const { page, blocks, folder, shell } = openTutorial('docs/tutorial-time-travel.md', {
  data: 'experiments/data',
});

/** The names of runs on the page, in the order in which they appear there, by those of the runs that this test has trained. */
const names = new Map<string, string>();
const onPage = [...new Set(page.match(/\d{4}-\d\d-\d\d-cells-[0-9a-f]{4}/g))];

function nameNewRuns(): void {
  for (const real of readdirSync(join(folder(), 'runs'))) {
    if (!names.has(real)) names.set(real, onPage[names.size]!);
  }
}

const withNames = (text: string, from: 0 | 1): string =>
  [...names].reduce((named, pair) => named.replaceAll(pair[from], pair[1 - from]!), text);

/** What depends on the machine and the day. */
const masked = (line: string): string =>
  line
    .replace(/\d+:\d\d on/, 'T on')
    .replace(/about .*/, 'about T')
    .replace(/the \d+ bytes/, 'the N bytes')
    .replace(/\d{4}-\d\d-\d\dT[\d:.]+Z/, 'DATE')
    .trimEnd();

/** @param differs whether the page shows a difference that is found, whose exit code is 7 */
function run(command: string, differs: boolean): string[] {
  const { status, stdout, stderr } = shell(withNames(command, 1));
  nameNewRuns();
  expect(status, `${command}\n${stderr}`).toBe(differs ? 7 : 0);
  return withNames(`${stderr}${stdout}`, 0).split('\n').map(masked);
}

it('every block of the tutorial runs, and prints what the page shows', () => {
  let printed: readonly string[] = [];
  let numCompared = 0;
  for (const [i, { language, name, body }] of blocks.entries()) {
    if (name !== '') writeFileSync(join(folder(), name), body);
    else if (language === 'sh') printed = run(body, blocks[i + 1]!.body.includes('✗'));
    else {
      // A line of dots stands for lines that are left out.
      let at = 0;
      for (const line of body.split('\n').map(masked)) {
        if (line === '…' || line === '') continue;
        const found = printed.indexOf(line, at);
        expect(found, `"${line}" in\n${printed.slice(at).join('\n')}`).toBeGreaterThanOrEqual(0);
        at = found + 1;
        numCompared++;
      }
    }
  }
  expect(names.size).toBe(onPage.length);
  expect(numCompared).toBeGreaterThan(60);
});
