/** Numbers and texts as bytes. A whole number has seven bits in each byte, the lowest first; the highest bit says that more follow. */

export interface ByteWriter {
  byte(value: number): void;
  /** A whole number from 0 to 2⁵³ − 1. */
  number(value: number): void;
  text(value: string): void;
  bytes(value: Uint8Array): void;
  result(): Uint8Array;
}

export function createByteWriter(): ByteWriter {
  const parts: Uint8Array[] = [];
  const writer: ByteWriter = {
    byte: (value) => void parts.push(Uint8Array.of(value)),
    number(value) {
      const digits: number[] = [];
      for (let rest = value; ; rest = Math.floor(rest / 128)) {
        digits.push((rest % 128) + (rest >= 128 ? 128 : 0));
        if (rest < 128) break;
      }
      parts.push(Uint8Array.from(digits));
    },
    text(value) {
      const bytes = Buffer.from(value);
      writer.number(bytes.length);
      parts.push(bytes);
    },
    bytes: (value) => void parts.push(value),
    result: () => Buffer.concat(parts),
  };
  return writer;
}

/** Throws a `RangeError` where the bytes end too early. */
export interface ByteReader {
  byte(): number;
  number(): number;
  text(): string;
  bytes(length: number): Uint8Array;
  rest(): Uint8Array;
}

export function createByteReader(bytes: Uint8Array): ByteReader {
  let at = 0;
  const reader: ByteReader = {
    byte() {
      const value = bytes[at++];
      if (value === undefined) throw new RangeError('the bytes end too early');
      return value;
    },
    number() {
      let value = 0;
      for (let weight = 1; ; weight *= 128) {
        const digit = reader.byte();
        value += (digit % 128) * weight;
        if (!Number.isSafeInteger(value)) throw new RangeError('the number is too great');
        if (digit < 128) return value;
      }
    },
    text: () => Buffer.from(reader.bytes(reader.number())).toString(),
    bytes(length) {
      if (at + length > bytes.length) throw new RangeError('the bytes end too early');
      at += length;
      return bytes.subarray(at - length, at);
    },
    rest: () => reader.bytes(bytes.length - at),
  };
  return reader;
}
