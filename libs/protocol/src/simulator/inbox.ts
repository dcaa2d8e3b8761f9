/** Partial results from peers. They are kept until all members have sent theirs; some peers are a generation ahead. */

import { isStale, type PartialFrame } from './frames.ts';

export class Inbox {
  readonly #received = new Map<string, Map<string, PartialFrame>>();

  put(from: string, frame: PartialFrame): void {
    const others = this.#received.get(frame.key) ?? new Map<string, PartialFrame>();
    this.#received.set(frame.key, others.set(from, frame));
  }

  /** The frames of all members for one exchange, ordered by first shard; null while some are missing. */
  take(key: string, numMembers: number): readonly PartialFrame[] | null {
    const received = this.#received.get(key);
    if (received === undefined || received.size < numMembers) return null;
    this.#received.delete(key);
    return [...received.values()].sort((a, b) => a.start - b.start);
  }

  /** Drops the frames of generations before `current` and keeps those of later ones. */
  dropBefore(current: Parameters<typeof isStale>[1]): void {
    for (const key of this.#received.keys()) if (isStale(key, current)) this.#received.delete(key);
  }
}
