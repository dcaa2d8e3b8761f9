/** The record of a step that one process computed, as a reader of a run's record gives it. */
import { invariant } from '@lockstep/errors';
import { referenceKernels } from '@lockstep/kernels';
import type { WorkerLayout } from '@lockstep/run';
import type { RecordedBlock, RecordForm, ReplicatedDigests } from '@lockstep/tracking';

/** The record of a step in which one process has computed all blocks. */
export interface ComputedRecord extends ReplicatedDigests {
  readonly form: RecordForm;
  readonly blocks: readonly RecordedBlock[];
  /** The digest of parameters and model state, which a run has that records its model alone. */
  readonly model: bigint;
}

/** Reads the record of the last update from a worker's memory. Throws `internal` if nothing is recorded. */
export function computedRecord(
  { record, blocks }: WorkerLayout,
  buffer: ArrayBuffer | SharedArrayBuffer,
): ComputedRecord {
  invariant(record !== undefined, 'a worker that records its steps has a record');
  const { form, digests } = record;
  const { byteOffset, shape } = digests;
  const values = new BigUint64Array(buffer, byteOffset, shape[0]);
  let at = 0;
  const next = (): bigint => values[at++]!;
  const byExchange = (): bigint[][] => form.exchanges.map((names) => names.map(next));
  const [results, replica] = [byExchange(), form.replica.map(next)];
  const recorded = record.blocks.map((_, i): RecordedBlock => {
    const { node, numShards } = blocks[i]!;
    const [samples, columns] = [next(), next()];
    const shards = { start: node.index * numShards, count: numShards };
    return { shards, samples, columns, partials: byExchange() };
  });
  return { form, results, replica, blocks: recorded, model: modelDigest(form, replica) };
}

/** The digest of the digests of parameters and model state, which come first in the replica. */
function modelDigest({ exchanges, replica: names }: RecordForm, replica: readonly bigint[]): bigint {
  if (exchanges.length === 0) return replica[0]!;
  const words = BigUint64Array.from(replica.filter((_, i) => !names[i]!.startsWith('optimizer/')));
  const digest = new BigUint64Array(1);
  referenceKernels('portable').digest(new Uint32Array(digest.buffer), new Uint32Array(words.buffer));
  return digest[0]!;
}
