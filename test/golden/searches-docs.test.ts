/**
 * The code of docs/searches.md runs. Its tables are those of the recorded regrets, in which no median is above Optuna's upper
 * quartile.
 */
import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import * as lockstep from 'lockstep';
import { expect, it } from 'vitest';
import { blocksOf, execute, readText } from './documentation.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const page = readText('../../docs/searches.md');

it.each(blocksOf(page, 'ts').map((code, i) => [i, code] as const))(
  'block %i of docs/searches.md runs',
  (_, code) => {
    expect.assertions((code.match(/\/\/ → /g) ?? []).length);
    execute(code, lockstep);
  },
);

it('docs/searches.md has the recorded tables', () => {
  // Ends with another code, and so throws, if a median is above the quartile.
  const tables = execFileSync(process.execPath, ['bench/search/table.mjs'], { cwd: root, encoding: 'utf8' });
  const rows = tables.split('\n').filter((line) => line !== '');
  expect(rows.length).toBeGreaterThan(40);
  const lines = page.split('\n');
  expect(rows.filter((row) => !lines.includes(row))).toEqual([]);
});
