/** Virtual time: actions run in order of time, and at the same time in the order in which they were requested. */

export interface Clock {
  now(): number;
  after(delayMs: number, action: () => void): void;
  at(timeMs: number, action: () => void): void;
  /** Runs the next action. False: there is none. */
  runNext(): boolean;
}

interface Due {
  readonly timeMs: number;
  readonly action: () => void;
}

export function createClock(): Clock {
  let nowMs = 0;
  /** Latest first, so that the next action is at the end. */
  const queue: Due[] = [];

  const at = (timeMs: number, action: () => void): void => {
    let low = 0;
    let high = queue.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (queue[middle]!.timeMs > timeMs) low = middle + 1;
      else high = middle;
    }
    queue.splice(low, 0, { timeMs: Math.max(timeMs, nowMs), action });
  };

  return {
    now: () => nowMs,
    at,
    after: (delayMs, action) => at(nowMs + delayMs, action),
    runNext: () => {
      const due = queue.pop();
      if (due === undefined) return false;
      nowMs = due.timeMs;
      due.action();
      return true;
    },
  };
}
