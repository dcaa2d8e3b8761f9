/** Partial results from peers, kept until those of all members are there: some are a generation ahead. */

import type { WorkerEffect } from '../worker/state.ts';
import type { PeerFrame } from './world.ts';

export type Partial = Extract<PeerFrame, { type: 'partial' }>;

interface Generation {
  readonly incarnation: number;
  readonly generation: number;
}

export function nameOf({ incarnation, generation }: Generation): string {
  return `${incarnation}/${generation}`;
}

/** What names one exchange of one generation. */
export function keyOf(
  group: Generation,
  { step, exchange }: Extract<WorkerEffect, { type: 'exchange' | 'exchangeEvaluation' }>,
): string {
  return `${nameOf(group)}/${step}/${exchange}`;
}

export class Inbox {
  readonly #received = new Map<string, Map<string, Partial>>();

  put(from: string, frame: Partial): void {
    const others = this.#received.get(frame.key) ?? new Map<string, Partial>();
    this.#received.set(frame.key, others.set(from, frame));
  }

  /** What every member gave to an exchange, by first shard; null while some are missing. */
  take(key: string, numMembers: number): readonly Partial[] | null {
    const received = this.#received.get(key);
    if (received === undefined || received.size < numMembers) return null;
    this.#received.delete(key);
    return [...received.values()].sort((a, b) => a.start - b.start);
  }

  /** Frames of earlier generations are stale; those of later ones are held. */
  dropBefore(current: Generation): void {
    for (const key of this.#received.keys()) {
      const [incarnation = 0, generation = 0] = key.split('/').map(Number);
      const isStale =
        incarnation < current.incarnation ||
        (incarnation === current.incarnation && generation < current.generation);
      if (isStale) this.#received.delete(key);
    }
  }
}
