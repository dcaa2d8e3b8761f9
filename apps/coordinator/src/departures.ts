/** Who is connected, to wait for their going: what is queued for a socket is lost when it closes. */
export interface Departures {
  came(worker: string): void;
  gone(worker: string): void;
  /** Resolves when nobody is left, or after `graceMs`. */
  all(graceMs: number): Promise<void>;
}

export function createDepartures(): Departures {
  const present = new Set<string>();
  let onEmpty: (() => void) | undefined;
  return {
    came: (worker) => {
      present.add(worker);
    },
    gone: (worker) => {
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
