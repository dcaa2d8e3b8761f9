import type { JournalEntry } from '@lockstep/sweep';
import { expect, it } from 'vitest';
import { placeOfSweep } from './sweep-place.ts';

const started = (bind: string, endpoint: string, keys = false): JournalEntry => ({
  ...{ type: 'started', time: '2026-11-30', bind, endpoint, keys },
});
const place = (entries: readonly JournalEntry[], asked = {}) => placeOfSweep('runs/s', entries, asked);

it('a new sweep listens on this machine, or where it is told', () => {
  expect(place([])).toEqual({ bind: 'tcp://127.0.0.1:0' });
  expect(place([], { bind: 'tcp://10.0.0.5:7070' })).toEqual({ bind: 'tcp://10.0.0.5:7070' });
});

it('a sweep that goes on takes its newest address again, where its workers look for it', () => {
  const older = started('tcp://127.0.0.1:0', 'tcp://127.0.0.1:1111');
  const fixed = started('tcp://10.0.0.5:7070', 'tcp://10.0.0.5:7070');
  expect(place([older, fixed])).toEqual({ bind: 'tcp://10.0.0.5:7070' });
  // Any port was asked for, so another one does as well.
  expect(place([fixed, older])).toEqual({ bind: 'tcp://127.0.0.1:1111', otherwiseBind: 'tcp://127.0.0.1:0' });
  expect(place([fixed], { bind: 'tcp://127.0.0.1:0' })).toEqual({ bind: 'tcp://127.0.0.1:0' });
});

it('needs the keys with which it was served there', () => {
  const keyed = started('tcp://10.0.0.5:7070', 'tcp://10.0.0.5:7070', true);
  expect(() => place([keyed])).toThrow('name their folder with --keys');
  expect(place([keyed], { keys: 'keys' })).toEqual({ bind: 'tcp://10.0.0.5:7070' });
  expect(place([keyed], { bind: 'tcp://127.0.0.1:0' })).toEqual({ bind: 'tcp://127.0.0.1:0' });
});
