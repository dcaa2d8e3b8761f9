import type { Update } from '@lockstep/coordinator';
import type { RunEvent } from '@lockstep/protocol';
import { describe, expect, it } from 'vitest';
import { recordingStream } from '../fixtures/recording.ts';
import { screenOf } from '../fixtures/screen.ts';
import type { RunInfo } from './display.ts';
import { createPeopleDisplay } from './people.ts';

const info: RunInfo = {
  name: 'mnist-cnn',
  run: 'runs/r',
  endpoint: 'tcp://0.0.0.0:7070',
  join: 'tcp://10.0.0.5:7070',
  config: {
    seed: 1,
    numShards: 8,
    batchSize: 256,
    epochs: null,
    steps: 4,
    limitSamples: null,
    fingerprintEvery: 50,
    checkpointEvery: 200,
  },
  localWorkers: 2,
  threads: 1,
  minWorkers: 2,
};
const event = (one: RunEvent): Update => ({ type: 'event', event: one });
const generation = (number: number, step: number, workers: string[]): Update =>
  event({ type: 'generation', generation: number, step, source: 'init', workers, profile: 'portable' });
const progress = (step: number, hashes = {}): Update => ({
  type: 'progress',
  step,
  report: { metrics: { loss: 1 / step }, chain: '884b'.repeat(16) },
  ...hashes,
});
const done = {
  type: 'done',
  steps: 4,
  profile: 'portable',
  fingerprint: '3f9c'.repeat(16),
  chain: '77e0'.repeat(16),
  metrics: { 'test/accuracy': 0.986 },
  samplesPerSecond: 1840,
  run: 'runs/r',
} as const;

function shown(isTTY: boolean, columns = 60, isQuiet = false) {
  const out = recordingStream(isTTY, columns);
  let time = 0;
  const display = createPeopleDisplay(out, { isQuiet, now: () => time });
  const at = (ms: number, update: Update) => {
    time = ms;
    display.update(update);
  };
  return { display, at, text: out.text };
}

