import { minimize, type RecordedTrial, random, uniform } from '@lockstep/search';
import { defineSweep, type SweepRun } from '@lockstep/sweep';
import { expect, it } from 'vitest';
import { recordingStream } from '../fixtures/recording.ts';
import { screenOf } from '../fixtures/screen.ts';
import { createPeopleSweepDisplay, type SweepStart } from './sweep-display.ts';

const sweep = defineSweep({
  ...{ experiment: './some.ts', space: { rate: uniform(0, 1) }, search: random() },
  ...{ objective: minimize('validation/loss'), trials: 3 },
});
const start = (workers: number, endpoint: string): SweepStart => ({
  ...{ folder: 'runs/s', name: 'some', sweep, profile: 'fma', workers, threads: 1, endpoint },
  ...{ join: endpoint, recorded: [] },
});
const run: SweepRun = { trial: 0, repeat: 0, seed: 1, params: { rate: 0.5 } };
const trial = (status: 'complete' | 'cancelled'): RecordedTrial => ({
  ...{ number: 0, generation: 0, params: { rate: 0.5 } },
  result: { status, values: status === 'complete' ? [2] : [] },
});

it('says how workers join, where they can', () => {
  const linesOf = (workers: number, endpoint: string) => {
    const out = recordingStream();
    createPeopleSweepDisplay(out).started(start(workers, endpoint));
    return out.text().split('\n').slice(2).join('\n');
  };
  expect(linesOf(1, 'tcp://127.0.0.1:5')).toBe('');
  expect(linesOf(0, 'tcp://127.0.0.1:5')).toBe('  waiting for workers: lockstep worker --join 127.0.0.1:5\n');
  expect(linesOf(2, 'tcp://10.0.0.5:7070')).toBe(
    '  more workers may join: lockstep worker --join 10.0.0.5:7070\n',
  );
});

it('writes a line for each trial where there is no terminal, and nothing that moves', () => {
  const out = recordingStream();
  const display = createPeopleSweepDisplay(out);
  display.started(start(1, 'tcp://127.0.0.1:5'));
  display.begun(run, 'run-0');
  display.step?.(run, 3, 10);
  display.ranUntil?.(run);
  display.recorded(trial('complete'));
  display.recorded({ ...trial('cancelled'), number: 1 });
  expect(out.text()).toBe(`  some · random · 3 trials · profile fma · 1 worker × 1 thread
  runs/s
  trial   0  validation/loss 2  rate=0.5
  trial   1  validation/loss cancelled  rate=0.5
`);
});

it('moves lines on a terminal, now and then, and removes them at the end and at an error', () => {
  for (const end of ['ended', 'failed'] as const) {
    const out = recordingStream(true, 80);
    let time = 0;
    const display = createPeopleSweepDisplay(out, () => time);
    const shown = () => screenOf(out.text(), 80).filter((text) => text !== '');
    display.started(start(1, 'tcp://127.0.0.1:5'));
    display.begun(run, 'run-0');
    expect(shown().at(-1)).toBe('  ▕                    ▏ 0/3 trials');
    time = 100;
    display.step?.(run, 3, 10);
    expect(shown().slice(-2)).toEqual([
      '  trial  status   validation/loss  steps  rate',
      '      0  running                –   3/10   0.5',
    ]);
    display.recorded(trial('complete'));
    if (end === 'failed') display.failed('runs/s');
    else display.ended({ type: 'interrupted', numRecorded: 1, folder: 'runs/s' });
    expect(shown()).toEqual([
      '  some · random · 3 trials · profile fma · 1 worker × 1 thread',
      '  runs/s',
      '  trial   0  validation/loss 2  rate=0.5',
      expect.stringContaining('lockstep sweep --resume runs/s goes on'),
    ]);
  }
});
