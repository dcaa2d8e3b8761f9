/** Digests as bytes, eight each with the lowest first, in the order in which workers send them and the file keeps them. */
import type { ShardRange } from '@lockstep/collectives';
import { invariant } from '@lockstep/errors';
import type { RecordedBlock, RecordForm, ReplicatedDigests } from './types.ts';

const digestBytes = 8;

const numExchanged = ({ exchanges }: RecordForm): number =>
  exchanges.reduce((sum, names) => sum + names.length, 0);

/** Bytes of the digests that all members share: those of the results, then those of the replica. */
export const replicatedBytes = (form: RecordForm): number =>
  digestBytes * (numExchanged(form) + form.replica.length);

/** Bytes of the digests of one block: of its samples, its columns and its partials. */
export const blockBytes = (form: RecordForm): number => digestBytes * (2 + numExchanged(form));

/** What a digest that members share is of: an exchange's result, or an array of the replica. */
export interface SharedValue {
  readonly part: 'result' | 'replica';
  readonly variable: string;
}

/** Says what the digests that members share are of, in their order. */
export const sharedValues = ({ exchanges, replica }: RecordForm): SharedValue[] => [
  ...exchanges.flat().map((variable) => ({ part: 'result', variable }) as const),
  ...replica.map((variable) => ({ part: 'replica', variable }) as const),
];

export function replicatedDigests(form: RecordForm, bytes: Uint8Array): ReplicatedDigests {
  const read = reader(bytes, replicatedBytes(form));
  return { results: read.byExchange(form), replica: form.replica.map(read.next) };
}

/** The digests of blocks, which lie in `bytes` one block after the other. */
export function blockDigests(
  form: RecordForm,
  blocks: readonly ShardRange[],
  bytes: Uint8Array,
): RecordedBlock[] {
  const read = reader(bytes, blocks.length * blockBytes(form));
  return blocks.map((shards) => {
    const [samples, columns] = [read.next(), read.next()];
    return { shards, samples, columns, partials: read.byExchange(form) };
  });
}

function reader(bytes: Uint8Array, expected: number) {
  invariant(bytes.length === expected, 'digests fill their bytes', { bytes: bytes.length, expected });
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let at = -digestBytes;
  const next = (): bigint => {
    at += digestBytes;
    return view.getBigUint64(at, true);
  };
  return { next, byExchange: ({ exchanges }: RecordForm) => exchanges.map((names) => names.map(next)) };
}
