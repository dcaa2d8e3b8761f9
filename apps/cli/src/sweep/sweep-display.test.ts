import { minimize, type RecordedTrial, random, uniform } from '@lockstep/search';
import { defineSweep, type SweepRun } from '@lockstep/sweep';
import { expect, it } from 'vitest';
import { recordingStream } from '../fixtures/recording.ts';
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
  display.step(run, 3, 10);
  display.ranUntil(run);
  display.recorded(trial('complete'));
  display.recorded({ ...trial('cancelled'), number: 1 });
  expect(out.text()).toBe(`  some · random · 3 trials · profile fma · 1 worker × 1 thread
  runs/s
  trial   0  validation/loss 2  rate=0.5
  trial   1  validation/loss cancelled  rate=0.5
`);
});

it('moves lines on a terminal, and removes them at the end and at an error', () => {
  for (const end of ['ended', 'failed'] as const) {
    const out = recordingStream(true, 60);
    const display = createPeopleSweepDisplay(out);
    display.started(start(1, 'tcp://127.0.0.1:5'));
    display.begun(run, 'run-0');
    display.recorded(trial('complete'));
    expect(out.text()).toContain('1/3 trials');
    if (end === 'failed') display.failed('runs/s');
    else display.ended({ type: 'interrupted', numRecorded: 1, folder: 'runs/s' });
    const [last] = out.text().split('\x1b[J').slice(-1);
    expect(last).toMatch(/^ {2}.*lockstep sweep --resume runs\/s goes on\n$/);
  }
});
