import type { ChunkRules } from './chunks.ts';

/**
 * Memory that frames are sent from without a copy, used again and again.
 *
 * Whoever reads a payload, a peer that maps this memory or the network's own thread, tells nobody when it has. But every
 * peer sends frames of an exchange, and only when it is done with the one before. So when exchange `n - 1` is done here,
 * all peers are done with exchange `n - 2`, and its payloads are read: two halves, used in turn, are enough.
 */
export interface Outbox {
  /** Begins the next exchange, when the one before is done. */
  turn(): void;
  /** Memory of this exchange, 64-byte aligned; memory of its own when the outbox is full. */
  reserve(bytes: number): Uint8Array;
}

const alignment = 64;

/** Larger exchanges send the rest from memory of its own: they take so long that it does not matter. */
const mostBytes = 2 ** 32;

const align = (bytes: number) => alignment * Math.ceil(bytes / alignment);

/** What exchanges of up to `vectorBytes` need, whose vectors go in frames of `numNodes` partials and the result. */
export function outboxBytes(vectorBytes: number, numNodes: number, { chunkBytes }: ChunkRules): number {
  // Every frame may waste an alignment, and so may every vector of an exchange and every rank's part of it.
  const numFrames = Math.ceil(vectorBytes / chunkBytes) + 256;
  return Math.min(mostBytes, 2 * (numNodes + 1) * align(vectorBytes + alignment * numFrames));
}

/** An outbox in `memory`. Every rank must own shards, since one without them has no partials to send. */
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