describe('a display for people', () => {
  it('writes a header, a line now and then, events, and the result', () => {
    const { display, at, text } = shown(false);
    display.started(info);
    at(0, event({ type: 'joined', worker: 'w0', host: 'here', pid: 1, threads: 1 }));
    at(0, generation(1, 0, ['w0', 'w1']));
    at(1_000, progress(1));
    at(2_000, progress(2));
    at(3_000, event({ type: 'lost', worker: 'aaaaaaaa-bbbb', reason: 'disconnected' }));
    at(3_000, generation(2, 2, ['w0']));
    at(6_500, progress(3));
    at(7_000, progress(4));
    display.ended(done);
    expect(text().split('\n')).toEqual([
      '  mnist-cnn · seed 1 · profile portable · 2 workers × 1 thread · 8 shards of 32 rows',
      '  step 1/4 ▕█████               ▏ 25%  loss 1.000 ▁',
      '  ! worker aaaaaaaa is gone (disconnected)',
      '  generation 2: 1 worker go on after step 2',
      expect.stringMatching(/^ {2}step 3\/4 ▕█+ +▏ 75% {2}loss 0\.3333 █▃▁ {2}\d+ samples\/s {2}0:0\d left$/),
      expect.stringMatching(/^ {2}step 4\/4 ▕█{20}▏100% {2}loss 0\.2500 █▃▂▁ {2}\d+ samples\/s$/),
      '  ✓ test accuracy 98.6%   portable:3f9c3f9c…3f9c (chain 77e077e0…77e0)   run runs/r',
      '',
    ]);
  });

  it('shows the chain behind a fingerprint, and no chain where the run has none', () => {
    const { at, text, display } = shown(false);
    display.started(info);
    at(0, generation(1, 0, ['w0', 'w1']));
    at(1_000, progress(1));
    at(7_000, progress(2, { fingerprint: '3f9c'.repeat(16) }));
    display.ended({ ...done, chain: '' });
    const lines = text().split('\n');
    expect(lines[1]).toMatch(/^ {2}step 1\/4 .* loss 1\.000 ▁$/);
    expect(lines[2]).toMatch(/^ {2}step 2\/4 .* 3f9c3f9c…3f9c \(chain 884b884b…884b\)$/);
    expect(lines.at(-2)).toBe('  ✓ test accuracy 98.6%   portable:3f9c3f9c…3f9c   run runs/r');
  });

  it('moves one line on a terminal, and keeps other lines above it', () => {
    const { display, at, text } = shown(true);
    display.started(info);
    at(0, generation(1, 0, ['w0', 'w1']));
    at(200, progress(1));
    at(250, progress(2));
    at(400, progress(3));
    at(450, { type: 'turnedAway', reason: '10.0.0.9: its key is not in the allow-list' });
    display.ended({ type: 'interrupted', step: 3, run: 'runs/r' });
    // Renders the output as a terminal does: a cleared line starts again.
    const lines = text()
      .split('\n')
      .map((line) => line.split('\r\x1b[2K').at(-1));
    expect(text()).not.toContain('step 2/4');
    expect(lines).toEqual([
      '  mnist-cnn · seed 1 · profile portable ·',
      '    2 workers × 1 thread · 8 shards of 32 rows',
      '  ! a connection was refused: 10.0.0.9: its key is not in',
      '    the allow-list',
      expect.stringMatching(/^ {2}step 3\/4 .*75%/),
      '  ■ stopped; step 3 is saved   run runs/r',
      '    go on with: lockstep resume runs/r',
      '',
    ]);
    for (const line of text().split(/\r|\n/)) {
      if (line.includes('step ')) expect(line.replace('\x1b[2K', '').length).toBeLessThan(60);
    }
  });

  const work = (worker: string, rank: number, computeMs: number): Update => ({
    ...{ type: 'work', worker, generation: 1, step: 1 },
    work: { rank, shards: 4, stepMs: 40, computeMs, waitMs: 36 - computeMs, networkMs: 4 },
  });

  it('shows below the moving line for whom members wait, and elsewhere behind it', () => {
    const run = (isTTY: boolean) => {
      const { display, at, text } = shown(isTTY, 80);
      display.started(info);
      at(0, generation(1, 0, ['w0', 'w1']));
      at(200, work('w0', 0, 26));
      at(200, work('w1', 1, 36));
      at(6_000, progress(1));
      at(6_100, event({ type: 'lost', worker: 'w1', reason: 'left' }));
      return { text: text(), display };
    };
    const screen = screenOf(run(true).text, 80);
    expect(screen.slice(2)).toEqual([
      '  ! worker w1 is gone (left)',
      expect.stringMatching(/^ {2}step 1\/4 .* loss 1\.000 ▁$/),
      '  40 ms a step, 1 member waits 10 ms for rank 1   █ compute ▒ wait ░ network',
      '  0 █████████████▒▒▒▒▒░░ 26 ms  1 ██████████████████░░ 36 ms',
    ]);
    expect(run(false).text).toMatch(/step 1\/4 .* loss 1\.000 ▁ {2}others wait 10 ms of 40 ms for rank 1\n/);
  });

  it.each([40, 80, 200])('never breaks the name of a run, in %d columns', (columns) => {
    const run = 'runs/2026-11-30-my-model-3f9c';
    const { display, at, text } = shown(true, columns);
    display.started({ ...info, name: 'a name with spaces', run });
    at(0, generation(1, 0, ['w0', 'w1']));
    at(200, progress(4));
    display.ended({ ...done, run });
    display.ended({ type: 'interrupted', step: 3, run });
    display.ended({ type: 'failed', error: { code: 'lost', message: 'x', facts: {} }, step: 2, run });
    const screen = screenOf(text(), columns);
    expect(screen.filter((line) => line.includes(run))).toHaveLength(5);
    expect(screen.filter((line) => line.includes('a name with spaces'))).toHaveLength(1);
    for (const line of text().split('\n')) expect(screenOf(line, columns)).toHaveLength(1);
  });

  it('shows addresses, warnings and the result alone if it is to be quiet', () => {
    for (const isTTY of [true, false]) {
      const { display, at, text } = shown(isTTY, 100, true);
      display.started({ ...info, localWorkers: 0 });
      display.page('http://127.0.0.1:8080/');
      display.note('a note');
      at(0, event({ type: 'joined', worker: 'w0', host: 'there', pid: 1, threads: 4 }));
      at(0, generation(1, 0, ['w0', 'w1']));
      at(6_000, progress(1));
      at(7_000, event({ type: 'lost', worker: 'aaaaaaaa-bbbb', reason: 'silent' }));
      display.ended(done);
      expect(text().split('\n')).toEqual([
        '  waiting for workers: lockstep worker --join 10.0.0.5:7070',
        '  page  http://127.0.0.1:8080/',
        '  ! worker aaaaaaaa is gone (silent)',
        '  ✓ test accuracy 98.6%   portable:3f9c3f9c…3f9c (chain 77e077e0…77e0)   run runs/r',
        '',
      ]);
    }
  });

  it('shows where workers join, and which workers and threads are spare', () => {
    const waiting = shown(false);
    waiting.display.started({ ...info, localWorkers: 0 });
    waiting.at(0, event({ type: 'joined', worker: 'w0', host: 'there', pid: 1, threads: 4 }));
    expect(waiting.text()).toBe(
      '  waiting for workers: lockstep worker --join 10.0.0.5:7070\n  + worker w0 joined from there with 4 threads\n',
    );
    const many = shown(false);
    many.display.started({ ...info, threads: 5 });
    many.at(0, generation(1, 0, ['w0', 'w1']));
    expect(many.text()).toContain('  2 workers × 5 threads for 8 shards: 2 are spares\n');
  });

  it('shows notices, also before the first step', () => {
    const { display, at, text } = shown(false);
    display.started(info);
    at(0, { type: 'notice', notice: { type: 'workerRestarting', message: 'worker 1 is started again' } });
    expect(text()).toBe('  ! worker 1 is started again\n');
  });

  it('shows how to go on when workers are lost, but not when the experiment is wrong', () => {
    const failed = (code: 'file' | 'lost' | 'shape') => {
      const { display, text } = shown(false);
      display.ended({ type: 'failed', error: { code, message: 'x', facts: {} }, step: 2, run: 'runs/r' });
      return text();
    };
    expect(failed('lost')).toBe(
      '  ✗ failed after step 2   run runs/r\n    go on with: lockstep resume runs/r\n',
    );
    expect(failed('file')).toContain('go on with: lockstep resume runs/r');
    expect(failed('shape')).toBe('  ✗ failed after step 2   run runs/r\n');
  });

  it('shows what is not finite, what stopped the run, and what is saved', () => {
    const { display, text, at } = shown(false);
    at(0, event({ type: 'nonFiniteState', step: 8, what: ['parameter w'], from: 0 }));
    at(0, event({ type: 'nonFinite', cause: 'update', step: 3, what: ['parameter w'] }));
    const message = 'the evaluation after step 2 is not finite: validation/loss';
    at(0, { type: 'notice', notice: { type: 'nonFiniteEvaluation', message } });
    const ending = { step: 3, cause: 'update', what: ['parameter w'], message: 'm', run: 'runs/r' } as const;
    display.ended({ type: 'stoppedNonFinite', ...ending });
    expect(text().split('\n')).toEqual([
      '  ! parameter w is not finite after step 8: going back to step 0 to find the update that caused it',
      '  ! the update of step 3 makes parameter w non-finite; stopping after step 2',
      '  ! the evaluation after step 2 is not finite: validation/loss',
      '  ✗ stopped: step 3 is not finite (parameter w)   run runs/r',
      '    m',
      '    step 2 is saved; step 3 would stop the run again unless the experiment or its data change',
      '',
    ]);
  });
});
