/** Commands on the folder of a sweep, which this file writes by hand. */
import { appendFileSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { minimize, random, uniform } from '@lockstep/search';
import { defineSweep, describeSweep, type JournalEntry, type SweepManifest } from '@lockstep/sweep';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { runCommandLine } from '../cli.ts';
import { recordingTerminal } from '../fixtures/recording.ts';
import { followCancelled, wishedToCancel } from './cancelled.ts';

const sweep = defineSweep({
  ...{ experiment: './some.ts', space: { rate: uniform(0, 1) }, search: random() },
  ...{ objective: minimize('validation/loss'), trials: 5, steps: 10 },
});
const manifest: SweepManifest = {
  ...{ schemaVersion: 1, name: 'some', file: '/some-sweep.ts', profile: 'fma', createdAt: '2026-11-30' },
  ...{ experiment: { file: '/some.ts', hash: 'ab' }, sweep: describeSweep(sweep) },
};
const begun = (trial: number): JournalEntry => ({
  ...{ type: 'begun', trial, repeat: 0, run: `run-${trial}`, generation: 0, params: { rate: trial / 8 } },
});
const recorded = (trial: number, value: number): JournalEntry => ({
  type: 'recorded',
  trial: {
    ...{ number: trial, generation: 0, params: { rate: trial / 8 } },
    result: { status: 'complete', values: [value], spreads: [null], steps: 10 },
  },
});
const failed: JournalEntry = {
  type: 'recorded',
  trial: {
    ...{ number: 2, generation: 0, params: { rate: 0.25 } },
    result: { status: 'failed', values: [], reason: 'seed 1: step 3 is not finite' },
  },
};

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'lockstep-sweep-'));
  writeFileSync(join(folder, 'sweep.json'), JSON.stringify(manifest));
  const entries = [begun(0), begun(1), begun(2), recorded(0, 2), recorded(1, 0.5), failed, begun(3)];
  writeFileSync(join(folder, 'journal.jsonl'), entries.map((entry) => `${JSON.stringify(entry)}\n`).join(''));
});
afterEach(() => rmSync(folder, { recursive: true }));

async function command(...argv: readonly string[]) {
  const terminal = recordingTerminal();
  const code = await runCommandLine(argv, terminal);
  return { code, out: terminal.out.text(), err: terminal.err.text() };
}

describe('lockstep sweep show', () => {
  it('shows a sweep that was stopped', async () => {
    const { out, code } = await command('sweep', 'show', `${folder}/`);
    expect(code).toBe(0);
    expect(out).toBe(`  some · random · 5 trials · profile fma
  ${folder}: was stopped; lockstep sweep --resume ${folder} goes on
  3 of 5 trials recorded: 2 finished, 1 failed; 1 waiting
  trial  status    validation/loss  steps   rate
      0  finished                2      0      0
      1  finished              0.5      0  0.125
      2  failed                  –      0   0.25
      3  waiting                 –      0  0.375
  trial 2: seed 1: step 3 is not finite
  best: trial 1, validation/loss 0.5, rate=0.125
`);
  });

  it('selects and sorts, as JSON too, and names damaged lines', async () => {
    const selected = ['--filter', 'status=finished', '--sort', 'validation/loss'];
    const { out } = await command('sweep', 'show', folder, ...selected);
    expect(out).toMatch(/\n {6}1 .*\n {6}0 .*\n {2}\(2 trials not selected\)/);
    appendFileSync(join(folder, 'journal.jsonl'), 'garbage\n');
    const json = await command('sweep', 'show', folder, '--json', ...selected);
    expect(JSON.parse(json.out)).toMatchObject({
      best: 1,
      trials: [{ number: 1, value: 0.5 }, { number: 0 }],
    });
    expect(json.err).toContain('line 8 of');
  });

  it('needs a folder, and takes no option of the command that trains', async () => {
    expect((await command('sweep', 'show')).err).toContain('<folder> is missing: folder of the sweep');
    expect((await command('sweep', 'show', folder, '--workers', '2')).err).toContain("unknown: 'workers'");
    expect((await command('sweep', 'show', '/nothing')).err).toContain('is not the folder of a sweep');
  });
});

describe('lockstep sweep cancel', () => {
  it('puts the wish on the disk, which the next process carries out', async () => {
    const { out } = await command('sweep', 'cancel', folder, '--trial', '3');
    expect(out).toContain('trial 3 is cancelled when the sweep goes on: lockstep sweep --resume');
    await command('sweep', 'cancel', folder, '--trial', '4', '--json');
    await command('sweep', 'cancel', folder, '--trial', '3');
    expect(wishedToCancel(folder)).toEqual([3, 4]);
    expect(readdirSync(join(folder, 'cancelled')).sort()).toEqual(['3', '4']);
  });

  it.each([
    ['1', 'trial 1 is finished already, which cannot be changed'],
    ['5', 'the sweep has 5 trials, of which the last one is 4; --trial is 5'],
  ])('refuses trial %s', async (trial, message) => {
    const { code, err } = await command('sweep', 'cancel', folder, '--trial', trial);
    expect([code, err]).toEqual([2, expect.stringContaining(message)]);
    expect(wishedToCancel(folder)).toEqual([]);
  });

  it('is followed by the process that trains', async () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
    try {
      await command('sweep', 'cancel', folder, '--trial', '4');
      const wishes: number[] = [];
      const stop = followCancelled(
        folder,
        (trial) => wishes.push(trial),
        () => expect.unreachable(),
      );
      expect(wishes).toEqual([4]);
      await command('sweep', 'cancel', folder, '--trial', '3');
      vi.advanceTimersByTime(2_000);
      stop();
      expect(wishes).toEqual([4, 3]);
    } finally {
      vi.useRealTimers();
    }
  });
});

describe('lockstep sweep fit', () => {
  it('needs a trial that was begun, and the code of the sweep', async () => {
    const fit = (...more: readonly string[]) =>
      command('sweep', 'fit', folder, '--run-root', join(folder, 'fits'), ...more);
    expect((await fit('--trial', '4')).err).toContain(`${folder} has no trial 4 that was begun`);
    expect((await fit()).err).toContain('experiment.mjs is missing or was changed');
    writeFileSync(join(folder, 'journal.jsonl'), '');
    expect((await fit()).err).toContain('no trial of');
  });
});

it('lockstep sweep refuses options that do not go together', async () => {
  expect((await command('sweep', 'x.ts', '--trials', '4')).err).toContain('--trials 4 needs --resume');
  const dry = await command('sweep', '--resume', 'x', '--dry-run');
  expect(dry.err).toContain('--dry-run is for the file of a new sweep; lockstep sweep show x');
  expect((await command('sweep')).err).toContain('takes the file of a new sweep, or --resume FOLDER');
});
