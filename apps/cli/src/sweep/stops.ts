/** What ends runs of a sweep from outside: Ctrl-C ends all, and the wish of a person one trial. */
import type { SweepRun } from '@lockstep/sweep';
import { exitCodes } from '../errors.ts';
import { onInterrupt } from '../signals.ts';

export interface Stops {
  /** Ctrl-C has stopped the sweep. */
  readonly isStopped: boolean;
  /** Returns a function that takes the run off the list. */
  add(run: Pick<SweepRun, 'trial'>, stop: () => void): () => void;
  /** Ends the runs of a trial at once, those that begin later too. */
  cancel(trial: number): void;
  isCancelled(trial: number): boolean;
  close(): void;
}

/** `onStop`: called at Ctrl-C. */
export function createStops(onStop: () => void): Stops {
  const stops = new Map<() => void, number>();
  const cancelled = new Set<number>();
  let isStopped = false;
  const close = onInterrupt((times) => {
    if (times > 2) process.exit(exitCodes.interrupted);
    isStopped = true;
    for (const stop of stops.keys()) stop();
    onStop();
  });
  /** The second call stops without a checkpoint. */
  const stopAtOnce = (stop: () => void): void => {
    for (let i = 0; i < 2; i++) stop();
  };
  return {
    get isStopped() {
      return isStopped;
    },
    add({ trial }, stop) {
      stops.set(stop, trial);
      if (cancelled.has(trial)) stopAtOnce(stop);
      else if (isStopped) stop();
      return () => stops.delete(stop);
    },
    cancel(trial) {
      cancelled.add(trial);
      for (const [stop, of] of [...stops]) if (of === trial) stopAtOnce(stop);
    },
    isCancelled: (trial) => cancelled.has(trial),
    close,
  };
}

/** Lets a loop wait for the next of several changes. */
export interface Changes {
  /** Resolves at the next change, and rejects after `fail`. */
  next(): Promise<void>;
  changed(): void;
  fail(error: unknown): void;
}

export function createChanges(): Changes {
  let resolve: () => void;
  let reject: (error: unknown) => void;
  let promise: Promise<void>;
  const renew = (): void => {
    promise = new Promise((onResolve, onReject) => {
      resolve = onResolve;
      reject = onReject;
    });
    // It may fail while nobody waits; the next who waits hears of it.
    promise.catch(() => undefined);
  };
  renew();
  return {
    next: () => promise,
    changed() {
      resolve();
      renew();
    },
    fail: (error) => reject(error),
  };
}
