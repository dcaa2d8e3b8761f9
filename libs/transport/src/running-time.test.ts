import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { afterRunning } from './running-time.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

it('does not count the time in which the process was suspended', () => {
  let pausedMs = 0;
  const action = vi.fn();
  afterRunning(1_000, action, () => Date.now() + pausedMs);
  vi.advanceTimersByTime(500);
  pausedMs = 90_000;
  vi.advanceTimersByTime(300);
  expect(action).not.toHaveBeenCalled();
  vi.advanceTimersByTime(200);
  expect(action).toHaveBeenCalledOnce();
  vi.advanceTimersByTime(2_000);
  expect(action).toHaveBeenCalledOnce();
});

it('can be cancelled', () => {
  const action = vi.fn();
  afterRunning(1_000, action, Date.now)();
  vi.advanceTimersByTime(5_000);
  expect(action).not.toHaveBeenCalled();
});
