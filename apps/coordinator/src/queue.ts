/** Performs items in order, one at a time. An item that returns no promise is performed at once. */
export interface Queue<T> {
  push(item: T): void;
  /** Resolves when the queue is empty. */
  idle(): Promise<void>;
}

/** `perform` returns a promise only where the next item must wait. Errors go to `onError`, and the queue continues. */
export function createQueue<T>(
  perform: (item: T) => Promise<void> | undefined,
  onError: (error: unknown) => void,
): Queue<T> {
  const items: T[] = [];
  const waiting: (() => void)[] = [];
  let busy = false;

  async function drain(): Promise<void> {
    busy = true;
    for (let item = items.shift(); item !== undefined; item = items.shift()) {
      try {
        const performed = perform(item);
        if (performed !== undefined) await performed;
      } catch (error) {
        onError(error);
      }
    }
    busy = false;
    for (const resolve of waiting.splice(0)) resolve();
  }

  return {
    push: (item) => {
      items.push(item);
      if (!busy) void drain();
    },
    idle: () => (busy ? new Promise((resolve) => waiting.push(resolve)) : Promise.resolve()),
  };
}
