/** Lets a process pause: it handles events of its pause in order when it continues. */

import type { Clock } from './clock.ts';

export interface Pause {
  /** Pauses for `durationMs` from now on. */
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
