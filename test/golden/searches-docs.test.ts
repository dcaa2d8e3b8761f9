/** The tables of docs/searches.md are those of the recorded regrets, in which no median is above Optuna's upper quartile. */
import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { readText } from './documentation.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));

it('docs/searches.md has the recorded tables', () => {
  // Ends with another code, and so throws, if a median is above the quartile.
  const tables = execFileSync(process.execPath, ['bench/search/table.mjs'], { cwd: root, encoding: 'utf8' });
  const rows = tables.split('\n').filter((line) => line !== '');
  expect(rows.length).toBeGreaterThan(40);
  const page = readText('../../docs/searches.md').split('\n');
  expect(rows.filter((row) => !page.includes(row))).toEqual([]);
});
