/**
 * ZIP archives: each member follows a local header, and a directory is at the end. Members are stored or deflated.
 * Sizes of 2³² bytes and more are in ZIP64 fields. Source: PKWARE's APPNOTE 6.3, sections 4.3.7 to 4.3.16 and 4.5.3.
 */
import { constants } from 'node:buffer';
import { crc32, inflateRawSync } from 'node:zlib';
import { LockstepError } from '@lockstep/errors';
import { foreignKind } from './foreign.ts';
import type { Decoder } from './ranges.ts';

export interface ZipMember {
  readonly name: string;
  readonly crc: number;
  /** The size after unpacking, in bytes. */
  readonly size: number;
  readonly isDeflated: boolean;
  /** The bytes as stored in the archive. */
  readonly pieces: readonly Uint8Array[];
}

export interface ZipEntry {
  readonly name: string;
  readonly crc: number;
  readonly size: number;
  readonly storedSize: number;
  readonly method: number;
  /** The position of the local header. */
  readonly at: number;
}

const signature = {
  member: 0x04034b50,
  entry: 0x02014b50,
  end: 0x06054b50,
  end64: 0x06064b50,
  locator64: 0x07064b50,
} as const;
const stored = 0;
const deflated = 8;
const utf8Name = 0x800;
/** This value in a 32-bit field means that the value is in the ZIP64 extra field. */
const elsewhere = 0xffffffff;
/** The first day of ZIP's calendar, 1980-01-01, so that the bytes do not depend on the time of writing. */
const firstDay = 0x21;
/** Deflate's highest ratio. A member that claims a higher one is no deflated file, but would exhaust memory. */
const maxRatio = 1032;

/** The bytes of an archive, in pieces. */
export function zipPieces(members: readonly ZipMember[]): Uint8Array[] {
  const pieces: Uint8Array[] = [];
  const directory: Uint8Array[] = [];
  let at = 0;
  for (const member of members) {
    const storedSize = sizeOf(member.pieces);
    const header = localHeader(member, storedSize);
    directory.push(directoryEntry(member, storedSize, at));
    pieces.push(header, ...member.pieces);
    at += header.length + storedSize;
  }
  return [...pieces, ...directory, ending(members.length, at, sizeOf(directory))];
}

const sizeOf = (pieces: readonly Uint8Array[]): number => pieces.reduce((sum, { length }) => sum + length, 0);

type Field = readonly [bytes: 2 | 4 | 8, value: number];

/** Little-endian fields in sequence, followed by bytes. */
function record(fields: readonly Field[], ...rest: readonly Uint8Array[]): Uint8Array {
  const length = fields.reduce((sum, [bytes]) => sum + bytes, 0);
  const view = new DataView(new ArrayBuffer(length));
  let at = 0;
  for (const [bytes, value] of fields) {
    if (bytes === 2) view.setUint16(at, value, true);
    else if (bytes === 4) view.setUint32(at, value, true);
    else view.setBigUint64(at, BigInt(value), true);
    at += bytes;
  }
  return Buffer.concat([new Uint8Array(view.buffer), ...rest]);
}

/** The ZIP64 extra field of values that a 32-bit field cannot hold. */
function extra64(values: readonly number[]): Uint8Array {
  const large = values.filter((value) => value >= elsewhere);
  if (large.length === 0) return new Uint8Array(0);
  return record([[2, 1], [2, 8 * large.length], ...large.map((value): Field => [8, value])]);
}

const small = (value: number): number => Math.min(value, elsewhere);

/** The fields that both headers share: version needed, flags, method, time, date, checksum and sizes. */
function commonFields({ crc, size, isDeflated }: ZipMember, storedSize: number): Field[] {
  return [
    [2, size >= elsewhere || storedSize >= elsewhere ? 45 : 20],
    [2, utf8Name],
    [2, isDeflated ? deflated : stored],
    [2, 0],
    [2, firstDay],
    [4, crc],
    [4, small(storedSize)],
    [4, small(size)],
  ];
}

