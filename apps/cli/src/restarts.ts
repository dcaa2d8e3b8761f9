/** Plans when a lost local worker is started again, and how often. */

/** Restarts of a worker without a step in between. */
export const MAX_RESTARTS = 3;
/** The delay before the first of them; each further delay is twice as long. */
export const RESTART_MS = 500;

export interface Restart {
  /** Counts from 1. */
  readonly attempt: number;
  readonly delayMs: number;
}

export interface Restarts {
  /**
   * Plans the next restart of a worker; undefined once it has had all. Where its last process took part in a step (`hasStepped`),
   * counting begins anew.
   */
  plan(index: number, hasStepped: boolean): Restart | undefined;
  /** Planned restarts whose delay has not passed. */
  numWaiting(): number;
  cancel(): void;
}

export function createRestarts(start: (index: number) => void): Restarts {
  /** Restarts since the last step of a worker, by its index. */
  const numRestarts = new Map<number, number>();
  const waiting = new Map<number, NodeJS.Timeout>();
  return {
    plan: (index, hasStepped) => {
      const before = hasStepped ? 0 : (numRestarts.get(index) ?? 0);
      if (before >= MAX_RESTARTS) return undefined;
      numRestarts.set(index, before + 1);
      const delayMs = RESTART_MS << before;
      const begin = (): void => {
        waiting.delete(index);
        start(index);
      };
      waiting.set(index, setTimeout(begin, delayMs));
      return { attempt: before + 1, delayMs };
    },
    numWaiting: () => waiting.size,
    cancel: () => {
      for (const timer of waiting.values()) clearTimeout(timer);
      waiting.clear();
    },
  };
}
