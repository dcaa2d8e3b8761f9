/**
 * Writes the wire format of Protocol Buffers: a message is a sequence of fields, each a tag (field number and wire
 * type) and a value. Source: protobuf.dev, "Encoding".
 */

/** A message, or a part of one. */
export type Fields = readonly Uint8Array[];

const wireTypes = { varint: 0, fixed64: 1, bytes: 2, fixed32: 5 } as const;

const tag = (field: number, type: keyof typeof wireTypes): Uint8Array =>
  varint((BigInt(field) << 3n) | BigInt(wireTypes[type]));

/** A varint: seven bits per byte, lowest first. Negative numbers are 64-bit two's complement. */
function varint(value: bigint): Uint8Array {
  const bytes: number[] = [];
  let rest = BigInt.asUintN(64, value);
  for (; rest > 0x7fn; rest >>= 7n) bytes.push(Number(rest & 0x7fn) | 0x80);
  bytes.push(Number(rest));
  return Uint8Array.from(bytes);
}

/** A whole number, or the number of an enumeration's member. */
export const integer = (field: number, value: number): Fields => [
  tag(field, 'varint'),
  varint(BigInt(value)),
];

export const boolean = (field: number, value: boolean): Fields => integer(field, value ? 1 : 0);

export const double = (field: number, value: number): Fields => [
  tag(field, 'fixed64'),
  float64Bytes([value]),
];

/** Rounded to float32. */
export const float = (field: number, value: number): Fields => {
  const rounded = new Uint8Array(4);
  new DataView(rounded.buffer).setFloat32(0, value, true);
  return [tag(field, 'fixed32'), rounded];
};

export const bytes = (field: number, value: Uint8Array): Fields => [
  tag(field, 'bytes'),
  varint(BigInt(value.length)),
  value,
];

export const text = (field: number, value: string): Fields => bytes(field, new TextEncoder().encode(value));

export const message = (field: number, ...parts: readonly Fields[]): Fields => bytes(field, joined(parts));

/** A packed repeated field of whole numbers. */
export const integers = (field: number, values: readonly number[]): Fields =>
  values.length === 0 ? [] : bytes(field, joined(values.map((value) => [varint(BigInt(value))])));

/** A packed repeated field of doubles. */
export const doubles = (field: number, values: readonly number[]): Fields =>
  values.length === 0 ? [] : bytes(field, float64Bytes(values));

export function joined(parts: readonly Fields[]): Uint8Array {
  const chunks = parts.flat();
  const result = new Uint8Array(chunks.reduce((length, chunk) => length + chunk.length, 0));
  let at = 0;
  for (const chunk of chunks) {
    result.set(chunk, at);
    at += chunk.length;
  }
  return result;
}

/** Little-endian. */
function float64Bytes(values: readonly number[]): Uint8Array {
  const result = new Uint8Array(8 * values.length);
  const view = new DataView(result.buffer);
  for (const [i, value] of values.entries()) view.setFloat64(8 * i, value, true);
  return result;
}