function localHeader(member: ZipMember, storedSize: number): Uint8Array {
  const name = Buffer.from(member.name);
  // A local header has both sizes in the extra field, or none.
  const isLarge = member.size >= elsewhere || storedSize >= elsewhere;
  const extra = isLarge
    ? record([
        [2, 1],
        [2, 16],
        [8, member.size],
        [8, storedSize],
      ])
    : new Uint8Array(0);
  const common = commonFields(member, storedSize);
  const sizes: Field[] = isLarge
    ? [
        [4, elsewhere],
        [4, elsewhere],
      ]
    : common.slice(-2);
  const lengths: Field[] = [
    [2, name.length],
    [2, extra.length],
  ];
  return record([[4, signature.member], ...common.slice(0, -2), ...sizes, ...lengths], name, extra);
}

function directoryEntry(member: ZipMember, storedSize: number, at: number): Uint8Array {
  const name = Buffer.from(member.name);
  const extra = extra64([member.size, storedSize, at]);
  return record(
    [
      [4, signature.entry],
      [2, 45],
      ...commonFields(member, storedSize),
      [2, name.length],
      [2, extra.length],
      // No comment, first disk, no attributes.
      [2, 0],
      [2, 0],
      [2, 0],
      [4, 0],
      [4, small(at)],
    ],
    name,
    extra,
  );
}

function ending(count: number, directoryAt: number, directorySize: number): Uint8Array {
  const isLarge = count >= 0xffff || directoryAt >= elsewhere || directorySize >= elsewhere;
  const end = record([
    [4, signature.end],
    [2, 0],
    [2, 0],
    [2, Math.min(count, 0xffff)],
    [2, Math.min(count, 0xffff)],
    [4, small(directorySize)],
    [4, small(directoryAt)],
    [2, 0],
  ]);
  if (!isLarge) return end;
  const end64 = record([
    [4, signature.end64],
    [8, 44],
    [2, 45],
    [2, 45],
    [4, 0],
    [4, 0],
    [8, count],
    [8, count],
    [8, directorySize],
    [8, directoryAt],
  ]);
  const locator = record([
    [4, signature.locator64],
    [4, 0],
    [8, directoryAt + directorySize],
    [4, 1],
  ]);
  return Buffer.concat([end64, locator, end]);
}

/** Decodes the directory of an archive. @throws LockstepError `data` if it is damaged. */
export function* directoryDecoder(size: number, what: string): Decoder<readonly ZipEntry[]> {
  const { count, at, end } = yield* endDecoder(size, what);
  if (at > end) throw damaged(what, 'its directory is cut off');
  const bytes = yield { at, length: end - at };
  const view = new DataView(bytes.buffer);
  const entries = new Map<string, ZipEntry>();
  let next = 0;
  for (let i = 0; i < count; i++) {
    if (next + 46 > bytes.length || view.getUint32(next, true) !== signature.entry)
      throw damaged(what, 'its directory is cut off');
    const field16 = (offset: number): number => view.getUint16(next + offset, true);
    const field32 = (offset: number): number => view.getUint32(next + offset, true);
    const [nameLength, extraLength, commentLength] = [field16(28), field16(30), field16(32)];
    const encoding = field16(8) & utf8Name ? 'utf-8' : 'latin1';
    const nameEnd = next + 46 + nameLength;
    const name = new TextDecoder(encoding).decode(bytes.subarray(next + 46, nameEnd));
    if (entries.has(name)) throw damaged(what, `it names '${name}' twice`);
    const [full, storedSize, start] = widened(
      [field32(24), field32(20), field32(42)],
      bytes.subarray(nameEnd, nameEnd + extraLength),
    );
    const entry = { name, crc: field32(16), size: full, storedSize, method: field16(10), at: start };
    entries.set(name, entry);
    next = nameEnd + extraLength + commentLength;
  }
  return [...entries.values()];
}

