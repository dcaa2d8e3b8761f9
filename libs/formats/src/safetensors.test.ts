import type { Storage, TypedArray } from '@lockstep/tensor';
import { dtypeOf } from '@lockstep/tensor';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { counted, dtypes, fixture } from './fixtures/arrays.ts';
import { python, runPython } from './fixtures/python.ts';
import { decodeSafetensors, encodeSafetensors } from './safetensors.ts';

function tensor(data: TypedArray, shape: readonly number[] = [data.length]): Storage {
  return { dtype: dtypeOf(data), shape, data };
}

/** A file with a given header and data, for files that the encoder would not write. */
function fileOf(header: unknown, data: readonly number[] = []): Uint8Array {
  const json = new TextEncoder().encode(typeof header === 'string' ? header : JSON.stringify(header));
  const bytes = new Uint8Array(8 + json.length + data.length);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(json.length), true);
  bytes.set(json, 8);
  bytes.set(data, 8 + json.length);
  return bytes;
}

const storages: fc.Arbitrary<Storage> = fc
  .oneof(
    fc.float32Array({ maxLength: 9 }),
    fc.float64Array({ maxLength: 9 }),
    fc.int32Array({ maxLength: 9 }),
    fc.uint32Array({ maxLength: 9 }),
    fc.uint8Array({ maxLength: 9, max: 1 }),
  )
  .map((data) => tensor(data));

describe('safetensors', () => {
  it('restores any tensors, bit for bit', () => {
    const names = fc.string().filter((name) => name !== '__metadata__');
    const dictionaries = fc.dictionary(names, storages, { noNullPrototype: true });
    fc.assert(
      fc.property(dictionaries, (tensors) => {
        const bytes = encodeSafetensors(tensors, { format: 'test' });
        expect(decodeSafetensors(bytes)).toStrictEqual({ tensors, metadata: { format: 'test' } });
      }),
    );
  });

  it('keeps NaN payloads and −0', () => {
    const bits = Uint32Array.of(0x7fc12345, 0x80000000, 0xffa00001);
    const { tensors } = decodeSafetensors(encodeSafetensors({ x: tensor(new Float32Array(bits.buffer)) }));
    expect(new Uint32Array(tensors.x!.data.buffer)).toEqual(bits);
  });

  it('writes the documented bytes', () => {
    const bytes = encodeSafetensors({ b: tensor(Uint8Array.of(1)), a: tensor(Float32Array.of(1.5), []) });
    const header =
      '{"a":{"dtype":"F32","shape":[],"data_offsets":[0,4]},"b":{"dtype":"BOOL","shape":[1],"data_offsets":[4,5]}}';
    const padded = header.padEnd(Math.ceil(header.length / 8) * 8);
    expect([...bytes.subarray(0, 8)]).toEqual([padded.length, 0, 0, 0, 0, 0, 0, 0]);
    expect(new TextDecoder().decode(bytes.subarray(8, 8 + padded.length))).toBe(padded);
    expect([...bytes.subarray(8 + padded.length)]).toEqual([0, 0, 0xc0, 0x3f, 1]);
  });

  it('writes bytes that do not depend on the order of the tensors', () => {
    const [x, y] = [tensor(Float32Array.of(1)), tensor(Float64Array.of(2))];
    expect(encodeSafetensors({ x, y }, { p: '1', q: '2' })).toEqual(
      encodeSafetensors({ y, x }, { q: '2', p: '1' }),
    );
  });

  it('writes only the elements of a view', () => {
    const view = Float32Array.of(1, 2, 3, 4).subarray(1, 3);
    expect([...decodeSafetensors(encodeSafetensors({ x: tensor(view) })).tensors.x!.data]).toEqual([2, 3]);
  });

  it('reads from within a larger buffer, into memory of its own', () => {
    const file = encodeSafetensors({ x: tensor(Float32Array.of(1, 2)) });
    const larger = Buffer.concat([Buffer.of(9, 9, 9), file]);
    const { data } = decodeSafetensors(larger.subarray(3)).tensors.x!;
    larger.fill(0);
    expect(data).toEqual(Float32Array.of(1, 2));
    expect(data.buffer.byteLength).toBe(8);
  });

  it('reads U8 and I64 as int32 if the values fit', () => {
    const one = (dtype: string, numBytes: number) => ({
      x: { dtype, shape: [1], data_offsets: [0, numBytes] },
    });
    expect(decodeSafetensors(fileOf(one('U8', 1), [200])).tensors.x!.data).toEqual(Int32Array.of(200));
    const minusTwo = [0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff];
    expect(decodeSafetensors(fileOf(one('I64', 8), minusTwo)).tensors.x!.data).toEqual(Int32Array.of(-2));
    expect(() => decodeSafetensors(fileOf(one('I64', 8), [0, 0, 0, 0, 1, 0, 0, 0]))).toThrow(
      "element 0 of tensor 'x' is 4294967296, which int32 cannot hold",
    );
  });

  const entry = (start: number, end: number) => ({
    dtype: 'U8',
    shape: [end - start],
    data_offsets: [start, end],
  });
  it.each([
    ['a short file', Uint8Array.of(1, 2, 3), '3 bytes are too few'],
    [
      'a length beyond the file',
      Uint8Array.of(255, 0, 0, 0, 0, 0, 0, 0),
      'length is 255, but 0 bytes follow',
    ],
    ['a huge length', new Uint8Array(8).fill(255), 'length is 18446744073709551615'],
    ['no JSON', fileOf('{"x"'), 'the header is not JSON'],
    ['blanks before the header', fileOf(' {}'), 'the header is not a JSON object'],
    [
      'two tensors of one name',
      fileOf(
        '{"x":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"x":{"dtype":"BOOL","shape":[1],"data_offsets":[0,1]}}',
        [1],
      ),
      'names a tensor twice',
    ],
    [
      'lengths beyond counting',
      fileOf({ x: { ...entry(0, 1), shape: [2 ** 60] } }, [1]),
      "shape of tensor 'x'",
    ],
    [
      'sizes beyond counting',
      fileOf({ x: { ...entry(0, 0), shape: [...Array(40).fill(2 ** 40), 0] } }),
      'does not fill',
    ],
    ['an array', fileOf([]), 'the header is not a JSON object'],
    ['an unknown type', fileOf({ x: { ...entry(0, 1), dtype: 'F9' } }, [1]), "tensor 'x' has dtype F9"],
    ['a type of Object', fileOf({ x: { ...entry(0, 1), dtype: 'toString' } }, [1]), 'dtype toString'],
    ['a negative length', fileOf({ x: { ...entry(0, 1), shape: [-1] } }, [1]), "shape of tensor 'x'"],
    ['one offset', fileOf({ x: { ...entry(0, 1), data_offsets: [0] } }, [1]), "offsets of tensor 'x'"],
    ['a wrong size', fileOf({ x: { ...entry(0, 1), shape: [2] } }, [1]), 'does not fill bytes 0 … 1'],
    ['an overlap', fileOf({ x: entry(0, 2), y: entry(1, 3) }, [1, 2, 3]), "tensor 'y' starts at byte 1"],
    ['a gap', fileOf({ x: entry(0, 1), y: entry(2, 3) }, [1, 2, 3]), "tensor 'y' starts at byte 2"],
    ['bytes left over', fileOf({ x: entry(0, 1) }, [1, 2]), 'end at byte 1 of 2 bytes'],
    ['too few bytes', fileOf({ x: entry(0, 2) }, [1]), 'end at byte 2 of 1 bytes'],
    ['metadata of numbers', fileOf({ __metadata__: { a: 1 } }), 'not an object of strings'],
  ])('refuses %s', (_what, bytes, message) => {
    expect(() => decodeSafetensors(bytes)).toThrow(
      expect.objectContaining({ code: 'checkpoint', message: expect.stringContaining(message) }),
    );
  });

  it('refuses to write data that do not fill their shape', () => {
    expect(() => encodeSafetensors({ x: tensor(new Float32Array(3), [2, 2]) })).toThrow(
      'takes 16 bytes, but its data have 12',
    );
    expect(() => encodeSafetensors({ __metadata__: tensor(new Float32Array(1)) })).toThrow('cannot be named');
  });
});

