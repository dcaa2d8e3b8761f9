/** A process that can stand still: what happens to it meanwhile happens, in order, when it goes on. */

import type { Clock } from './clock.ts';

export interface Pause {
  /** Stands still for so long from now on. */
  begin(durationMs: number): void;
  whenAwake(action: () => void): void;
}

export function createPause(clock: Clock): Pause {
  let untilMs = 0;
  const held: (() => void)[] = [];
  const wake = (): void => {
    if (clock.now() >= untilMs) for (const action of held.splice(0)) action();
  };
  return {
    begin: (durationMs) => {
      untilMs = Math.max(untilMs, clock.now() + durationMs);
      clock.at(untilMs, wake);
    },
    whenAwake: (action) => {
      if (clock.now() < untilMs || held.length > 0) held.push(action);
      else action();
    },
  };
}
