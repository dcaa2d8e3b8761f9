/** Reads from a run folder which worker did what. */
import { readLog } from '@lockstep/tracking';

export interface Member {
  readonly worker: string;
  readonly rank: number;
  readonly shards: { readonly start: number; readonly count: number };
}

export interface Generation {
  readonly generation: number;
  /** The step from which the generation continues. */
  readonly step: number;
  readonly members: readonly Member[];
}

/** A member's report of a step that it committed. */
export interface Work {
  readonly step: number;
  readonly generation: number;
  readonly worker: string;
  readonly rank: number;
  /** Number of shards that the member computed. */
  readonly shards: number;
  readonly sentBytes: number;
  readonly receivedBytes: number;
}

export async function readGenerations(folder: string): Promise<Generation[]> {
  const { records } = await readLog(folder, 'journal');
  return records.filter(({ type }) => type === 'generation') as unknown as Generation[];
}

export async function readWork(folder: string): Promise<Work[]> {
  const { records } = await readLog(folder, 'metrics');
  return records.filter(({ kind }) => kind === 'work') as unknown as Work[];
}

/** The shards computed for the generation that committed a step first: by step, ascending, with repetitions. */
export function shardsByStep(
  generations: readonly Generation[],
  work: readonly Work[],
): Map<number, number[]> {
  const committing = new Map<number, number>();
  for (const { step, generation } of work) {
    committing.set(step, Math.min(generation, committing.get(step) ?? generation));
  }
  const shards = new Map<number, number[]>();
  for (const { step, generation, worker, shards: numComputed } of work) {
    if (committing.get(step) !== generation) continue;
    const { members } = generations.find((one) => one.generation === generation)!;
    const { start, count } = members.find((member) => member.worker === worker)!.shards;
    if (count !== numComputed) throw new Error(`${worker} computed ${numComputed} shards of its ${count}`);
    const own = Array.from({ length: count }, (_, i) => start + i);
    shards.set(
      step,
      [...(shards.get(step) ?? []), ...own].sort((a, b) => a - b),
    );
  }
  return shards;
}