/** Replaces 32-bit values by those of the ZIP64 extra field, which has only the values that need it, in this order. */
function widened(values: readonly [number, number, number], extra: Uint8Array): [number, number, number] {
  const view = new DataView(extra.buffer, extra.byteOffset, extra.length);
  for (let at = 0; at + 4 <= extra.length; at += 4 + view.getUint16(at + 2, true)) {
    if (view.getUint16(at, true) !== 1) continue;
    let next = at + 4;
    return values.map((value) => {
      if (value !== elsewhere || next + 8 > extra.length) return value;
      next += 8;
      return Number(view.getBigUint64(next - 8, true));
    }) as [number, number, number];
  }
  return [...values];
}

/** The length of the last record with the longest comment, 65,535 bytes. */
const maxEnd = 22 + 0xffff;

function* endDecoder(size: number, what: string): Decoder<{ count: number; at: number; end: number }> {
  const from = Math.max(0, size - maxEnd);
  const bytes = yield { at: from, length: size - from };
  const view = new DataView(bytes.buffer);
  let end = bytes.length - 22;
  while (end >= 0 && view.getUint32(end, true) !== signature.end) end--;
  if (end < 0) {
    const isArchive = from === 0 && view.byteLength >= 4 && view.getUint32(0, true) === signature.member;
    const foreign = from > 0 || isArchive ? undefined : foreignKind(bytes);
    throw damaged(what, foreign === undefined ? 'it has no directory of files' : `it ${foreign}`);
  }
  const locator = end - 20;
  const isLarge = locator >= 0 && view.getUint32(locator, true) === signature.locator64;
  if (!isLarge) {
    return { count: view.getUint16(end + 10, true), at: view.getUint32(end + 16, true), end: from + end };
  }
  const end64 = Number(view.getBigUint64(locator + 8, true));
  if (end64 + 56 > size) throw damaged(what, 'its directory is cut off');
  const record64 = new DataView((yield { at: end64, length: 56 }).buffer);
  if (record64.getUint32(0, true) !== signature.end64) throw damaged(what, 'its directory is cut off');
  const value = (offset: number): number => Number(record64.getBigUint64(offset, true));
  return { count: value(32), at: value(48), end: end64 };
}

/** Decodes the contents of a member and checks its checksum. */
export function* memberDecoder(entry: ZipEntry, size: number, what: string): Decoder<Uint8Array> {
  const { name, at, storedSize, method, crc } = entry;
  if (entry.size > storedSize * maxRatio + 64) {
    throw damaged(what, `'${name}' claims ${entry.size} bytes in ${storedSize}`);
  }
  if (at + 30 > size) throw damaged(what, `'${name}' is cut off`);
  const header = new DataView((yield { at, length: 30 }).buffer);
  if (header.getUint32(0, true) !== signature.member) throw damaged(what, `'${name}' is cut off`);
  const start = at + 30 + header.getUint16(26, true) + header.getUint16(28, true);
  if (start + storedSize > size) throw damaged(what, `'${name}' is cut off`);
  const bytes = yield { at: start, length: storedSize };
  const contents = unpacked(bytes, entry, method, what);
  if (contents.length !== entry.size || crc32(contents) !== crc) {
    throw damaged(what, `'${name}' fails its checksum`);
  }
  return contents;
}

function unpacked(bytes: Uint8Array, { name, size }: ZipEntry, method: number, what: string): Uint8Array {
  if (method === stored) return bytes;
  if (method !== deflated) {
    throw damaged(what, `'${name}' is packed by method ${method}; readable are stored and deflated members`);
  }
  try {
    return inflateRawSync(bytes, { maxOutputLength: Math.min(Math.max(size, 1), constants.MAX_LENGTH) });
  } catch (cause) {
    throw damaged(what, `'${name}' fails its checksum`, cause);
  }
}

function damaged(what: string, how: string, cause?: unknown): LockstepError {
  return new LockstepError('data', `${what}: ${how}; it is damaged or no NPZ file`, { what }, { cause });
}
