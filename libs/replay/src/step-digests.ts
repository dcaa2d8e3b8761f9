/** The digests of a step that all its members share, of a record and of a step that is computed again. */
import {
  type RecordForm,
  type ReplicatedDigests,
  readStepRecord,
  replicatedDigests,
  sharedValues,
} from '@lockstep/tracking';

/** Digests in hexadecimal by what they are of, such as `result params/0/kernel`, in the order in which a step computes them. */
export type StepDigests = ReadonlyMap<string, string>;

/** The digests of a report. */
export const reportedDigests = (form: RecordForm, replicated: Uint8Array): StepDigests =>
  named(form, replicatedDigests(form, replicated));

/**
 * The recorded digests of a step, of each member that recorded them; none for a step without a record. Members differ only where one
 * was at fault.
 */
export async function recordedDigests(folder: string): Promise<(step: number) => readonly StepDigests[]> {
  const record = await readStepRecord(folder);
  const steps = new Map((record?.steps ?? []).map((one) => [one.step, one]));
  return (step) => {
    const found = steps.get(step);
    if (found === undefined) return [];
    // A damaged entry has no digests.
    return found.members.filter(({ replica }) => replica.length > 0).map((one) => named(found.form, one));
  };
}

function named(form: RecordForm, { results, replica }: ReplicatedDigests): StepDigests {
  const digests = [...results.flat(), ...replica];
  return new Map(
    sharedValues(form).flatMap(({ part, variable }, i) => {
      const digest = digests[i];
      return digest === undefined ? [] : [[`${part} ${variable}`, digest.toString(16).padStart(16, '0')]];
    }),
  );
}
