/** Feeds a worker's machine with events and has its effects carried out, all of them in order. */
import {
  advanceWorker,
  createWorker,
  type WorkerConfig,
  type WorkerEffect,
  type WorkerEvent,
} from '@lockstep/protocol';

export interface EventLoop {
  /** Has the machine's first effects carried out. */
  start(): void;
  /** Hands over an event. Effects may raise events: those wait until the effects before them are carried out. */
  raise(event: WorkerEvent): void;
}

export function createEventLoop(
  config: WorkerConfig,
  carryOut: (effect: WorkerEffect) => void,
  now: () => number = () => performance.now(),
): EventLoop {
  const first = createWorker(config, now());
  let { state } = first;
  const queue: WorkerEvent[] = [];
  let isBusy = false;
  return {
    start: () => first.effects.forEach(carryOut),
    raise(event) {
      queue.push(event);
      if (isBusy) return;
      isBusy = true;
      try {
        for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
          const advanced = advanceWorker(state, next, now());
          state = advanced.state;
          for (const effect of advanced.effects) carryOut(effect);
        }
      } finally {
        // What an effect throws must reach the coordinator as a failure, and a stop must still be heard after it.
        isBusy = false;
      }
    },
  };
}
