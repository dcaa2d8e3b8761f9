import { hostname } from 'node:os';
import type { Notice, Update } from '@lockstep/coordinator';
import type { WireError } from '@lockstep/errors';
import type { RunEvent } from '@lockstep/protocol';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { WorkerExit } from './local-workers.ts';
import { MAX_RESTARTS, RESTART_MS } from './restarts.ts';
import { createWatch } from './watch.ts';

// Only the delays before restarts use timers.
beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

const event = (one: RunEvent): Update => ({ type: 'event', event: one });
const generation = (...workers: readonly string[]): Update =>
  event({ type: 'generation', generation: 1, step: 0, source: 'init', workers, profile: 'portable' });
const lost = event({ type: 'lost', worker: 'a', reason: 'disconnected' });
const progress = (step: number): Update => ({ type: 'progress', step, report: {} });
const killed = (index: number, pid = 100 + index): WorkerExit => ({
  ...{ index, pid, code: null, signal: 'SIGKILL', tail: [] },
});
const ended = (index: number, code: number, ...tail: readonly string[]): WorkerExit => ({
  ...{ index, pid: 100 + index, code, signal: null, tail },
});

/** A watch over processes that live and end as the test says; `joined` counts the workers that the coordinator knows. */
function watched(numLocal: number, joined = numLocal) {
  const counts = { alive: numLocal, joined };
  const failures: WireError[] = [];
  const notices: Notice[] = [];
  const expected: number[] = [];
  const started: number[] = [];
  const watch = createWatch({
    fail: (error) => failures.push(error),
    numWorkers: () => counts.joined,
    notify: (notice) => notices.push(notice),
    expect: (workers) => expected.push(workers),
  });
  watch.start({
    numAlive: () => counts.alive,
    // Processes of other commands have numbers from 900 on.
    has: (pid) => pid < 900,
    start: (index) => {
      counts.alive++;
      started.push(index);
    },
  });
  /** Ends the process, and then its connection. */
  const die = (exit: WorkerExit): void => {
    counts.alive--;
    watch.lost(exit);
    counts.joined = Math.max(0, counts.joined - 1);
    watch.see(lost);
  };
  const join = (worker: string, pid: number): void => {
    counts.joined++;
    watch.see(event({ type: 'joined', worker, host: hostname(), pid, threads: 1 }));
  };
  return { watch, counts, failures, notices, expected, started, die, join };
}

