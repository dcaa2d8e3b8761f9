import type { Header } from './frame.ts';

export interface HeldFrame {
  readonly header: Header;
  readonly payload: Uint8Array;
}

/** The all-reduce that a frame belongs to. */
export type Position = Pick<Header, 'generation' | 'step' | 'frameId'>;

/** Holds frames from peers that are ahead. It outlives generations, because their first frames may arrive before we know of them. */
export interface HeldFrames {
  /** `full`: the frame would exceed the bound and is dropped. */
  put(header: Header, payload: Uint8Array): 'held' | 'duplicate' | 'full';
  /** Removes and returns the frames of one all-reduce, in order of arrival. */
  take(position: Position): HeldFrame[];
  /** Drops all frames of generations before `generation`. */
  dropBefore(generation: number): void;
  /** Bytes of the held payloads. */
  readonly bytes: number;
}

/** `maxBytes` bounds the payloads; a frame counts for 256 bytes more, so that empty ones are bounded too. */
export function createHeldFrames(maxBytes = 256 << 20): HeldFrames {
  const frames = new Map<string, Map<string, HeldFrame>>();
  let bytes = 0;
  let cost = 0;
  const costOf = (payload: Uint8Array) => payload.length + 256;
  const remove = (key: string, held: ReadonlyMap<string, HeldFrame>) => {
    frames.delete(key);
    for (const { payload } of held.values()) {
      bytes -= payload.length;
      cost -= costOf(payload);
    }
  };
  return {
    get bytes() {
      return bytes;
    },
    put: (header, payload) => {
      const key = positionKey(header);
      const within = `${header.rank}/${header.kind}/${header.level}/${header.index}/${header.chunk}`;
      if (frames.get(key)?.has(within)) return 'duplicate';
      if (cost + costOf(payload) > maxBytes) return 'full';
      const held = frames.get(key) ?? new Map<string, HeldFrame>();
      frames.set(key, held.set(within, { header, payload }));
      bytes += payload.length;
      cost += costOf(payload);
      return 'held';
    },
    take: (position) => {
      const held = frames.size === 0 ? undefined : frames.get(positionKey(position));
      if (held === undefined) return [];
      remove(positionKey(position), held);
      return [...held.values()];
    },
    dropBefore: (generation) => {
      for (const [key, held] of frames) if (Number(key.split('/')[0]) < generation) remove(key, held);
    },
  };
}

function positionKey({ generation, step, frameId }: Position): string {
  return `${generation}/${step}/${frameId}`;
}
