import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { minimize, random, successiveHalving, uniform } from '@lockstep/search';
import { defineSweep, describeSweep, readSweepManifest, type SweepManifest } from '@lockstep/sweep';
import { expect, it } from 'vitest';
import { recordTrials, sweepToResume } from './more-trials.ts';

const options = {
  ...{ experiment: './some.ts', space: { rate: uniform(0, 1) }, search: random() },
  ...{ objective: minimize('validation/loss'), trials: 8, repeats: 2, steps: 10 },
};
const sweep = defineSweep(options);
const manifestOf = (of = sweep): SweepManifest => ({
  ...{ schemaVersion: 1, name: 'some', file: '/some-sweep.ts', profile: 'fma', createdAt: '2026-11-30' },
  ...{ experiment: { file: '/some.ts', hash: 'ab' }, sweep: describeSweep(of) },
});
const resumed = (file = sweep, asked?: number, manifest = manifestOf()) =>
  sweepToResume('runs/s', manifest, file, asked).trials;

it('a sweep goes on with as many trials as it has, or more', () => {
  expect([resumed(), resumed(sweep, 8), resumed(sweep, 12)]).toEqual([8, 8, 12]);
  const longer = { ...manifestOf(), trials: 12 };
  expect([resumed(sweep, undefined, longer), resumed(sweep, 20, longer)]).toEqual([12, 20]);
  expect(describeSweep(sweepToResume('runs/s', manifestOf(), sweep, 12))).toEqual(
    describeSweep(defineSweep({ ...options, trials: 12 })),
  );
});

it('its file may have the new number or the old one, and no other', () => {
  const file = defineSweep({ ...options, trials: 12 });
  expect(resumed(file, 12)).toBe(12);
  expect(() => resumed(file)).toThrow(
    'the sweep has 8 trials, and its file now says 12; to add trials: lockstep sweep --resume runs/s --trials 12',
  );
  expect(() => resumed(defineSweep({ ...options, trials: 12, seed: 9 }), 12)).toThrow('seed was 1 and is 9');
});

it('refuses fewer trials', () => {
  expect(() => resumed(sweep, 7)).toThrow('--trials 7: the sweep has 8 trials already');
});

it('adds trials after whole brackets only', () => {
  const { steps: _, ...rest } = options;
  const halving = (trials: number) =>
    defineSweep({ ...rest, trials, stopping: successiveHalving({ min: 1, max: 9, trials: 9 }) });
  expect(resumed(halving(18), 27, manifestOf(halving(18)))).toBe(27);
  expect(() => resumed(halving(20), 27, manifestOf(halving(20)))).toThrow(
    'the last bracket of successiveHalving has 2 of 9 trials',
  );
  expect(resumed(halving(20), 20, manifestOf(halving(20)))).toBe(20);
});

it('removes the table of fewer trials before it records the new number', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'lockstep-sweep-'));
  const table = join(folder, 'table.jsonl');
  writeFileSync(table, '');
  writeFileSync(join(folder, 'sweep.json'), JSON.stringify(manifestOf()));
  expect(await recordTrials(folder, manifestOf(), 8)).toEqual(manifestOf());
  expect(existsSync(table)).toBe(true);
  await recordTrials(folder, manifestOf(), 12);
  expect(existsSync(table)).toBe(false);
  expect((await readSweepManifest(folder)).trials).toBe(12);
  rmSync(folder, { recursive: true });
});
