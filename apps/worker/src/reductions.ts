/** A generation's all-reduces, from the worker's blocks to its results, with the times they take. */
import {
  type Combine,
  createExchange,
  type Header,
  type HeldFrames,
  type Link,
  type ShardRange,
} from '@lockstep/collectives';
import type { ExchangePart } from './session.ts';

/** Collectives are numbered by exchange and part, so that the keys of all of a step's frames differ. */
const partsPerExchange = 1024;

export interface StepTimes {
  /** Until the last peer's first frame came: others were slower than this worker. */
  readonly waitMs: number;
  /** From then on, until the result stood. */
  readonly networkMs: number;
  readonly sentBytes: number;
  readonly receivedBytes: number;
}

export interface Reductions {
  /** Reduces all parts of an exchange; `onDone` is not called after an abort. */
  reduce(step: number, collective: number, parts: readonly ExchangePart[], onDone: () => void): void;
  receive(header: Header, payload: Uint8Array): void;
  abort(): void;
  /** Times and bytes since the last call. */
  takeTimes(): StepTimes;
}

export interface ReductionOptions {
  readonly generation: number;
  readonly run: number;
  readonly rank: number;
  readonly ranges: readonly ShardRange[];
  readonly numShards: number;
  readonly combine: Combine;
  readonly link: Link;
  readonly held: HeldFrames;
  readonly onRejected: (reason: string, header: Header) => void;
}

export function createReductions(options: ReductionOptions): Reductions {
  const exchange = createExchange(options);
  const numPeers = options.ranges.length - 1;
  let waitMs = 0;
  let networkMs = 0;
  let counted = { sentBytes: 0, receivedBytes: 0 };
  /** The exchange under way: who was heard, and when the last peer first was. */
  let heard = new Set<number>();
  let current = { step: -1, collective: -1 };
  let lastHeardAt = 0;

  const note = ({ step, collective, rank }: Header): void => {
    const exchangeOf = Math.floor(collective / partsPerExchange);
    if (step !== current.step || exchangeOf !== current.collective || heard.has(rank)) return;
    heard.add(rank);
    if (heard.size === numPeers) lastHeardAt = performance.now();
  };
  return {
    reduce(step, collective, parts, onDone) {
      const startedAt = performance.now();
      heard = new Set();
      current = { step, collective };
      lastHeardAt = startedAt;
      let remaining = parts.length;
      for (const [i, { op, size, partials, result }] of parts.entries()) {
        exchange.start(
          { step, collective: collective * partsPerExchange + i, op, size, parts: partials },
          (reduced) => {
            result.set(reduced);
            remaining--;
            if (remaining > 0) return;
            const now = performance.now();
            waitMs += lastHeardAt - startedAt;
            networkMs += now - lastHeardAt;
            onDone();
          },
        );
      }
    },
    receive(header, payload) {
      note(header);
      exchange.receive(header, payload);
    },
    abort: () => exchange.abort(),
    takeTimes() {
      const { sentBytes, receivedBytes } = exchange.counters;
      const times = {
        waitMs,
        networkMs,
        sentBytes: sentBytes - counted.sentBytes,
        receivedBytes: receivedBytes - counted.receivedBytes,
      };
      counted = { sentBytes, receivedBytes };
      waitMs = 0;
      networkMs = 0;
      return times;
    },
  };
}
