/**
 * NumPy's NPY format: a magic string, the version, the length of the header, a Python dictionary of element type, order
 * and shape, and the raw elements. Source: numpy.org, "numpy.lib.format", versions 1.0 to 3.0.
 */
import { aBoolean, aString, LockstepError, type Rules, signature } from '@lockstep/errors';
import { type DType, formatShape, type Shape, type Storage, sizeOf } from '@lockstep/tensor';
import { type ElementType, elementReaders } from './elements.ts';
import { foreignKind } from './foreign.ts';
import { anArray, someBytes } from './kinds.ts';
import { bytesOf, type Decoder, decodeBytes, joinPieces, type OwnBytes } from './ranges.ts';

/** \x93NUMPY */
const magic = [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59];

/** The element type by kind and bytes of an element, without the byte order. */
const elementTypes: Readonly<Record<string, ElementType>> = {
  f8: 'float64',
  f4: 'float32',
  f2: 'float16',
  i8: 'int64',
  i4: 'int32',
  i2: 'int16',
  i1: 'int8',
  u8: 'uint64',
  u4: 'uint32',
  u2: 'uint16',
  u1: 'uint8',
  b1: 'bool',
};

const descriptions = {
  float32: '<f4',
  float64: '<f8',
  int32: '<i4',
  uint32: '<u4',
  bool: '|b1',
} as const satisfies Record<DType, string>;

export interface NpyOptions {
  /** Write in column-major order, in which the first axis varies fastest, as in Fortran and MATLAB. Default false. */
  readonly fortranOrder?: boolean;
}

const npyRules: Rules<NpyOptions> = { fortranOrder: aBoolean };
const checkEncodeNpy = signature('encodeNpy', { array: anArray }, npyRules);
const checkDecodeNpy = signature('decodeNpy', { bytes: someBytes, 'what?': aString });

/** The bytes of an .npy file, as `numpy.save` writes it. */
export function encodeNpy(array: Storage, options: NpyOptions = {}): Uint8Array {
  checkEncodeNpy(array, options);
  return joinPieces(npyPieces(array, options));
}

/** The bytes of {@link encodeNpy} in two pieces: the header and the data. Row-major data are a view, not a copy. */
export function npyPieces(array: Storage, { fortranOrder = false }: NpyOptions = {}): Uint8Array[] {
  const { dtype, shape, data } = array;
  if (data.length !== sizeOf(shape)) {
    throw new LockstepError(
      'shape',
      `encodeNpy: an array ${formatShape(shape)} has ${sizeOf(shape)} elements, but its data have ${data.length}`,
      { shape, length: data.length },
    );
  }
  const header = headerBytes(descriptions[dtype], fortranOrder, shape);
  return [header, bytesOf(fortranOrder ? reordered(array, 'to') : data)];
}

/** Magic string, version, length and dictionary, padded so that the elements are aligned to 64 bytes. */
function headerBytes(description: string, fortranOrder: boolean, shape: Shape): Uint8Array {
  const order = fortranOrder ? 'True' : 'False';
  const lengths = shape.length === 1 ? `(${shape[0]},)` : `(${shape.join(', ')})`;
  const dictionary = `{'descr': '${description}', 'fortran_order': ${order}, 'shape': ${lengths}, }`;
  // Version 1 has two bytes for the length of the header, which a very long shape exceeds.
  const version = dictionary.length + 64 < 0x10000 ? 1 : 2;
  const start = version === 1 ? 10 : 12;
  const total = Math.ceil((start + dictionary.length + 1) / 64) * 64;
  const bytes = new Uint8Array(total).fill(0x20);
  bytes.set([...magic, version, 0]);
  const view = new DataView(bytes.buffer);
  if (version === 1) view.setUint16(8, total - start, true);
  else view.setUint32(8, total - start, true);
  bytes.set(new TextEncoder().encode(dictionary), start);
  bytes[total - 1] = 0x0a;
  return bytes;
}

/**
 * The array of an .npy file, in row-major order and memory of its own. Half floats become float32, integers of other
 * widths int32, 64-bit unsigned integers uint32. Throws `data` errors for a value that does not fit, for elements that
 * are no numbers (strings, records, pickled objects) and for a damaged file. `what` names the file in messages.
 */
export function decodeNpy(bytes: Uint8Array, what = 'the file'): Storage {
  checkDecodeNpy(bytes, what);
  return decodeBytes(bytes, (size) => npyDecoder(size, what));
}

