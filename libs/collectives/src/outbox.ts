import type { ChunkRules } from './chunks.ts';

/**
 * Memory from which frames are sent without a copy, reused by every second exchange.
 *
 * The reader of a payload, a peer that maps this memory or the network's own thread, does not report when it has read it.
 * But every peer sends frames of an exchange only after it has finished the exchange before. So when exchange `n - 1` is
 * done here, all peers have finished exchange `n - 2` and read its payloads: two halves, used in turn, are enough.
 */
export interface Outbox {
  /** Begins the next exchange, after the one before is done. */
  turn(): void;
  /** Memory for this exchange, 64-byte aligned; newly allocated if the outbox is full. */
  reserve(bytes: number): Uint8Array;
}

const alignment = 64;

/** A larger exchange sends the rest from newly allocated memory; it takes so long that the allocation does not matter. */
const mostBytes = 2 ** 32;

const align = (bytes: number) => alignment * Math.ceil(bytes / alignment);

/** The size for exchanges of up to `vectorBytes`, of which `numNodes` partials and the result are sent. */
export function outboxBytes(vectorBytes: number, numNodes: number, { chunkBytes }: ChunkRules): number {
  // Alignment may waste up to 64 bytes for every frame, every bucket of an exchange and every rank's range of it.
  const numFrames = Math.ceil(vectorBytes / chunkBytes) + 256;
  return Math.min(mostBytes, 2 * (numNodes + 1) * align(vectorBytes + alignment * numFrames));
}

/** An outbox in `memory`. Every rank must own shards: a rank without shards sends no partials, so it would not show its progress. */
export function createOutbox(memory: Uint8Array): Outbox {
  const halfBytes = alignment * Math.floor(memory.length / 2 / alignment);
  let half = 0;
  let used = 0;
  return {
    turn() {
      half = 1 - half;
      used = 0;
    },
    reserve(bytes) {
      if (used + bytes > halfBytes) return new Uint8Array(bytes);
      const start = half * halfBytes + used;
      used += align(bytes);
      return memory.subarray(start, start + bytes);
    },
  };
}
