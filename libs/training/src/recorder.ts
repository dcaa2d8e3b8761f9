/** Digests of what a compute thread reads and computes in a step, in the places of the layout's record. */
import type { Kernels } from '@lockstep/kernels';
import {
  type BatchSlot,
  type DigestPlace,
  isChain,
  itemsOf,
  modelGroups,
  type RecordLayout,
  type ReplicaCopy,
  viewer,
} from '@lockstep/run';
import type { TypedArray } from '@lockstep/tensor';
import type { BlockOptions } from './bound-block.ts';
import { perCopy } from './per-copy.ts';

export interface Recorder {
  /** After the batch of a step is filled. */
  recordBatch(slot: BatchSlot): void;
  /** After a segment has run on all blocks: their partials of the exchange that follows. */
  recordPartials(exchange: number): void;
  /** On the first thread, after the update: the results of the exchanges, and the replica. */
  recordUpdate(copy: ReplicaCopy): void;
}

export interface RecorderOptions extends Omit<BlockOptions, 'onReady'> {
  readonly thread: number;
  readonly record: RecordLayout;
  /** Of the run. */
  readonly numShards: number;
}

/** The digest of `x` goes to `out`. */
interface Digest {
  readonly out: Uint32Array;
  readonly x: TypedArray;
}

/** Everything is bound once. Recording a step allocates nothing. */
export function createRecorder(options: RecorderOptions): Recorder {
  const { record, kernels, replica, programs } = options;
  const digests = bindDigests(options);
  const batches = bindBatches(options, digests);
  const partials = bindPartials(options, digests);
  const recordResults = bindResults(options, digests);
  const numModel = itemsOf(modelGroups(programs)).length;
  const ofReplica = perCopy((copy): Digest[] => {
    const arrays = replica[copy]!;
    const first = record.variables.flat().length;
    return isChain(record)
      ? digests.combined(digests.at(record.replicated), arrays.slice(0, numModel))
      : arrays.map((x, i) => ({ out: digests.at(record.replicated, first + i), x }));
  });
  const agreed = { out: digests.at(record.agreed), x: digests.all(record.replicated) };
  return {
    recordBatch: (slot) => digestAll(kernels, batches[slot]!),
    recordPartials: (exchange) => digestAll(kernels, partials[exchange] ?? []),
    recordUpdate(copy) {
      recordResults();
      digestAll(kernels, ofReplica(copy));
      kernels.digest(agreed.out, agreed.x);
    },
  };
}

function digestAll(kernels: Kernels, digests: readonly Digest[]): void {
  for (const { out, x } of digests) kernels.digest(out, x);
}

type Bound = ReturnType<typeof bindDigests>;

function bindDigests({ record, thread, buffer }: RecorderOptions) {
  const view = viewer(buffer);
  const all = (place: DigestPlace): Uint32Array => view(place) as Uint32Array;
  const at = (place: DigestPlace, i = 0): Uint32Array => all(place).subarray(2 * i, 2 * i + 2);
  const parts = record.parts[thread]!;
  return {
    all,
    at,
    /** One digest of several arrays: that of their digests. */
    combined: (out: Uint32Array, arrays: readonly TypedArray[]): Digest[] => [
      ...arrays.map((x, i) => ({ out: at(parts, i), x })),
      { out, x: all(parts).subarray(0, 2 * arrays.length) },
    ],
  };
}

/** The thread's blocks that are recorded, each with the place of its digests. */
const ownBlocks = ({ layout, record, thread }: RecorderOptions) =>
  record.blocks
    .map((place, i) => ({ place, block: layout.blocks[i]! }))
    .filter(({ block }) => block.thread === thread);

/** Of both slots. */
function bindBatches(options: RecorderOptions, { at, combined }: Bound): Digest[][] {
  const view = viewer(options.buffer);
  return [0, 1].map((slot) =>
    ownBlocks(options).flatMap(({ place, block }) => {
      const { columns, indices, weights, keys } = block.batches[slot as BatchSlot];
      return [
        ...combined(at(place, 0), [indices, weights, keys].map(view)),
        ...combined(at(place, 1), columns.map(view)),
      ];
    }),
  );
}

/** By exchange. */
function bindPartials(options: RecorderOptions, { at }: Bound): Digest[][] {
  const { record, programs, buffer } = options;
  const view = viewer(buffer);
  let next = 2;
  return record.variables.map((variables, exchange) => {
    const first = next;
    next += variables.length;
    return ownBlocks(options).flatMap(({ place, block }) => {
      const buckets = programs.shard(block.numShards).exchanges[exchange]!;
      return variables.map(({ bucket, offset, size }, i): Digest => {
        const byteOffset = block.arena + buckets[bucket]!.byteOffset + 4 * offset;
        return { out: at(place, first + i), x: view({ dtype: 'float32', shape: [size], byteOffset }) };
      });
    });
  });
}

/** A block of all shards has computed the results themselves, which are not read again. */
function bindResults(options: RecorderOptions, { all, at }: Bound): () => void {
  const { layout, record, kernels, buffer, numShards } = options;
  const [block] = record.blocks;
  if (block !== undefined && layout.blocks[0]!.numShards === numShards) {
    const [out, partials] = [all(record.replicated), all(block).subarray(4)];
    return () => out.set(partials);
  }
  const view = viewer(buffer);
  const values = record.variables.flatMap((variables, exchange) =>
    variables.map(({ bucket, offset, size }) => {
      const byteOffset = layout.results[exchange]![bucket]!.byteOffset + 4 * offset;
      return view({ dtype: 'float32', shape: [size], byteOffset });
    }),
  );
  const digests = values.map((x, i): Digest => ({ out: at(record.replicated, i), x }));
  return () => digestAll(kernels, digests);
}
