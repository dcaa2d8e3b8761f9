/** The shell around a pool's dispatcher: passes events to the machine and carries out its effects in order. */
import {
  advanceDispatcher,
  type CoordinatorMessage,
  createDispatcher,
  type DispatcherConfig,
  type DispatcherEffect,
  type DispatcherEvent,
  type PoolEvent,
  type RunBound,
} from '@lockstep/protocol';

export interface DispatchOptions {
  readonly config: DispatcherConfig;
  send(worker: string, message: CoordinatorMessage): void;
  /** Passes on the message of a run. `parts`: what came with its event. */
  forward(worker: string, parts: readonly Uint8Array[]): void;
  /** Raises an event in a run's machine, which must not throw. `frames`: what came with the worker's message. */
  deliver(run: string, event: RunBound, frames: readonly Uint8Array[]): void;
  onEvent(event: PoolEvent): void;
}

export interface Dispatch {
  /**
   * Handles an event: at once, or after the effects that are being carried out. `frames`: the raw frames of a worker's message, or the
   * encoded message of a run with its raw frames.
   */
  raise(event: DispatcherEvent, frames?: readonly Uint8Array[]): void;
  /** Workers that take part or will. */
  readonly numWorkers: number;
}

export function createDispatch(options: DispatchOptions): Dispatch {
  const { config, send, forward, deliver, onEvent } = options;
  let state = createDispatcher(config, performance.now());
  const queue: { readonly event: DispatcherEvent; readonly frames: readonly Uint8Array[] }[] = [];
  let isBusy = false;

  const carryOut = (effect: DispatcherEffect, frames: readonly Uint8Array[]) => {
    switch (effect.type) {
      case 'send':
        return send(effect.worker, effect.message);
      case 'forward':
        return forward(effect.worker, frames);
      case 'deliver':
        return deliver(effect.run, effect.event, frames);
      case 'event':
        return onEvent(effect.event);
      default:
        effect satisfies never;
    }
  };
  return {
    raise(event, frames = []) {
      queue.push({ event, frames });
      if (isBusy) return;
      isBusy = true;
      try {
        for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
          const advanced = advanceDispatcher(state, next.event, performance.now());
          state = advanced.state;
          for (const effect of advanced.effects) carryOut(effect, next.frames);
        }
      } finally {
        isBusy = false;
      }
    },
    get numWorkers() {
      return [...state.workers.values()].filter(({ place }) => place.kind !== 'dismissed').length;
    },
  };
}
