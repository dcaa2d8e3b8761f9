/** The entries of a step record as bytes. The first byte of an entry is its kind. */
import type { ShardRange } from '@lockstep/collectives';
import { type ByteReader, createByteReader, createByteWriter } from './bytes.ts';
import type { RecordForm } from './types.ts';

/** One member's digests of one step. */
export interface MemberStep {
  readonly step: number;
  readonly generation: number;
  readonly worker: string;
  readonly rank: number;
  /** Those of the worker. */
  readonly shards: ShardRange;
  /** Empty where only the state is recorded. */
  readonly blocks: readonly ShardRange[];
  /** The number of a form in the file. */
  readonly form: number;
  /** See `replicatedDigests`; or the rank whose entry of the same step and generation, before this one, holds the same bytes. */
  readonly replicated: Uint8Array | { readonly ofRank: number };
  /** See `blockDigests`. */
  readonly own: Uint8Array;
}

export type Entry =
  | { readonly kind: 'form'; readonly id: number; readonly form: RecordForm }
  | { readonly kind: 'member'; readonly member: MemberStep }
  /** The length of the run has changed: steps after this one are computed again. */
  | { readonly kind: 'lengthChanged'; readonly step: number };

const kinds = { form: 1, member: 2, lengthChanged: 3 } as const;

/** The form of its JSON; undefined for any other text. */
export function parseForm(text: string): RecordForm | undefined {
  let value: Partial<RecordForm> | null;
  try {
    value = JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
  const { exchanges, replica } = value ?? {};
  return isNames(replica) && Array.isArray(exchanges) && exchanges.every(isNames)
    ? { exchanges, replica }
    : undefined;
}

const isNames = (value: unknown): value is readonly string[] =>
  Array.isArray(value) && value.every((name) => typeof name === 'string');

export function encodeForm(id: number, { exchanges, replica }: RecordForm): Uint8Array {
  const writer = createByteWriter();
  writer.byte(kinds.form);
  writer.number(id);
  writer.bytes(Buffer.from(JSON.stringify({ exchanges, replica })));
  return writer.result();
}

export function encodeLengthChanged(step: number): Uint8Array {
  const writer = createByteWriter();
  writer.byte(kinds.lengthChanged);
  writer.number(step);
  return writer.result();
}

export function encodeMember(member: MemberStep): Uint8Array {
  const { step, generation, worker, rank, shards, blocks, form, replicated, own } = member;
  const writer = createByteWriter();
  writer.byte(kinds.member);
  for (const number of [step, generation, rank, form]) writer.number(number);
  writer.text(worker);
  writer.number(blocks.length);
  for (const { start, count } of [shards, ...blocks]) {
    writer.number(start);
    writer.number(count);
  }
  if ('ofRank' in replicated) {
    writer.number(0);
    writer.number(replicated.ofRank);
  } else {
    writer.number(1 + replicated.length);
    writer.bytes(replicated);
  }
  writer.bytes(own);
  return writer.result();
}

/** Undefined for bytes that are no entry of this version. */
export function decodeEntry(bytes: Uint8Array): Entry | undefined {
  try {
    return decode(createByteReader(bytes));
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

function decode(reader: ByteReader): Entry | undefined {
  switch (reader.byte()) {
    case kinds.form: {
      const id = reader.number();
      const form = parseForm(Buffer.from(reader.rest()).toString());
      return form && { kind: 'form', id, form };
    }
    case kinds.member:
      return { kind: 'member', member: decodeMember(reader) };
    case kinds.lengthChanged:
      return { kind: 'lengthChanged', step: reader.number() };
    default:
      return undefined;
  }
}

function decodeMember(reader: ByteReader): MemberStep {
  const [step, generation, rank, form] = [reader.number(), reader.number(), reader.number(), reader.number()];
  const worker = reader.text();
  const range = (): ShardRange => ({ start: reader.number(), count: reader.number() });
  const numBlocks = reader.number();
  const shards = range();
  const blocks: ShardRange[] = [];
  for (let i = 0; i < numBlocks; i++) blocks.push(range());
  const length = reader.number();
  const replicated = length === 0 ? { ofRank: reader.number() } : reader.bytes(length - 1);
  return { step, generation, worker, rank, shards, blocks, form, replicated, own: reader.rest() };
}
