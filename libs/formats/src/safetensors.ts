import { aString, LockstepError, recordOf, signature } from '@lockstep/errors';
import {
  bytesPerElement,
  type DType,
  formatShape,
  type Shape,
  type Storage,
  sizeOf,
  type TypedArray,
} from '@lockstep/tensor';
import { type ElementType, elementReaders } from './elements.ts';
import { foreignKind } from './foreign.ts';
import { someArrays, someBytes } from './kinds.ts';
import { bytesOf, type Decoder, decodeBytes, joinPieces, type OwnBytes } from './ranges.ts';
import { wanted } from './wanted.ts';

/**
 * The safetensors format: the header's length (uint64, little-endian), a JSON header of names, element types, shapes
 * and byte ranges, and the raw elements. Source: github.com/huggingface/safetensors, "Format".
 */

export type Tensors = Readonly<Record<string, Storage>>;
export type Metadata = Readonly<Record<string, string>>;

const formatNames = {
  float32: 'F32',
  float64: 'F64',
  int32: 'I32',
  uint32: 'U32',
  bool: 'BOOL',
} as const satisfies Record<DType, string>;

/** The readable element types of the format. */
const elementTypes: Readonly<Record<string, ElementType>> = {
  F64: 'float64',
  F32: 'float32',
  F16: 'float16',
  BF16: 'bfloat16',
  I64: 'int64',
  I32: 'int32',
  I16: 'int16',
  I8: 'int8',
  U64: 'uint64',
  U32: 'uint32',
  U16: 'uint16',
  U8: 'uint8',
  BOOL: 'bool',
};

const metadataName = '__metadata__';
/** The limit of the reference implementation on the length of the header. */
const maxHeaderBytes = 100_000_000;

const checkEncode = signature('encodeSafetensors', {
  tensors: someArrays,
  'metadata?': recordOf(aString, 'an object of strings'),
});
const checkDecode = signature('decodeSafetensors', { bytes: someBytes });

/** The bytes of a safetensors file. They do not depend on the order of the tensors and metadata. */
export function encodeSafetensors(tensors: Tensors, metadata: Metadata = {}): Uint8Array {
  checkEncode(tensors, metadata);
  return joinPieces(safetensorsPieces(tensors, metadata));
}

/** The bytes of {@link encodeSafetensors} in pieces: the header, then views of the tensors' own data. */
export function safetensorsPieces(tensors: Tensors, metadata: Metadata = {}): Uint8Array[] {
  const entries = Object.entries(tensors).sort(inFileOrder);
  const header: [string, unknown][] = [];
  if (Object.keys(metadata).length > 0) header.push([metadataName, sortKeys(metadata)]);
  let end = 0;
  for (const [name, { dtype, shape, data }] of entries) {
    checkTensor(name, dtype, shape, data);
    const start = end;
    end += data.byteLength;
    header.push([name, { dtype: formatNames[dtype], shape, data_offsets: [start, end] }]);
  }
  const json = new TextEncoder().encode(JSON.stringify(Object.fromEntries(header)));
  const dataStart = 8 + Math.ceil(json.length / 8) * 8;
  const beginning = new Uint8Array(dataStart).fill(0x20);
  new DataView(beginning.buffer).setBigUint64(0, BigInt(dataStart - 8), true);
  beginning.set(json, 8);
  return [beginning, ...entries.map(([, { data }]) => bytesOf(data))];
}

export interface SafetensorsFile {
  readonly tensors: Tensors;
  readonly metadata: Metadata;
}

/**
 * The tensors of a file, in memory of their own. F16 and BF16 become float32, integers of other widths int32, U64
 * uint32; a value that does not fit is a `data` error. Throws `checkpoint` errors unless the file is well-formed and
 * its tensors cover the data without gap or overlap.
 */
export function decodeSafetensors(bytes: Uint8Array): SafetensorsFile {
  checkDecode(bytes);
  return decodeBytes(bytes, (size) => safetensorsDecoder(size));
}

/** {@link decodeSafetensors} as a decoder, of the named tensors or of all. */
export function* safetensorsDecoder(size: number, names?: readonly string[]): Decoder<SafetensorsFile> {
  const dataStart = headerEnd(size, size < 8 ? undefined : yield { at: 0, length: 8 });
  const header = parseJson(yield { at: 8, length: dataStart - 8 });
  const { [metadataName]: metadata = {}, ...rest } = header;
  if (!isRecord(metadata) || !Object.values(metadata).every((value) => typeof value === 'string')) {
    throw damaged(`${metadataName} is not an object of strings`);
  }
  const entries = Object.entries(rest).map(([name, entry]) => readEntry(name, entry));
  requireCovered(entries, size - dataStart);
  const asked = wanted(names, Object.keys(rest), 'safetensors');
  const tensors: [string, Storage][] = [];
  for (const { name, type, shape, start, end } of entries) {
    if (!asked.has(name)) continue;
    const { dtype, read } = elementReaders[type];
    const bytes = yield { at: dataStart + start, length: end - start };
    tensors.push([name, { dtype, shape, data: read(bytes, `tensor '${name}'`) }]);
  }
  return { tensors: Object.fromEntries(tensors), metadata: metadata as Metadata };
}

