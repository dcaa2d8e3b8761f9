/**
 * The runs that this worker has left. Their peers may still send frames, and generations of two runs have the same numbers, so
 * frames are told apart by the hash of their run.
 */

export interface LeftRuns {
  /** The worker is in this run from now on, perhaps again, and in no other. */
  enter(run: string): void;
  /** Frames of the present run carry this hash; see `runHash`. */
  note(run: string, hash: number): void;
  /** Whether frames with this hash belong to a run that the worker has left. */
  has(hash: number): boolean;
}

export function createLeftRuns(): LeftRuns {
  let current: string | undefined;
  const runs = new Map<number, string>();
  return {
    enter(run) {
      current = run;
    },
    note: (run, hash) => void runs.set(hash, run),
    has(hash) {
      const run = runs.get(hash);
      return run !== undefined && run !== current;
    },
  };
}
