/** The journal of a sweep after a crash. */
import { appendFileSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type JournalEntry, readSweepManifest } from '@lockstep/sweep';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { openJournal, writeTable } from './sweep-folder.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'lockstep-sweep-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const begun: JournalEntry = {
  type: 'begun',
  trial: 0,
  repeat: 0,
  run: 'a',
  generation: 0,
  params: { rate: 1 },
};
const ended: JournalEntry = { type: 'ended', trial: 0, repeat: 0, values: [0.1], steps: 3 };

it('reads what it wrote, and removes a line that was cut short', async () => {
  const first = await openJournal(folder);
  expect(first.entries).toEqual([]);
  first.append([begun, ended]);
  first.close();
  const path = join(folder, 'journal.jsonl');
  const whole = readFileSync(path, 'utf8');
  appendFileSync(path, '{"type":"begun","tri');
  const second = await openJournal(folder);
  expect(second.entries).toEqual([begun, ended]);
  expect(second.damaged).toEqual([
    `line 3 of ${path} cannot be read and is passed over: {"type":"begun","tri`,
  ]);
  second.append([begun]);
  second.close();
  expect(readFileSync(path, 'utf8')).toBe(`${whole}${JSON.stringify(begun)}\n`);
});

it('names a folder that is not that of a sweep', async () => {
  await expect(readSweepManifest(folder)).rejects.toThrow(`${folder} is not the folder of a sweep`);
});

it('gives the hash of the table that it writes', async () => {
  expect(await writeTable(folder, '')).toBe(
    'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
  );
});
