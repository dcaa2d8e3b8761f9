/** A generation's all-reduces, from the worker's blocks to its results, with the times they take. */
import {
  type Combine,
  createExchange,
  createOutbox,
  decodeHeader,
  type Header,
  type HeldFrames,
  type ShardRange,
} from '@lockstep/collectives';
import type { GenerationLink } from './lanes.ts';
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
  /** Takes what peers on this host have sent through memory. */
  look(): void;
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
  readonly link: GenerationLink;
  readonly held: HeldFrames;
  readonly onRejected: (reason: string, header: Header) => void;
  /** A frame came through memory whose header is none. */
  readonly onFault: (fault: string) => void;
}

export function createReductions(options: ReductionOptions): Reductions {
  const { link, ranges } = options;
  const numPeers = ranges.length - 1;
  const isComplete = ranges.every(({ count }) => count > 0);
  const outbox = createOutbox(isComplete ? link.outbox : new Uint8Array(0));
  const exchange = createExchange({ ...options, link: { reserve: outbox.reserve, send: link.send } });
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
  const receive = (header: Header, payload: Uint8Array): void => {
    note(header);
    exchange.receive(header, payload);
  };
  const look = (): void =>
    link.look(
      (head, payload) => {
        const decoded = decodeHeader(head, payload.byteLength);
        if (decoded.ok) receive(decoded.header, payload);
        else options.onFault(decoded.fault);
      },
      () => exchange.numActive === 0,
    );
  return {
    reduce(step, collective, parts, onDone) {
      const startedAt = performance.now();
      heard = new Set();
      current = { step, collective };
      lastHeardAt = startedAt;
      outbox.turn();
      let remaining = parts.length;
      for (const [i, { op, size, partials, result }] of parts.entries()) {
        const number = collective * partsPerExchange + i;
        exchange.start({ step, collective: number, op, size, parts: partials, out: result }, () => {
          remaining--;
          if (remaining > 0) return;
          const now = performance.now();
          waitMs += lastHeardAt - startedAt;
          networkMs += now - lastHeardAt;
          onDone();
        });
      }
      look();
    },
    receive,
    look,
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
