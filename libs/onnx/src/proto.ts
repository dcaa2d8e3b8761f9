/**
 * Writes the wire format of Protocol Buffers: a message is a sequence of fields, each a tag (field number and wire
 * type) and a value. Source: protobuf.dev, "Encoding".
 */

/** A message, or a part of one. */
export type Fields = readonly Uint8Array[];

const wireTypes = { varint: 0, bytes: 2 } as const;

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

export const integer = (field: number, value: number): Fields => [
  tag(field, 'varint'),
  varint(BigInt(value)),
];

export const bytes = (field: number, value: Uint8Array): Fields => [
  tag(field, 'bytes'),
  varint(BigInt(value.length)),
  value,
];

export const text = (field: number, value: string): Fields => bytes(field, new TextEncoder().encode(value));

export const message = (field: number, ...parts: readonly Fields[]): Fields => bytes(field, joined(parts));

/** A packed repeated field. */
export const integers = (field: number, values: readonly number[]): Fields =>
  values.length === 0 ? [] : bytes(field, joined(values.map((value) => [varint(BigInt(value))])));

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
