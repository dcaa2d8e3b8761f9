import { invariant, LockstepError } from '@lockstep/errors';
import { type ChunkRules, defaultChunkRules } from './chunks.ts';
import { bytesOf, encodeHeader, floatsOf, type Header, headerBytes } from './frame.ts';
import { createHeldFrames, type HeldFrames } from './held.ts';
import {
  createReducer,
  type FrameVerdict,
  type OutgoingFrame,
  type Reduction,
  type ReductionRequest,
  type ShardDivision,
} from './reduction.ts';
import { type Combine, rootOf } from './tree.ts';

/** The network as all-reduces and snapshots see it: a frame to a rank arrives, or the rank is lost. */
export interface Link {
  /**
   * Memory for a payload of `bytes`. It is filled before it is sent, to any number of ranks, and not written afterwards. This
   * holds after an abort too: a peer that has not heard of the abort still reads the payload.
   */
  reserve(bytes: number): Uint8Array;
  /** The header is copied. The payload was reserved, or is never written again. */
  send(toRank: number, header: Uint8Array, payload: Uint8Array): void;
}

/** Why a frame was dropped. `run`, `rank`: its sender is no member. `held`: no room to hold it. Otherwise it does not fit the all-reduce. */
export type Rejection = Exclude<FrameVerdict, 'accepted' | 'duplicate'> | 'run' | 'rank' | 'held';

export interface AllReducerOptions extends ShardDivision {
  readonly generation: number;
  /** See `runHash`. */
  readonly run: number;
  readonly combine: Combine;
  readonly link: Link;
  readonly rules?: ChunkRules;
  /** Frames of all-reduces that have not started here. All generations of a run share it. */
  readonly held?: HeldFrames;
  readonly onRejected?: (reason: Rejection, header: Header) => void;
  /** Called for each frame of a member before it is combined. */
  readonly onAccepted?: (header: Header) => void;
}

export interface AllReducerCounters {
  readonly sentBytes: number;
  readonly receivedBytes: number;
  /** Frames of an older generation or a finished all-reduce, and repeated frames. Harmless. */
  readonly stale: number;
  readonly rejected: number;
}

/** The all-reduces of one generation. */
export interface AllReducer {
  /**
   * Starts an all-reduce; several may run at a time. Every rank starts the same ones, in ascending order of step, then
   * frame id. `onDone` is called when the request's `result` holds the root of the tree, the same bytes on every rank;
   * that may be before `start` returns.
   */
  start(request: ReductionRequest, onDone: () => void): void;
  /**
   * Accepts a frame whose header `decodeHeader` has accepted. The payload is read until its all-reduce is done or aborted.
   */
  receive(header: Header, payload: Uint8Array): void;
  /** Ends the generation: no frame is sent or held and no callback is called any more. */
  abort(): void;
  /** Running all-reduces. */
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
  checkDivision(options);
  const active = new Map<string, Reduction>();
  const counters = { sentBytes: 0, receivedBytes: 0, stale: 0, rejected: 0 };
  let last: Order = { step: -1, frameId: -1 };
  let isAborted = false;
  held.dropBefore(generation);

  const reject = (reason: Rejection, header: Header) => {
    counters.rejected++;
    options.onRejected?.(reason, header);
  };
  const reduce = createReducer({
    ...options,
    rules,
    reserve: (size) => floatsOf(link.reserve(4 * size)),
    send(toRanks, frame, request) {
      if (isAborted) return;
      const payload = bytesOf(frame.data);
      const header = encodeHeader(headerOf(options, frame, request));
      for (const toRank of toRanks) {
        counters.sentBytes += headerBytes + payload.length;
        link.send(toRank, header, payload);
      }
    },
  });
  const accept = (reduction: Reduction, header: Header, payload: Uint8Array) => {
    if (header.rank >= ranges.length || header.rank === rank) return reject('rank', header);
    // The call comes first, because this frame may complete the all-reduce.
    options.onAccepted?.(header);
    const verdict = reduction.accept(header, payload);
    if (verdict === 'accepted') counters.receivedBytes += headerBytes + payload.length;
    else if (verdict === 'duplicate') counters.stale++;
    else reject(verdict, header);
  };
  const hold = (header: Header, payload: Uint8Array) => {
    const outcome = held.put(header, payload);
    if (outcome === 'full') reject('held', header);
    else if (outcome === 'duplicate') counters.stale++;
  };
  return {
    counters,
    get numActive() {
      return active.size;
    },
    start: (request, onDone) => {
      const { step, frameId } = request;
      invariant(!isAborted, 'nothing starts after an abort', { generation, step, frameId });
      invariant(isAfter(request, last), 'all-reduces start in order', { last, step, frameId });
      last = { step, frameId };
      const key = orderKey(request);
      const reduction = reduce(request, () => {
        if (isAborted) return;
        active.delete(key);
        onDone();
      });
      active.set(key, reduction);
      reduction.begin();
      for (const { header, payload } of held.take({ generation, step, frameId })) {
        if (header.run !== run) reject('run', header);
        else if (!isAborted) accept(reduction, header, payload);
      }
    },
    receive: (header, payload) => {
      // A peer may be in a later generation already, even in one of a restarted coordinator, and sends its frames only once.
      const isAhead = header.generation > generation;
      if (header.run !== run && !isAhead) return reject('run', header);
      const isPast = header.generation < generation || (isAborted && !isAhead);
      if (!isPast && header.kind !== 'partial' && header.kind !== 'result') return reject('kind', header);
      const reduction = isPast || isAhead ? undefined : active.get(orderKey(header));
      if (reduction !== undefined) accept(reduction, header, payload);
      else if (isPast || (!isAhead && !isAfter(header, last))) counters.stale++;
      else hold(header, payload);
    },
    abort: () => {
      isAborted = true;
      active.clear();
      held.dropBefore(generation + 1);
    },
  };
}

function headerOf(
  { run, generation, rank }: AllReducerOptions,
  { kind, node, chunk, data }: OutgoingFrame,
  { step, frameId, direct = false }: ReductionRequest,
): Header {
  return { kind, ...node, run, generation, rank, step, frameId, chunk, length: data.byteLength, direct };
}

type Order = Pick<Header, 'step' | 'frameId'>;

function orderKey({ step, frameId }: Order): string {
  return `${step}/${frameId}`;
}

function isAfter(a: Order, b: Order): boolean {
  return a.step > b.step || (a.step === b.step && a.frameId > b.frameId);
}

function checkDivision({ rank, ranges, numShards }: ShardDivision): void {
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
