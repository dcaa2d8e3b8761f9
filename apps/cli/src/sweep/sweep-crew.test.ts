/** Workers from outside, without any process. */
import type { Pool, PoolUpdate } from '@lockstep/coordinator';
import { expect, it } from 'vitest';
import { startCrew } from './sweep-crew.ts';

it('counts the workers that join from outside, and tells of those that leave or are refused', () => {
  const listeners = new Set<(update: PoolUpdate) => void>();
  const pool = {
    endpoint: 'tcp://127.0.0.1:7070',
    onUpdate(listener: (update: PoolUpdate) => void) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  } as unknown as Pool;
  const notes: string[] = [];
  let numChanges = 0;
  const note = (message: string) => void notes.push(message);
  const onChange = () => void numChanges++;
  const crew = startCrew(
    { folder: '/x', workers: 0, threads: 1, keysFolder: undefined, note, onChange },
    pool,
  );
  const tell = (update: PoolUpdate) => {
    for (const listener of listeners) listener(update);
  };
  const joined = (worker: string): PoolUpdate => ({
    type: 'event',
    event: { type: 'joined', worker, host: 'far', pid: 7, threads: 4 },
  });
  expect(crew.numPlaces()).toBe(0);
  tell(joined('aaaaaaaa-1'));
  tell(joined('bbbbbbbb-2'));
  expect([crew.numPlaces(), numChanges]).toEqual([2, 2]);
  tell({ type: 'event', event: { type: 'lost', worker: 'aaaaaaaa-1', reason: 'silent' } });
  tell({ type: 'event', event: { type: 'lost', worker: 'unknown', reason: 'silent' } });
  const message = 'this worker has profile portable, the run has fma';
  tell({ type: 'event', event: { type: 'refused', worker: 'cccccccc-3', code: 'profile', message } });
  expect(crew.numPlaces()).toBe(1);
  crew.dismiss();
  tell(joined('dddddddd-4'));
  expect(notes).toEqual([
    '+ worker aaaaaaaa joined from far with 4 threads',
    '+ worker bbbbbbbb joined from far with 4 threads',
    '! worker aaaaaaaa is gone (silent)',
    `! worker cccccccc was refused: ${message}`,
  ]);
});