/** {@link decodeNpy} as a decoder that asks for ranges of bytes. */
export function* npyDecoder(size: number, what: string): Decoder<Storage> {
  const { description, fortranOrder, shape, start } = yield* headerDecoder(size, what);
  const { order, type } = elementTypeOf(description, what);
  const { dtype, numBytes, read } = elementReaders[type];
  const expected = sizeOf(shape) * numBytes;
  if (size - start !== expected) {
    throw damaged(
      what,
      `${description} ${formatShape(shape)} takes ${expected} bytes after the header, there are ${size - start}`,
    );
  }
  const body = yield { at: start, length: expected };
  if (order === '>') reverseEach(body, numBytes);
  const stored: Storage = { dtype, shape, data: read(body, what) };
  return fortranOrder ? { ...stored, data: reordered(stored, 'from') } : stored;
}

interface Header {
  readonly description: string;
  readonly fortranOrder: boolean;
  readonly shape: Shape;
  /** The first byte of the elements. */
  readonly start: number;
}

function* headerDecoder(size: number, what: string): Decoder<Header> {
  const first: OwnBytes = yield { at: 0, length: Math.min(size, 12) };
  if (size < 12 || magic.some((byte, i) => first[i] !== byte)) {
    const foreign = foreignKind(first);
    throw damaged(what, foreign === undefined ? 'it does not start with \\x93NUMPY' : `it ${foreign}`);
  }
  const version = first[6]!;
  if (version < 1 || version > 3)
    throw damaged(what, `its version is ${version}.${first[7]}; 1 to 3 are known`);
  const view = new DataView(first.buffer);
  const from = version === 1 ? 10 : 12;
  const length = version === 1 ? view.getUint16(8, true) : view.getUint32(8, true);
  if (length > size - from) throw damaged(what, 'it ends inside its header');
  const bytes = yield { at: from, length };
  const text = new TextDecoder(version === 3 ? 'utf-8' : 'latin1').decode(bytes);
  return { ...parseDictionary(text, what), start: from + length };
}

/** Matches one member of the dictionary: a string, a boolean, a tuple of lengths, or a list (of record fields). */
const member = /\s*(['"])(\w+)\1\s*:\s*('[^']*'|"[^"]*"|True|False|\([\d\s,L]*\)|\[.*\])\s*(?:,|$)/sy;

function parseDictionary(text: string, what: string): Omit<Header, 'start'> {
  const fail = (): never => {
    throw damaged(
      what,
      `its header is no dictionary of descr, fortran_order and shape: ${text.slice(0, 99)}`,
    );
  };
  const [, inner] = /^\s*\{(.*)\}\s*$/s.exec(text) ?? [];
  if (inner === undefined) return fail();
  const members = new Map<string, string>();
  member.lastIndex = 0;
  while (member.lastIndex < inner.trimEnd().length) {
    const found = member.exec(inner);
    if (found === null || members.has(found[2]!)) return fail();
    members.set(found[2]!, found[3]!);
  }
  const [description, order, shape] = ['descr', 'fortran_order', 'shape'].map((key) => members.get(key));
  if (members.size !== 3 || !description || !/^(True|False)$/.test(order ?? '') || !shape?.startsWith('('))
    return fail();
  const lengths = shape.match(/\d+/g)?.map(Number) ?? [];
  if (!lengths.every(Number.isSafeInteger)) return fail();
  return {
    description: description.replace(/^(['"])(.*)\1$/s, '$2'),
    fortranOrder: order === 'True',
    shape: lengths,
  };
}

function elementTypeOf(description: string, what: string): { order: string; type: ElementType } {
  const [, order = '', name = ''] = /^([<>|=])(\w+)$/.exec(description) ?? [];
  const type = Object.hasOwn(elementTypes, name) ? elementTypes[name] : undefined;
  if (type !== undefined) return { order, type };
  const kind =
    name === 'O' ? 'pickled Python objects, which are never read' : `of type ${description.slice(0, 60)}`;
  throw new LockstepError(
    'data',
    `${what}: its elements are ${kind}; readable are booleans, integers and floats of 16 to 64 bits: convert it with .astype('float32')`,
    { description },
  );
}

/** Reverses the byte order of each element in place. */
function reverseEach(bytes: Uint8Array, width: number): void {
  for (let at = 0; at < bytes.length; at += width) bytes.subarray(at, at + width).reverse();
}

/** The elements converted to ('to') or from ('from') column-major order. */
function reordered({ shape, data }: Storage, direction: 'to' | 'from'): Storage['data'] {
  const result = data.slice();
  const rank = shape.length;
  const index = new Array<number>(rank).fill(0);
  for (let column = 0; column < data.length; column++) {
    let row = 0;
    for (let axis = 0; axis < rank; axis++) row = row * shape[axis]! + index[axis]!;
    if (direction === 'to') result[column] = data[row]!;
    else result[row] = data[column]!;
    for (let axis = 0; axis < rank && ++index[axis]! === shape[axis]; axis++) index[axis] = 0;
  }
  return result;
}

function damaged(what: string, how: string): LockstepError {
  return new LockstepError('data', `${what}: ${how}; it is damaged or no NPY file`, { what });
}
