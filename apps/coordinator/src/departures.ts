/** Waits until connected workers are gone: closing a socket drops the messages in its queue. */
export interface Departures {
  connected(worker: string): void;
  disconnected(worker: string): void;
  /** Resolves when no worker is connected, or after `graceMs`. */
  all(graceMs: number): Promise<void>;
}

export function createDepartures(): Departures {
  const present = new Set<string>();
  let onEmpty: (() => void) | undefined;
  return {
    connected: (worker) => {
      present.add(worker);
    },
    disconnected: (worker) => {
      present.delete(worker);
      if (present.size === 0) onEmpty?.();
    },
    all: (graceMs) => {
      if (present.size === 0) return Promise.resolve();
      return new Promise((resolve) => {
        const timer = setTimeout(resolve, graceMs);
        onEmpty = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    },
  };
}
