/** What simulated workers send each other. */

/** A frame of the data plane. */
export type PeerFrame =
  | {
      readonly type: 'partial';
      readonly key: string;
      readonly params: number;
      readonly start: number;
      /** One for each shard of the sender's range. */
      readonly partials: readonly number[];
    }
  | { readonly type: 'fetch'; readonly generationName: string; readonly step: number }
  | {
      readonly type: 'snapshot';
      readonly generationName: string;
      readonly step: number;
      readonly params: number;
    };

export type PartialFrame = Extract<PeerFrame, { type: 'partial' }>;

interface Generation {
  readonly run: string;
  readonly incarnation: number;
  readonly generation: number;
}

/** Distinguishes generations of all runs and of all incarnations of their coordinators. */
export function generationName({ run, incarnation, generation }: Generation): string {
  return `${run}/${incarnation}/${generation}`;
}

/** The run of a frame between workers. */
export function runOfFrame(frame: PeerFrame): string {
  const [run = ''] = (frame.type === 'partial' ? frame.key : frame.generationName).split('/');
  return run;
}

/** Identifies one exchange of one generation. */
export function exchangeKey(
  generation: Generation,
  { step, exchange }: { readonly step: number; readonly exchange: number },
): string {
  return `${generationName(generation)}/${step}/${exchange}`;
}

/** Whether the exchange with this key belongs to a generation of the same run before `current`. */
export function isStale(key: string, current: Generation): boolean {
  const [incarnation = 0, generation = 0] = key.split('/').slice(1).map(Number);
  if (incarnation !== current.incarnation) return incarnation < current.incarnation;
  return generation < current.generation;
}
