import { invariant, LockstepError } from '@lockstep/errors';
import { type ChunkRules, defaultChunkRules } from './chunks.ts';
import { bytesOf, encodeHeader, floatsOf, type Header, headerBytes } from './frame.ts';
import { createHeldFrames, type HeldFrames } from './held.ts';
import {
  createReducer,
  type FrameVerdict,
  type Membership,
  type OutgoingFrame,
  type Reduction,
  type ReductionRequest,
} from './reduction.ts';
import { type Combine, rootOf } from './tree.ts';

/** What all-reduces and snapshots need of a network: frames to one rank arrive, or the rank is lost. */
export interface Link {
  /**
   * Memory for a payload of `bytes`, filled before it is sent, to any number of ranks, and then left alone: also after an
   * abort, when a peer that has not heard of it would still take what is on its way for the real thing.
   */
  reserve(bytes: number): Uint8Array;
  /** The header is copied. The payload is what was reserved, or is never written again. */
  send(toRank: number, header: Uint8Array, payload: Uint8Array): void;
}

/** Why a frame was dropped. `run`, `rank`: not from a member; `held`: too far ahead to keep; else it does not fit. */
export type Rejection = Exclude<FrameVerdict, 'accepted' | 'duplicate'> | 'run' | 'rank' | 'held';

export interface AllReducerOptions extends Membership {
  readonly generation: number;
  /** See `runHash`. */
  readonly run: number;
  readonly combine: Combine;
  readonly link: Link;
  readonly rules?: ChunkRules;
  /** Frames of all-reduces that have not started here; hand the same to every generation's exchange. */
  readonly held?: HeldFrames;
  readonly onRejected?: (reason: Rejection, header: Header) => void;
  /** A frame of a member was taken into account. */
  readonly onAccepted?: (header: Header) => void;
}

export interface AllReducerCounters {
  readonly sentBytes: number;
  readonly receivedBytes: number;
  /** Frames of what is over: an older generation, a finished all-reduce, or seen before. Harmless. */
  readonly stale: number;
  readonly rejected: number;
}

/** The all-reduces of one generation. */
export interface AllReducer {
  /**
   * Begins an all-reduce; several may be under way. Every rank starts the same ones, in ascending order of step,
   * then frame id. At `onDone` the request's `result` is the root of the tree, the same bytes on every rank; it may be
   * called before `start` returns.
   */
  start(request: ReductionRequest, onDone: () => void): void;
  /**
   * Takes a frame whose header `decodeHeader` has accepted, and reads the payload until the all-reduce that it belongs to
   * is done or aborted.
   */
  receive(header: Header, payload: Uint8Array): void;
  /** Ends the generation: nothing is sent, held or called back any more. */
  abort(): void;
  /** All-reduces under way. */
  readonly numActive: number;
  readonly counters: AllReducerCounters;
}

/** Throws `argument` unless `ranges` cover the shards exactly. */
export function createAllReducer(options: AllReducerOptions): AllReducer {
  const {
    generation,
    run,
    rank,
    ranges,
    link,
    rules = defaultChunkRules,
    held = createHeldFrames(),
  } = options;
  checkMembership(options);
  const active = new Map<string, Reduction>();
  const counters = { sentBytes: 0, receivedBytes: 0, stale: 0, rejected: 0 };
  let last = { step: -1, frameId: -1 };
  let aborted = false;
  held.dropBefore(generation);

  const reject = (reason: Rejection, header: Header) => {
    counters.rejected++;
    options.onRejected?.(reason, header);
  };
  const sendFrame = (toRanks: readonly number[], frame: OutgoingFrame, of: ReductionRequest) => {
    if (aborted) return;
    const { step, frameId, direct = false } = of;
    const { kind, node, chunk, data } = frame;
    const payload = bytesOf(data);
    const { length } = payload;
    const header = { kind, ...node, run, generation, rank, step, frameId, chunk, length, direct };
    const encoded = encodeHeader(header);
    for (const toRank of toRanks) {
      counters.sentBytes += headerBytes + payload.length;
      link.send(toRank, encoded, payload);
    }
  };
  const reduce = createReducer({
    ...options,
    rules,
    reserve: (size) => floatsOf(link.reserve(4 * size)),
    send: sendFrame,
  });
  const accept = (reduction: Reduction, header: Header, payload: Uint8Array) => {
    if (header.rank >= ranges.length || header.rank === rank) return reject('rank', header);
    // Before it may end the all-reduce.
    options.onAccepted?.(header);
    const verdict = reduction.accept(header, payload);
    if (verdict === 'accepted') counters.receivedBytes += headerBytes + payload.length;
    else if (verdict === 'duplicate') counters.stale++;
    else reject(verdict, header);
  };
  return {
    counters,
    get numActive() {
      return active.size;
    },
    start: (request, onDone) => {
      const { step, frameId } = request;
      invariant(!aborted, 'nothing starts after an abort', { generation, step, frameId });
      invariant(isAfter(request, last), 'all-reduces start in order', { last, step, frameId });
      last = { step, frameId };
      const key = `${step}/${frameId}`;
      const reduction = reduce(request, () => {
        if (aborted) return;
        active.delete(key);
        onDone();
      });
      active.set(key, reduction);
      reduction.begin();
      const early = held.take({ generation, step, frameId });
      for (const { header, payload } of early) {
        if (header.run !== run) reject('run', header);
        else if (!aborted) accept(reduction, header, payload);
      }
    },
    receive: (header, payload) => {
      // A peer may be in a later generation already, even one of a new coordinator, and sends its frames only once.
      const isAhead = header.generation > generation;
      if (header.run !== run && !isAhead) return reject('run', header);
      if (header.generation < generation || (aborted && !isAhead)) {
        counters.stale++;
        return;
      }
      if (header.kind !== 'partial' && header.kind !== 'result') return reject('kind', header);
      if (header.generation === generation) {
        const reduction = active.get(`${header.step}/${header.frameId}`);
        if (reduction !== undefined) return accept(reduction, header, payload);
        if (!isAfter(header, last)) {
          counters.stale++;
          return;
        }
      }
      const outcome = held.put(header, payload);
      if (outcome === 'full') reject('held', header);
      else if (outcome === 'duplicate') counters.stale++;
    },
    abort: () => {
      aborted = true;
      active.clear();
      held.dropBefore(generation + 1);
    },
  };
}

type Order = Pick<Header, 'step' | 'frameId'>;

function isAfter(a: Order, b: Order): boolean {
  return a.step > b.step || (a.step === b.step && a.frameId > b.frameId);
}

function checkMembership({ rank, ranges, numShards }: Membership): void {
  rootOf(numShards);
  const shards = ranges.flatMap(({ start, count }) => Array.from({ length: count }, (_, i) => start + i));
  shards.sort((a, b) => a - b);
  const isExact = shards.length === numShards && shards.every((shard, i) => shard === i);
  if (isExact && ranges[rank] !== undefined) return;
  throw new LockstepError(
    'argument',
    `rank ${rank} of ${JSON.stringify(ranges)}: every one of the ${numShards} shards needs exactly one owner, and every rank a range`,
    { rank, ranges, numShards },
  );
}
