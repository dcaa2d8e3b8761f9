/** What is read of a sweep's folder: while it is trained, after a stop, and where lines are damaged. */
import { appendFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { minimize, random, uniform } from '@lockstep/search';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { defineSweep } from './definition.ts';
import { describeSweep } from './description.ts';
import type { JournalEntry } from './journal.ts';
import type { SweepManifest } from './manifest.ts';
import { readSweep } from './read.ts';

const sweep = defineSweep({
  ...{ experiment: './some.ts', space: { rate: uniform(0, 1) }, search: random() },
  ...{ objective: minimize('validation/loss'), trials: 4, repeats: 2, seed: 5 },
});
const manifest: SweepManifest = {
  ...{ schemaVersion: 1, name: 'some', file: '/some-sweep.ts', profile: 'fma', createdAt: '2026-11-30' },
  ...{ experiment: { file: '/some.ts', hash: 'ab' }, sweep: describeSweep(sweep) },
};

let folder: string;
const journal = (...entries: readonly JournalEntry[]): void =>
  appendFileSync(
    join(folder, 'journal.jsonl'),
    entries.map((entry) => `${JSON.stringify(entry)}\n`).join(''),
  );
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'lockstep-sweep-'));
  writeFileSync(join(folder, 'sweep.json'), JSON.stringify(manifest));
});
afterEach(() => rmSync(folder, { recursive: true }));

const endpoint = 'tcp://127.0.0.1:7070';
const started: JournalEntry = {
  ...{ type: 'started', time: '2026-11-30', endpoint, bind: endpoint, keys: false },
};
const begun = (trial: number, repeat: number): JournalEntry => ({
  ...{ type: 'begun', trial, repeat, run: `run-${trial}-${repeat}`, generation: 0, params: { rate: 0.5 } },
});
const ended = (trial: number, repeat: number, value: number): JournalEntry => ({
  ...{ type: 'ended', trial, repeat, values: [value], steps: 10 },
});
const recorded: JournalEntry = {
  type: 'recorded',
  trial: {
    ...{ number: 1, generation: 0, params: { rate: 0.25 } },
    result: {
      ...{ status: 'complete', values: [2], spreads: [1.5], steps: 10 },
      repeats: [
        { seed: 5, values: [1] },
        { seed: 6, values: [3] },
      ],
    },
  },
};

it('reads trials that wait, run and have ended', async () => {
  journal(started, begun(2, 0), started, begun(0, 0), begun(0, 1), ended(0, 0, 4), begun(1, 0), begun(1, 1));
  journal(ended(1, 0, 1), ended(1, 1, 3), recorded);
  const run = join(folder, 'runs', 'run-0-1');
  mkdirSync(run, { recursive: true });
  writeFileSync(
    join(run, 'metrics.jsonl'),
    '{"kind":"step","step":6,"totalSteps":10}\n{"kind":"step","step":7,"totalSteps":10}\n{"kind":"work"}\n{"kin',
  );
  const read = await readSweep(folder, { isRunning: () => true });
  expect(read).toMatchObject({ folder, manifest, numTrials: 4, best: 1, isRunning: true, warnings: [] });
  expect(read.tableSha256).toBeUndefined();
  const seed5 = { seed: 5, run: join(folder, 'runs', 'run-0-0'), step: 10, values: [4] };
  expect(read.trials).toEqual([
    {
      ...{ number: 0, generation: 0, params: { rate: 0.5 }, status: 'running', values: [] },
      repeats: [seed5, { seed: 6, run, step: 7, totalSteps: 10 }],
    },
    {
      ...{ number: 1, generation: 0, params: { rate: 0.25 }, status: 'finished', values: [2] },
      ...{ value: 2, spread: 1.5 },
      repeats: [
        { seed: 5, run: join(folder, 'runs', 'run-1-0'), step: 10, values: [1] },
        { seed: 6, run: join(folder, 'runs', 'run-1-1'), step: 10, values: [3] },
      ],
    },
    expect.objectContaining({ number: 2, status: 'waiting' }),
  ]);
});

it('shows no trial as running where no process trains the sweep', async () => {
  journal(started, begun(0, 0));
  const statusBy = async (isRunning?: boolean) =>
    (await readSweep(folder, { isRunning: () => isRunning })).trials[0]!.status;
  expect([await statusBy(true), await statusBy(), await statusBy(false)]).toEqual([
    ...['running', 'running', 'waiting'],
  ]);
});

it('has the hash of the table, the trials that were added, and a reason for a failure', async () => {
  writeFileSync(join(folder, 'sweep.json'), JSON.stringify({ ...manifest, trials: 9 }));
  writeFileSync(join(folder, 'table.jsonl'), '');
  const result = { status: 'failed', values: [], reason: 'seed 5: step 3 is not finite' } as const;
  const trial = { number: 0, generation: 0, params: { rate: 0.5 }, result };
  journal(begun(0, 0), { type: 'ended', trial: 0, repeat: 0, reason: 'step 3 is not finite' });
  journal({ type: 'recorded', trial });
  expect(await readSweep(folder)).toMatchObject({
    numTrials: 9,
    tableSha256: 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
    trials: [{ status: 'failed', reason: result.reason, repeats: [{ reason: 'step 3 is not finite' }] }],
  });
});

it('forgets what does not count after failed trials are tried again', async () => {
  journal(begun(0, 0), begun(1, 0), ended(1, 0, 1), ended(1, 1, 3), recorded);
  journal({ type: 'retried', trials: [0], forgotten: [0, 1] });
  expect((await readSweep(folder)).trials).toMatchObject([{ number: 1, status: 'waiting', values: [] }]);
});

it('names damaged lines, and reads the others', async () => {
  journal(begun(0, 0));
  const path = join(folder, 'journal.jsonl');
  appendFileSync(path, '{"type":"recor\n{"type":"beg');
  const stopped = await readSweep(folder, { isRunning: () => false });
  expect(stopped.trials).toHaveLength(1);
  expect(stopped.warnings).toEqual([
    `line 2 of ${path} cannot be read and is passed over: {"type":"recor`,
    `line 3 of ${path} cannot be read and is passed over: {"type":"beg`,
  ]);
  // While a process writes, the last line may be on its way.
  expect((await readSweep(folder, { isRunning: () => true })).warnings).toHaveLength(1);
});

it('names a folder that is not that of a sweep, and a manifest that is damaged', async () => {
  writeFileSync(join(folder, 'sweep.json'), '{"schemaVersion":1');
  await expect(readSweep(folder)).rejects.toThrow('is not the manifest of a sweep, or was damaged');
  rmSync(join(folder, 'sweep.json'));
  await expect(readSweep(folder)).rejects.toThrow(`${folder} is not the folder of a sweep`);
});
