import type { Update } from '@lockstep/coordinator';
import type { WireError } from '@lockstep/errors';
import type { RunEvent } from '@lockstep/protocol';
import { describe, expect, it } from 'vitest';
import type { WorkerExit } from './local-workers.ts';
import { createWatch } from './watch.ts';

const event = (one: RunEvent): Update => ({ type: 'event', event: one });
const generation = event({
  type: 'generation',
  generation: 1,
  step: 0,
  source: 'init',
  workers: ['a'],
  profile: 'portable',
});
const lost = event({ type: 'lost', worker: 'a', reason: 'disconnected' });
const killed: WorkerExit = { index: 0, code: null, signal: 'SIGKILL', tail: [] };

function watched(counts: { alive: number; joined: number }) {
  const failures: WireError[] = [];
  const watch = createWatch({ fail: (error) => failures.push(error), numWorkers: () => counts.joined });
  watch.start({ numAlive: () => counts.alive });
  return { watch, failures };
}

describe('a watch over local workers', () => {
  it('ends a run whose worker dies before the first step, with its last words', () => {
    const { watch, failures } = watched({ alive: 1, joined: 1 });
    watch.lost({ index: 1, code: 1, signal: null, tail: ['out of memory'] });
    expect(failures).toMatchObject([
      { code: 'lost', message: 'worker 1 ended with exit code 1\n    out of memory' },
    ]);
  });

  it('tells a worker that was refused', () => {
    const { watch, failures } = watched({ alive: 0, joined: 0 });
    watch.lost({ ...killed, code: 3, signal: null });
    expect(failures.map(({ code }) => code)).toEqual(['refused']);
  });

  it('lets the others go on when one is turned away before the first step', () => {
    const { watch, failures } = watched({ alive: 1, joined: 1 });
    watch.see(
      event({ type: 'refused', worker: 'a', code: 'failed', message: 'loading failed on b: no file' }),
    );
    watch.lost({ ...killed, code: 3, signal: null });
    expect(failures).toEqual([]);
  });

  it.each(['data', 'programs'] as const)('ends a run whose workers differ in their %s', (code) => {
    const { watch, failures } = watched({ alive: 1, joined: 1 });
    watch.see(event({ type: 'refused', worker: 'a', code, message: 'it differs' }));
    watch.lost({ ...killed, code: 3, signal: null });
    expect(failures).toMatchObject([{ code: 'refused', message: 'it differs' }]);
  });

  it('says why the last one was turned away', () => {
    const { watch, failures } = watched({ alive: 0, joined: 0 });
    watch.see(generation);
    watch.see(event({ type: 'refused', worker: 'a', code: 'programs', message: 'the experiment differs' }));
    watch.lost({ ...killed, code: 3, signal: null });
    expect(failures).toMatchObject([
      { code: 'refused', message: 'no worker is left: the experiment differs' },
    ]);
  });

  it('lets the others go on', () => {
    const { watch, failures } = watched({ alive: 1, joined: 1 });
    watch.see(generation);
    watch.lost(killed);
    watch.see(lost);
    expect(failures).toEqual([]);
    expect(watch.profile()).toBe('portable');
  });

  it('lets outside workers go on when the last local one is gone', () => {
    const { watch, failures } = watched({ alive: 0, joined: 1 });
    watch.see(generation);
    watch.lost(killed);
    expect(failures).toEqual([]);
  });

  it.each(['process first', 'connection first'])('ends the run once when nobody is left: %s', (order) => {
    const counts = { alive: 1, joined: 1 };
    const { watch, failures } = watched(counts);
    watch.see(generation);
    const steps = [
      () => {
        counts.alive = 0;
        watch.lost(killed);
      },
      () => {
        counts.joined = 0;
        watch.see(lost);
      },
    ];
    for (const step of order === 'process first' ? steps : steps.reverse()) step();
    expect(failures).toMatchObject([
      { code: 'lost', message: 'no worker is left: worker 0 was killed by SIGKILL' },
    ]);
  });

  it('says nothing of workers that leave when the run is over', () => {
    const { watch, failures } = watched({ alive: 0, joined: 0 });
    watch.see({ type: 'done', outcome: { reason: 'interrupted', step: 1 } });
    watch.lost({ ...killed, code: 0, signal: null });
    expect(failures).toEqual([]);
  });
});
