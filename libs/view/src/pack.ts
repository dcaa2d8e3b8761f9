/**
 * A value as bytes: the length of a JSON text (uint32, little-endian), the text, and behind it the contents of all `Float64Array`s,
 * each at a multiple of eight. Texts that begin with NUL stand for arrays and for numbers that JSON lacks; a text that begins with NUL
 * itself gets another one.
 */
import { LockstepError } from '@lockstep/errors';

const mark = '\0';

const nonFinite: Readonly<Record<string, number>> = {
  NaN: Number.NaN,
  Infinity: Number.POSITIVE_INFINITY,
  '-Infinity': Number.NEGATIVE_INFINITY,
};

/** A value of objects, lists, texts, numbers, booleans, null and `Float64Array`s; what is undefined is left out. */
export function pack(value: unknown): Uint8Array<ArrayBuffer> {
  const parts: { readonly at: number; readonly array: Float32Array | Float64Array }[] = [];
  let length = 0;
  const text = toText(value, (array) => {
    const range = rangeOf(array);
    if (range !== undefined) return `${mark}range ${range.join(' ')}`;
    const part = array.every(fitsFloat32) ? Float32Array.from(array) : array;
    const at = length;
    parts.push({ at, array: part });
    length = alignedBy8(at + part.byteLength);
    return `${mark}${part === array ? 'float64' : 'float32'} ${at} ${part.length}`;
  });
  const json = new TextEncoder().encode(text);
  const begin = alignedBy8(4 + json.length);
  const bytes = new Uint8Array(begin + length);
  new DataView(bytes.buffer).setUint32(0, json.length, true);
  bytes.set(json, 4);
  for (const { at, array } of parts) {
    bytes.set(new Uint8Array(array.buffer, array.byteOffset, array.byteLength), begin + at);
  }
  return bytes;
}

/** Throws `argument` for bytes that were cut short. */
export function unpack(bytes: Uint8Array): unknown {
  const length = bytes.length < 4 ? -1 : new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true);
  if (length < 0 || 4 + length > bytes.length) {
    throw new LockstepError('argument', `unpack: ${bytes.length} bytes are not all; read them again`, {});
  }
  const text = new TextDecoder().decode(bytes.subarray(4, 4 + length));
  // A copy, because arrays begin at multiples of eight bytes.
  return fromText(text, Uint8Array.from(bytes.subarray(alignedBy8(4 + length))).buffer);
}

/** JSON with numbers that JSON lacks; `Float64Array`s become lists. */
export const toJson = (value: unknown): string => toText(value, (array) => [...array]);

export const fromJson = (text: string): unknown => fromText(text, new ArrayBuffer());

const alignedBy8 = (length: number): number => 8 * Math.ceil(length / 8);

const fitsFloat32 = (value: number): boolean => Object.is(Math.fround(value), value);

/** First, difference and length of whole numbers that follow each other at one distance, as steps mostly do. */
function rangeOf(
  array: Float64Array,
): readonly [first: number, difference: number, length: number] | undefined {
  const [first = 0, second = first] = array;
  const difference = second - first;
  if (!Number.isSafeInteger(first) || !Number.isSafeInteger(difference)) return undefined;
  const isRange = array.every((value, i) => Object.is(value, first + i * difference));
  return isRange ? [first, difference, array.length] : undefined;
}

function toText(value: unknown, ofArray: (array: Float64Array) => unknown): string {
  return JSON.stringify(value, (_key, item: unknown) => {
    if (item instanceof Float64Array) return ofArray(item);
    if (typeof item === 'number') return Number.isFinite(item) ? item : `${mark}${item}`;
    // A text that is returned here does not come here again.
    return typeof item === 'string' && item.startsWith(mark) ? mark + item : item;
  });
}

function fromText(text: string, numbers: ArrayBuffer): unknown {
  return JSON.parse(text, (_key, item: unknown) => {
    if (typeof item !== 'string' || !item.startsWith(mark)) return item;
    const rest = item.slice(1);
    if (rest.startsWith(mark)) return rest;
    if (Object.hasOwn(nonFinite, rest)) return nonFinite[rest];
    return arrayOf(rest, numbers);
  });
}

/** Throws `argument` where the array is not there. */
function arrayOf(text: string, numbers: ArrayBuffer): Float64Array {
  const [kind, ...given] = text.split(' ');
  const [a = 0, b = 0, c = 0] = given.map(Number);
  const width = kind === 'float32' ? 4 : 8;
  if (kind === 'range') return Float64Array.from({ length: c }, (_, i) => a + i * b);
  if (!['float32', 'float64'].includes(kind!) || a + width * b > numbers.byteLength) {
    throw new LockstepError('argument', 'unpack: an array is missing; read the bytes again', { kind });
  }
  return kind === 'float32'
    ? Float64Array.from(new Float32Array(numbers, a, b))
    : new Float64Array(numbers, a, b);
}
