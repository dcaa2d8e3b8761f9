import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeHeader, encodeHeader, floatsOf, type Header, headerBytes, runHash } from './frame.ts';

const header: Header = {
  kind: 'partial',
  run: 2 ** 48 - 1,
  generation: 2 ** 32 - 1,
  rank: 65535,
  step: 2 ** 40 + 3,
  frameId: 9,
  level: 4,
  index: 11,
  chunk: 12,
  length: 13,
  direct: true,
};

describe('headers', () => {
  it('are decoded as they were encoded', () => {
    expect(decodeHeader(encodeHeader(header), 13)).toEqual({ ok: true, header });
  });

  it('have this layout', () => {
    expect(Buffer.from(encodeHeader(header)).toString('hex')).toBe(
      '4c4b5354' +
        '0100' +
        '00' +
        '04' +
        'ffffffffffff' +
        'ffff' +
        'ffffffff' +
        '09000000' +
        '030000000001' +
        '0100' +
        '0b000000' +
        '0c000000' +
        '0d000000',
    );
  });

  it('are refused with the fault that they have', () => {
    const changed = (at: number, value: number) => {
      const bytes = encodeHeader(header);
      bytes[at] = value;
      return decodeHeader(bytes, 13);
    };
    expect(decodeHeader(new Uint8Array(3), 0)).toEqual({ ok: false, fault: 'size' });
    expect(changed(0, 0)).toEqual({ ok: false, fault: 'magic' });
    expect(changed(4, 2)).toEqual({ ok: false, fault: 'version' });
    expect(changed(6, 200)).toEqual({ ok: false, fault: 'kind' });
    expect(changed(40, 14)).toEqual({ ok: false, fault: 'length' });
  });

  it('are decoded without an error from any bytes', () => {
    const bytes = fc.uint8Array({ minLength: headerBytes - 1, maxLength: headerBytes + 1 });
    fc.assert(
      fc.property(bytes, fc.nat(100), (garbage, length) => {
        expect(decodeHeader(garbage, length).ok).toBe(false);
        const nearly = encodeHeader(header);
        nearly.set(garbage.subarray(0, headerBytes - 6), 6);
        const decoded = decodeHeader(nearly, length);
        if (decoded.ok) expect(encodeHeader(decoded.header)).toEqual(nearly);
      }),
    );
  });

  it('distinguish runs and incarnations', () => {
    expect(new Set([runHash('a', 1), runHash('a', 2), runHash('b', 1), runHash('a1', 1)]).size).toBe(4);
    expect(runHash('a', 1)).toBe(runHash('a', 1));
  });
});

describe('payloads', () => {
  it('are read as floats at any address', () => {
    const bytes = Buffer.concat([Buffer.alloc(3), Buffer.from(Float32Array.of(1.5, -2).buffer)]);
    for (let shift = 0; shift < 4; shift++) {
      const moved = new Uint8Array(16).subarray(shift, shift + 8);
      moved.set(bytes.subarray(3));
      expect([...floatsOf(moved)]).toEqual([1.5, -2]);
    }
  });
});
