/** What a run records of its steps, as its manifest says it. */
import { LockstepError } from '@lockstep/errors';
import type { Manifest } from '../run.ts';

/**
 * `full`: digests of each batch, partial result, result and array of the replica. `chain`: one digest of parameters and model state.
 * `auto`: `full` where that takes about a hundredth of a step's time or less, else `chain`.
 */
export const recordModes = ['auto', 'off', 'chain', 'full'] as const;
export type RecordMode = (typeof recordModes)[number];

/**
 * The setting `record` of a run; `off` for a run of an earlier release, whose manifest does not have it. Throws a `checkpoint` error
 * for any other value.
 */
export function recordModeOf({ record = 'off' }: Manifest, folder: string): RecordMode {
  const mode = recordModes.find((one) => one === record);
  if (mode !== undefined) return mode;
  throw new LockstepError(
    'checkpoint',
    `${folder}/manifest.json: record is ${JSON.stringify(record)}, not one of ${recordModes.join(', ')}; correct it there`,
    { folder, record },
  );
}
