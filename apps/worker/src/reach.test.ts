import { LockstepError } from '@lockstep/errors';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { exitCodeOf } from './exit-codes.ts';
import { Absent, createReaching } from './reach.ts';

const endpoint = 'tcp://coordinator:7070';
const nobody = (): Promise<never> => Promise.reject(new LockstepError('address', 'ENOTFOUND coordinator'));

beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] }));
afterEach(() => void vi.useRealTimers());

describe('reaching a coordinator', () => {
  it('tries once when it has no time to wait', async () => {
    const step = vi.fn(nobody);
    const { attempt } = createReaching({ endpoint, waitMs: 0 });
    await expect(attempt(step)).rejects.toThrow(
      'no coordinator (tried once; --wait gives it more time): ENOTFOUND coordinator',
    );
    expect(step).toHaveBeenCalledOnce();
    expect(step).toHaveBeenCalledWith(5_000);
  });

  it('gives an attempt all of the time: a socket tries again by itself', async () => {
    const { attempt, end } = createReaching({ endpoint, waitMs: 300_000 });
    expect(await attempt(async (remainingMs) => remainingMs)).toBe(300_000);
    end();
  });

  it('does not repeat an attempt that time does not mend', async () => {
    const step = vi.fn(() => Promise.reject(new LockstepError('credentials', 'refused')));
    const { attempt, end } = createReaching({ endpoint, waitMs: 300_000 });
    await expect(attempt(step)).rejects.toMatchObject({ code: 'credentials' });
    expect(step).toHaveBeenCalledOnce();
    end();
  });

  it('stops waiting when it is told to leave', async () => {
    const { attempt, end } = createReaching({ endpoint, waitMs: 300_000, signal: AbortSignal.abort() });
    await expect(attempt(nobody)).rejects.toMatchObject({ code: 'lost' });
    end();
  });

  it('says once that it waits, and for what', () => {
    const onWaiting = vi.fn();
    const { end } = createReaching({ endpoint, waitMs: 300_000, onWaiting });
    expect(onWaiting).not.toHaveBeenCalled();
    vi.advanceTimersByTime(100_000);
    expect(onWaiting.mock.calls).toEqual([
      ['waiting for the coordinator at tcp://coordinator:7070, for 300 s'],
    ]);
    end();
  });
});

it('repeats an attempt whose name does not resolve yet', async () => {
  vi.useRealTimers();
  let numTries = 0;
  const { attempt, end } = createReaching({ endpoint, waitMs: 300_000 });
  expect(await attempt(() => (++numTries < 3 ? nobody() : Promise.resolve('10.0.0.7')))).toBe('10.0.0.7');
  end();
});

it('a worker without a coordinator ends with a code of its own', () => {
  expect(new Absent(endpoint, 300_000, new LockstepError('address', 'nothing answers')).message).toContain(
    'waited for 300 s',
  );
  expect(exitCodeOf({ type: 'exit', reason: 'coordinatorAbsent' })).toBe(6);
  expect(exitCodeOf({ type: 'exit', reason: 'coordinatorLost' })).toBe(4);
});