describe('a file that PyTorch wrote', () => {
  const { tensors, metadata } = decodeSafetensors(fixture('torch.safetensors'));
  it('is read in every type', () => {
    expect(metadata).toEqual({ format: 'pt' });
    expect(tensors.float64).toStrictEqual(counted('float64'));
    for (const name of ['float32', 'float16', 'bfloat16'])
      expect(tensors[name]).toStrictEqual(counted('float32'));
    for (const name of ['int64', 'int32', 'int16', 'int8'])
      expect(tensors[name]).toStrictEqual(counted('int32'));
    expect(tensors.uint8!.data).toEqual(Int32Array.of(0, 1, 2, 3, 4, 5));
    expect(tensors.bool).toStrictEqual(counted('bool'));
    expect(tensors['layers.0.weight']).toStrictEqual(counted('float32', [0, 3]));
    expect(tensors.scalar).toStrictEqual(counted('float32', []));
  });

  it('is read bit for bit for special values of half floats', () => {
    const halves = [0, -0, 1.5, -65504, 2 ** -24, 1023 * 2 ** -24, Infinity];
    expect(tensors.halves!.data).toEqual(Float32Array.from(halves));
    const bits = new Uint32Array(tensors.brains!.data.buffer);
    expect([...bits]).toEqual([0, 0x80000000, 0x3fc00000, 0x7f620000, 0x00010000, 0xff800000]);
  });
});

describe.skipIf(python === undefined)('a reader written from the specification opens', () => {
  it('files of all types', () => {
    const program = `
import json, struct, sys, numpy
data = sys.stdin.buffer.read()
length, = struct.unpack('<Q', data[:8])
assert data[8:9] == b'{' and length % 8 == 0
types = {'F32': '<f4', 'F64': '<f8', 'I32': '<i4', 'U32': '<u4', 'BOOL': '|b1'}
header, out = json.loads(data[8:8 + length]), {}
for name, entry in header.items():
    if name == '__metadata__': continue
    start, end = entry['data_offsets']
    a = numpy.frombuffer(data[8 + length:][start:end], types[entry['dtype']]).reshape(entry['shape'])
    assert start % a.itemsize == 0
    out[name] = [a.dtype.name, list(a.shape), a.ravel().astype('f8').tolist()]
print(json.dumps(out))`;
    const arrays = Object.fromEntries(dtypes.map((dtype) => [`layers.${dtype}`, counted(dtype)]));
    const expected = Object.entries(arrays).map(([name, { dtype, shape, data }]) => [
      name,
      [dtype, shape, Array.from(data)],
    ]);
    expect(runPython(program, encodeSafetensors(arrays, { made: 'here' }))).toEqual(
      Object.fromEntries(expected),
    );
  });
});
