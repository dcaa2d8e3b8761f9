/** What simulated workers send each other. */

/** A frame of the data plane. Its header names its run; generations of different runs have the same names. */
export type PeerFrame =
  | {
      readonly type: 'partial';
      readonly run: string;
      readonly key: string;
      readonly params: number;
      readonly start: number;
      /** One for each shard of the sender's range. */
      readonly partials: readonly number[];
    }
  | {
      readonly type: 'fetch';
      readonly run: string;
      readonly generationName: string;
      readonly step: number;
    }
  | {
      readonly type: 'snapshot';
      readonly run: string;
      readonly generationName: string;
      readonly step: number;
      readonly params: number;
    };

export type PartialFrame = Extract<PeerFrame, { type: 'partial' }>;

interface Generation {
  readonly incarnation: number;
  readonly generation: number;
}

/** Distinguishes generations of all incarnations of the coordinator. */
export function generationName({ incarnation, generation }: Generation): string {
  return `${incarnation}/${generation}`;
}

/** Identifies one exchange of one generation. */
export function exchangeKey(
  generation: Generation,
  { step, exchange }: { readonly step: number; readonly exchange: number },
): string {
  return `${generationName(generation)}/${step}/${exchange}`;
}

/** Whether the exchange with this key belongs to a generation before `current`. */
export function isStale(key: string, current: Generation): boolean {
  const [incarnation = 0, generation = 0] = key.split('/').map(Number);
  if (incarnation !== current.incarnation) return incarnation < current.incarnation;
  return generation < current.generation;
}
