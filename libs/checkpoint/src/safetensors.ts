import { LockstepError } from '@lockstep/errors';
import {
  bytesPerElement,
  type DType,
  formatShape,
  type Shape,
  type Storage,
  sizeOf,
  type TypedArray,
  viewOf,
} from '@lockstep/tensor';

/**
 * The safetensors format: the header's length (uint64, little-endian), a JSON header of names, element types,
 * shapes and byte ranges, the raw elements. Source: github.com/huggingface/safetensors, "Format".
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

/** Element types of the format that can be read: as what, and the bytes of an element in the file. */
const readers: Readonly<Record<string, { dtype: DType; numBytes: number }>> = {
  F32: { dtype: 'float32', numBytes: 4 },
  F64: { dtype: 'float64', numBytes: 8 },
  I32: { dtype: 'int32', numBytes: 4 },
  U32: { dtype: 'uint32', numBytes: 4 },
  BOOL: { dtype: 'bool', numBytes: 1 },
  U8: { dtype: 'int32', numBytes: 1 },
  I64: { dtype: 'int32', numBytes: 8 },
};

const metadataName = '__metadata__';
/** The reference implementation's bound on the header. */
const maxHeaderBytes = 100_000_000;

/** One file's bytes, the same for the same tensors and metadata in whatever order they are given. */
export function encodeSafetensors(tensors: Tensors, metadata: Metadata = {}): Uint8Array {
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

  const bytes = new Uint8Array(dataStart + end);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(dataStart - 8), true);
  bytes.fill(0x20, 8, dataStart);
  bytes.set(json, 8);
  let at = dataStart;
  for (const [, { data }] of entries) {
    bytes.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), at);
    at += data.byteLength;
  }
  return bytes;
}

/**
 * The tensors of a file, in memory of their own, U8 and I64 as int32. Throws `checkpoint` errors for anything
 * but a well-formed file whose tensors cover the data without gap or overlap.
 */
export function decodeSafetensors(bytes: Uint8Array): { tensors: Tensors; metadata: Metadata } {
  const { header, data } = readHeader(bytes);
  const { [metadataName]: metadata = {}, ...rest } = header;
  if (!isRecord(metadata) || !Object.values(metadata).every((value) => typeof value === 'string')) {
    throw damaged(`${metadataName} is not an object of strings`);
  }
  const entries = Object.entries(rest).map(([name, entry]) => ({ name, ...readEntry(name, entry) }));
  let end = 0;
  for (const { name, start, end: next } of [...entries].sort((a, b) => a.start - b.start || a.end - b.end)) {
    if (start !== end)
      throw damaged(`tensor '${name}' starts at byte ${start}, the one before it ends at ${end}`);
    end = next;
  }
  if (end !== data.length) throw damaged(`the tensors end at byte ${end} of ${data.length} bytes of data`);
  const tensors = entries.map(({ name, type, shape, start, end }) => {
    return [name, readTensor(name, type, shape, new Uint8Array(data.subarray(start, end)))] as const;
  });
  return { tensors: Object.fromEntries(tensors), metadata: metadata as Metadata };
}

/** Wide elements first, so that every tensor is aligned; names in order among equals. */
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
      `encodeSafetensors: tensor '${name}' of ${dtype} ${formatShape(shape)} takes ${expected} bytes, its data have ${data.byteLength}`,
      { name, dtype, shape, expected, actual: data.byteLength },
    );
  }
}

function readHeader(bytes: Uint8Array): { header: Readonly<Record<string, unknown>>; data: Uint8Array } {
  if (bytes.length < 8) throw damaged(`${bytes.length} bytes are too few for the header's length`);
  const length = new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true);
  if (length > maxHeaderBytes || length > bytes.length - 8) {
    throw damaged(`the header's length is ${length}, but ${bytes.length - 8} bytes follow`);
  }
  const dataStart = 8 + Number(length);
  const header = parseJson(bytes.subarray(8, dataStart));
  if (!isRecord(header)) throw damaged('the header is not a JSON object');
  return { header, data: bytes.subarray(dataStart) };
}

function parseJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (cause) {
    throw damaged(`the header is not JSON (${String(cause)})`, cause);
  }
}

interface Entry {
  readonly type: string;
  readonly shape: Shape;
  readonly start: number;
  readonly end: number;
}

function readEntry(name: string, entry: unknown): Entry {
  if (!isRecord(entry)) throw damaged(`tensor '${name}' has no entry of dtype, shape and data_offsets`);
  const { dtype, shape, data_offsets: offsets } = entry;
  const reader = typeof dtype === 'string' && Object.hasOwn(readers, dtype) ? readers[dtype] : undefined;
  if (typeof dtype !== 'string' || reader === undefined) {
    throw damaged(
      `tensor '${name}' has dtype ${String(dtype)}; known are ${Object.keys(readers).join(', ')}`,
    );
  }
  if (!isCounts(shape)) throw damaged(`the shape of tensor '${name}' is no list of lengths`);
  if (!isCounts(offsets) || offsets.length !== 2)
    throw damaged(`the offsets of tensor '${name}' are no pair`);
  const [start, end] = offsets as [number, number];
  if (end - start !== sizeOf(shape) * reader.numBytes) {
    throw damaged(`tensor '${name}' of ${dtype} ${formatShape(shape)} does not fill bytes ${start} … ${end}`);
  }
  return { type: dtype, shape, start, end };
}

/** `bytes` own their buffer and start it, so that a view of any type is aligned. */
function readTensor(name: string, type: string, shape: Shape, bytes: Uint8Array): Storage {
  const { dtype } = readers[type]!;
  if (type === 'U8') return { dtype, shape, data: Int32Array.from(bytes) };
  if (type === 'I64') return { dtype, shape, data: narrow(name, new BigInt64Array(bytes.buffer)) };
  return { dtype, shape, data: viewOf(dtype, bytes.buffer, 0, sizeOf(shape)) };
}

function narrow(name: string, wide: BigInt64Array): Int32Array {
  const data = Int32Array.from(wide, Number);
  const lost = wide.findIndex((value, i) => value !== BigInt(data[i]!));
  if (lost < 0) return data;
  throw damaged(`element ${lost} of tensor '${name}' is ${wide[lost]}, which int32 cannot hold`);
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
