/** The values of a computed step that do not depend on the division of the shards, in the order in which a step computes them. */
import { invariant } from '@lockstep/errors';
import {
  type Programs,
  type ReplicaCopy,
  replicaVariables,
  trainingSlot,
  viewer,
  type WorkerLayout,
} from '@lockstep/run';
import type { TypedArray } from '@lockstep/tensor';

export interface StepValue {
  readonly part: 'samples' | 'columns' | 'result' | 'replica';
  /** Of a result. */
  readonly exchange?: number;
  /** `indices`, the name of a column, of an exchanged variable, or of an array of the replica. */
  readonly name: string;
  /** A view: the next step changes it. */
  readonly data: TypedArray;
}

/**
 * The values of a step whose shards are one block, after its update. Throws `internal` for another division, and where exchanges are not
 * recorded.
 */
export function replicatedValues(
  {
    layout,
    programs,
    buffer,
  }: { layout: WorkerLayout; programs: Programs; buffer: ArrayBuffer | SharedArrayBuffer },
  step: number,
  copy: ReplicaCopy,
): StepValue[] {
  const { blocks, record, results, replica } = layout;
  invariant(blocks.length === 1 && record !== undefined, 'one recorded block has all values of a step');
  const view = viewer(buffer);
  const { indices, columns } = blocks[0]!.batches[trainingSlot(step)];
  const ofExchanges = record.variables.flatMap((variables, exchange) =>
    variables.map(({ name, bucket, offset, size }): StepValue => {
      const byteOffset = results[exchange]![bucket]!.byteOffset + 4 * offset;
      const data = view({ dtype: 'float32', shape: [size], byteOffset });
      return { part: 'result', exchange, name, data };
    }),
  );
  return [
    { part: 'samples', name: 'indices', data: view(indices) },
    ...programs.columns.map(({ name }, i): StepValue => ({ part: 'columns', name, data: view(columns[i]!) })),
    ...ofExchanges,
    ...replicaVariables(programs).map(
      ({ name }, i): StepValue => ({ part: 'replica', name, data: view(replica[copy][i]!) }),
    ),
  ];
}
