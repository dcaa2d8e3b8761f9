/** Reaches a coordinator that may start later than its workers, or whose name may not resolve yet. */
import { setTimeout as sleep } from 'node:timers/promises';
import { LockstepError } from '@lockstep/errors';

/** How long a worker waits for its coordinator unless told otherwise: an image may have to be pulled first. */
export const DEFAULT_WAIT_S = 300;

/** The least time that an attempt is given, however little is left of the wait. */
const attemptMs = 5_000;
/** People are told when the wait takes longer. */
const quietMs = 1_000;
const firstDelayMs = 100;
const lastDelayMs = 5_000;

/** The wait ended without a coordinator. */
export class Absent extends LockstepError {
  constructor(endpoint: string, waitMs: number, cause: LockstepError) {
    const tried = waitMs === 0 ? 'tried once' : `waited for ${Math.round(waitMs / 1_000)} s`;
    super(
      'lost',
      `no coordinator (${tried}; --wait gives it more time): ${cause.message}`,
      { endpoint, waitMs },
      { cause },
    );
  }
}

export interface ReachOptions {
  /** The coordinator's endpoint. */
  readonly endpoint: string;
  /** 0 makes one attempt. */
  readonly waitMs: number;
  readonly signal?: AbortSignal | undefined;
  /** Called once, when the wait takes longer than a moment. */
  readonly onWaiting?: ((message: string) => void) | undefined;
}

export interface Reaching {
  /**
   * Repeats `step`, with longer and longer pauses, while it throws `address`. Throws {@link Absent} when time is over, and any other
   * error at once. `remainingMs`: the time that an attempt may take.
   */
  attempt<T>(step: (remainingMs: number) => Promise<T>): Promise<T>;
  end(): void;
}

export function createReaching({ endpoint, waitMs, signal, onWaiting }: ReachOptions): Reaching {
  const startedAt = performance.now();
  const leftMs = (): number => waitMs - (performance.now() - startedAt);
  const tell = (): void => onWaiting?.(`waiting for the coordinator at ${endpoint}, for ${waitMs / 1_000} s`);
  const telling = waitMs > quietMs ? setTimeout(tell, quietMs) : undefined;
  return {
    async attempt(step) {
      for (let delayMs = firstDelayMs; ; delayMs = Math.min(2 * delayMs, lastDelayMs)) {
        try {
          return await step(Math.max(leftMs(), attemptMs));
        } catch (error) {
          if (!(error instanceof LockstepError) || error.code !== 'address') throw error;
          if (leftMs() <= 0) throw new Absent(endpoint, waitMs, error);
        }
        await sleep(Math.max(0, Math.min(delayMs, leftMs())), undefined, { signal }).catch(() => undefined);
        if (signal?.aborted) throw new LockstepError('lost', 'told to leave before it was connected');
      }
    },
    end: () => clearTimeout(telling),
  };
}
