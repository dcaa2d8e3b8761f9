/** What a checkpoint says beside the arrays of the state. */
import { type Dataset, formOfDataset } from '@lockstep/data';
import type { Progress } from './schedule.ts';

export interface SavedState {
  readonly step: number;
  readonly seed: number;
  readonly profile: string;
  /** Of parameters and model state. */
  readonly fingerprint: string;
  /** Of the whole state. */
  readonly stateHash: string;
  readonly progress: Progress;
  readonly dataset: Dataset;
}

export interface CheckpointFacts {
  /** For those who go on from the checkpoint. */
  readonly header: Readonly<Record<string, unknown>>;
  /** Texts in the file of the arrays, for its readers. */
  readonly metadata: Readonly<Record<string, string>>;
}

export function checkpointFacts({ dataset, progress, ...facts }: SavedState): CheckpointFacts {
  const { step, seed, profile, fingerprint, stateHash } = facts;
  // Not in the header, whose size is bounded since it is a part of a message: a column of words may have many levels.
  const data = JSON.stringify(formOfDataset(dataset));
  return {
    header: { step, seed, profile, fingerprint, stateHash, progress },
    metadata: { step: String(step), seed: String(seed), profile, fingerprint, data },
  };
}