describe('a watch over local workers', () => {
  it.each([
    ['before the first generation', []],
    ['between the first generation and its first step', [generation('a', 'b', 'c')]],
    ['in mid-run', [generation('a', 'b', 'c'), progress(1)]],
  ])('starts a worker again that is lost %s, while the others go on', (_when, updates) => {
    const { watch, failures, notices, started, die } = watched(3);
    for (const update of updates) watch.see(update);
    die(killed(1));
    expect(notices).toMatchObject([
      {
        type: 'workerRestarting',
        message: 'worker 1 was killed by SIGKILL; it is started again in 0.5 s (1 of 3 times without a step)',
        facts: { index: 1, signal: 'SIGKILL', attempt: 1 },
      },
    ]);
    vi.advanceTimersByTime(RESTART_MS - 1);
    expect(started).toEqual([]);
    vi.advanceTimersByTime(1);
    expect(started).toEqual([1]);
    expect(failures).toEqual([]);
  });

  it('starts the only worker again', () => {
    const { failures, started, die } = watched(1);
    die(killed(0));
    vi.advanceTimersByTime(RESTART_MS);
    expect(started).toEqual([0]);
    expect(failures).toEqual([]);
  });

  it('doubles the delay each time, gives up a worker that never does a step, and goes on with fewer', () => {
    const { failures, notices, expected, started, die, join } = watched(3);
    for (let times = 0; times < MAX_RESTARTS; times++) {
      die(killed(2, 200 + times));
      vi.advanceTimersByTime(RESTART_MS * 2 ** times - 1);
      expect(started).toHaveLength(times);
      vi.advanceTimersByTime(1);
      expect(started).toHaveLength(times + 1);
      join('c', 201 + times);
    }
    expect(expected).toEqual([]);
    die(killed(2, 203));
    expect(notices.at(-1)).toMatchObject({
      type: 'workerGivenUp',
      message:
        'worker 2 was killed by SIGKILL; it was started again 3 times without a step, so it is not started again: 2 workers of this command are left',
    });
    // The first step needs no more workers than there are.
    expect(expected).toEqual([2]);
    vi.runAllTimers();
    expect(started).toHaveLength(MAX_RESTARTS);
    expect(failures).toEqual([]);
  });

  it('counts restarts anew for a worker that has done a step', () => {
    const { watch, notices, started, die, join } = watched(2, 0);
    for (let times = 0; times < 10; times++) {
      join(`a${times}`, 300 + times);
      watch.see(generation(`a${times}`, 'b'));
      watch.see(progress(times + 1));
      die(killed(0, 300 + times));
      vi.runAllTimers();
    }
    expect(started).toHaveLength(10);
    expect(new Set(notices.map(({ facts }) => facts?.attempt))).toEqual(new Set([1]));
  });

  it('ends the run when no worker is left and all restarts are used up', () => {
    const { failures, die } = watched(1);
    for (let times = 0; times <= MAX_RESTARTS; times++) {
      expect(failures).toEqual([]);
      die(killed(0));
      vi.runAllTimers();
    }
    expect(failures).toMatchObject([
      { code: 'lost', message: 'no worker is left: worker 0 was killed by SIGKILL' },
    ]);
  });

  it('goes on with the others when a worker is refused before the first step', () => {
    const { watch, failures, expected, started, die, join } = watched(2, 0);
    join('a', 100);
    join('b', 101);
    watch.see(
      event({ type: 'refused', worker: 'b', code: 'failed', message: 'loading failed on b: no file' }),
    );
    die(ended(1, 3));
    vi.runAllTimers();
    expect(failures).toEqual([]);
    expect(expected).toEqual([1]);
    expect(started).toEqual([]);
  });

  it.each(['data', 'programs'] as const)('ends a run whose workers differ in their %s', (code) => {
    const { watch, failures, join, die } = watched(2, 0);
    join('a', 100);
    join('b', 101);
    watch.see(event({ type: 'refused', worker: 'b', code, message: 'it differs' }));
    // Without this error the coordinator would go on with the other worker.
    expect(failures).toMatchObject([{ code: 'refused', message: 'it differs' }]);
    watch.see(generation('a'));
    die(ended(1, 3));
    expect(failures).toHaveLength(1);
  });

  it.each([
    ['of another command', false, undefined],
    ['that was started again', true, generation('a')],
  ])('does not end a run when a worker %s differs', (_which, isOwn, before) => {
    const { watch, failures, join } = watched(2, 0);
    join('a', 100);
    if (before !== undefined) watch.see(before);
    join('b', isOwn ? 101 : 999);
    watch.see(event({ type: 'refused', worker: 'b', code: 'programs', message: 'it differs' }));
    expect(failures).toEqual([]);
  });

  it('gives the reason for which the last worker was refused', () => {
    const { watch, failures, die, join } = watched(1, 0);
    join('a', 100);
    watch.see(generation('a'));
    watch.see(event({ type: 'refused', worker: 'a', code: 'programs', message: 'the experiment differs' }));
    die(ended(0, 3));
    expect(failures).toMatchObject([
      { code: 'refused', message: 'no worker is left: the experiment differs' },
    ]);
  });

  it.each(['process first', 'connection first'])('ends the run once when no worker is left: %s', (order) => {
    const { watch, counts, failures } = watched(1);
    watch.see(generation('a'));
    const steps = [
      () => {
        counts.alive = 0;
        watch.lost(ended(0, 1, 'out of memory'));
      },
      () => {
        counts.joined = 0;
        watch.see(lost);
      },
    ];
    for (const step of order === 'process first' ? steps : steps.reverse()) step();
    expect(failures).toMatchObject([
      { code: 'lost', message: 'no worker is left: worker 0 ended with exit code 1\n    out of memory' },
    ]);
  });

  it('ends a run that has not begun when a worker fails by itself, with its last messages', () => {
    const { failures, die } = watched(2);
    die(ended(1, 1, 'no such module'));
    expect(failures).toMatchObject([
      { code: 'lost', message: 'worker 1 ended with exit code 1\n    no such module' },
    ]);
  });

  it('reports a worker that was refused', () => {
    const { failures, die } = watched(1, 0);
    die(ended(0, 3));
    expect(failures.map(({ code }) => code)).toEqual(['refused']);
  });

  it.each([1, 2, 3, 6])(
    'does not start a worker again that ended with code %i while the others run',
    (code) => {
      const { watch, failures, notices, started, die } = watched(2);
      watch.see(generation('a', 'b'));
      die(ended(1, code));
      vi.runAllTimers();
      expect(notices.map(({ type }) => type)).toEqual(['workerGivenUp']);
      expect(started).toEqual([]);
      expect(failures).toEqual([]);
    },
  );

  it.each([0, 4, 134])('starts a worker again that ended with code %i', (code) => {
    const { started, die } = watched(2);
    die(ended(0, code));
    vi.runAllTimers();
    expect(started).toEqual([0]);
  });

  it('goes on with outside workers when the last local one is gone', () => {
    const { watch, failures, die } = watched(1, 2);
    watch.see(generation('a', 'x'));
    die(ended(0, 1));
    expect(failures).toEqual([]);
    expect(watch.profile()).toBe('portable');
  });

  it.each(['the run is over', 'it is stopped', 'an error ends it'])('starts no worker when %s', (why) => {
    const { watch, failures, started, die } = watched(2);
    die(killed(0));
    if (why === 'it is stopped') watch.stop();
    else if (why === 'an error ends it') watch.see(event({ type: 'failing', message: 'no memory' }));
    else watch.see({ type: 'done', outcome: { reason: 'interrupted', step: 1 } });
    die(killed(1));
    vi.runAllTimers();
    expect(started).toEqual([]);
    expect(failures).toEqual([]);
  });
});