/** Requires that every byte of the data belongs to exactly one tensor. */
function requireCovered(entries: readonly Entry[], numBytes: number): void {
  let covered = 0;
  for (const { name, start, end } of entries.toSorted((a, b) => a.start - b.start || a.end - b.end)) {
    if (start !== covered)
      throw damaged(`tensor '${name}' starts at byte ${start}, the one before it ends at ${covered}`);
    covered = end;
  }
  if (covered !== numBytes) throw damaged(`the tensors end at byte ${covered} of ${numBytes} bytes of data`);
}

/** Orders wide elements first, so that every tensor is aligned, and equal widths by name. */
function inFileOrder([a, { dtype: x }]: [string, Storage], [b, { dtype: y }]: [string, Storage]): number {
  return bytesPerElement(y) - bytesPerElement(x) || (a < b ? -1 : 1);
}

function sortKeys(record: Metadata): Metadata {
  return Object.fromEntries(Object.entries(record).sort(([a], [b]) => (a < b ? -1 : 1)));
}

function checkTensor(name: string, dtype: DType, shape: Shape, data: TypedArray): void {
  if (name === metadataName) {
    throw new LockstepError('argument', `encodeSafetensors: a tensor cannot be named ${metadataName}`, {
      name,
    });
  }
  const expected = sizeOf(shape) * bytesPerElement(dtype);
  if (data.byteLength !== expected) {
    throw new LockstepError(
      'shape',
      `encodeSafetensors: tensor '${name}' of ${String(dtype)} ${formatShape(shape)} takes ${expected} bytes, but its data have ${data.byteLength}`,
      { name, dtype, shape, expected, actual: data.byteLength },
    );
  }
}

/** The end of the header, from its length in the first 8 bytes. */
function headerEnd(size: number, first: OwnBytes | undefined): number {
  if (first === undefined) throw damaged(`${size} bytes are too few for the header's length`);
  const length = new DataView(first.buffer).getBigUint64(0, true);
  if (length > maxHeaderBytes || length > size - 8) {
    const foreign = foreignKind(first);
    if (foreign !== undefined) throw damaged(`the file ${foreign}`);
    throw damaged(`the header's length is ${length}, but ${size - 8} bytes follow`);
  }
  return 8 + Number(length);
}

function parseJson(bytes: Uint8Array): Readonly<Record<string, unknown>> {
  let text: string;
  let header: unknown;
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
    header = JSON.parse(text);
  } catch (cause) {
    throw damaged(`the header is not JSON (${String(cause)})`, cause);
  }
  if (!isRecord(header) || !text.startsWith('{')) throw damaged('the header is not a JSON object');
  // JSON.parse keeps the last of two members with one name; other readers keep the first.
  if (countMembers(text) !== Object.keys(header).length) throw damaged('the header names a tensor twice');
  return header;
}

/** The number of members of the outermost object of a JSON text. */
function countMembers(text: string): number {
  const tokens = text.matchAll(/"(?:[^"\\]|\\.)*"|[{}[\]:]/g);
  let depth = 0;
  let count = 0;
  for (const [token] of tokens) {
    if (token === '{' || token === '[') depth++;
    else if (token === '}' || token === ']') depth--;
    else if (token === ':' && depth === 1) count++;
  }
  return count;
}

interface Entry {
  readonly name: string;
  readonly type: ElementType;
  readonly shape: Shape;
  readonly start: number;
  readonly end: number;
}

function readEntry(name: string, entry: unknown): Entry {
  if (!isRecord(entry)) throw damaged(`tensor '${name}' has no entry of dtype, shape and data_offsets`);
  const { dtype, shape, data_offsets: offsets } = entry;
  const type =
    typeof dtype === 'string' && Object.hasOwn(elementTypes, dtype) ? elementTypes[dtype] : undefined;
  if (type === undefined) throw unreadable(name, String(dtype));
  if (!isCounts(shape)) throw damaged(`the shape of tensor '${name}' is no list of lengths`);
  if (!isCounts(offsets) || offsets.length !== 2)
    throw damaged(`the offsets of tensor '${name}' are no pair`);
  const [start, end] = offsets as [number, number];
  if (end - start !== sizeOf(shape) * elementReaders[type].numBytes) {
    throw damaged(
      `tensor '${name}' of ${String(dtype)} ${formatShape(shape)} does not fill bytes ${start} … ${end}`,
    );
  }
  return { name, type, shape, start, end };
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isCounts(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((count) => Number.isSafeInteger(count) && count >= 0);
}

function damaged(what: string, cause?: unknown): LockstepError {
  return new LockstepError(
    'checkpoint',
    `safetensors: ${what}; the file is damaged or not of this format`,
    {},
    { cause },
  );
}

/** An error for a type of the format that this library has no equivalent of; the file may be intact. */
function unreadable(name: string, type: string): LockstepError {
  return new LockstepError(
    'checkpoint',
    `safetensors: tensor '${name}' has dtype ${type}; readable are ${Object.keys(elementTypes).join(', ')}: convert it before saving`,
    { name, type },
  );
}
