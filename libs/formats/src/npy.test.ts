import type { Storage } from '@lockstep/tensor';
import { unzipSync } from 'fflate';
import { describe, expect, it } from 'vitest';
import { counted, dtypes, fixture } from './fixtures/arrays.ts';
import { python, runPython } from './fixtures/python.ts';
import { decodeNpy, encodeNpy } from './npy.ts';

/** A file with a given header, for headers that NumPy would not write. */
function fileOf(header: string, data: readonly number[] = [], version = 1): Uint8Array {
  const text = new TextEncoder().encode(header);
  const length = version === 1 ? [text.length & 255, text.length >> 8] : [text.length, 0, 0, 0];
  return Uint8Array.of(0x93, ...new TextEncoder().encode('NUMPY'), version, 0, ...length, ...text, ...data);
}

const shapes = [[2, 3], [], [0], [3, 0, 2], [5], [2, 3, 4]];

describe('NPY', () => {
  it.each(dtypes)('restores %s of any shape, in both orders', (dtype) => {
    for (const shape of shapes) {
      const array = counted(dtype, shape);
      expect(decodeNpy(encodeNpy(array))).toStrictEqual(array);
      expect(decodeNpy(encodeNpy(array, { fortranOrder: true }))).toStrictEqual(array);
    }
  });

  it('keeps NaN payloads and −0', () => {
    const bits = Uint32Array.of(0x7fc12345, 0x80000000, 0xffa00001);
    const data = new Float32Array(bits.buffer);
    const read = decodeNpy(encodeNpy({ dtype: 'float32', shape: [3], data }));
    expect(new Uint32Array(read.data.buffer)).toEqual(bits);
  });

  it('writes the documented bytes', () => {
    const bytes = encodeNpy({ dtype: 'float32', shape: [1], data: Float32Array.of(1.5) });
    expect([...bytes.subarray(0, 10)]).toEqual([0x93, 78, 85, 77, 80, 89, 1, 0, 118, 0]);
    expect(new TextDecoder().decode(bytes.subarray(10, 128))).toBe(
      `${"{'descr': '<f4', 'fortran_order': False, 'shape': (1,), }".padEnd(117)}\n`,
    );
    expect([...bytes.subarray(128)]).toEqual([0, 0, 0xc0, 0x3f]);
  });

  it('writes version 2 for a header that is too long for version 1', () => {
    const array: Storage = { dtype: 'bool', shape: new Array(30_000).fill(1), data: Uint8Array.of(1) };
    const bytes = encodeNpy(array);
    expect(bytes[6]).toBe(2);
    expect(decodeNpy(bytes)).toStrictEqual(array);
  });

  it('writes only the elements of a view, and reads from within a larger buffer', () => {
    const view = Float32Array.of(1, 2, 3, 4).subarray(1, 3);
    const larger = Buffer.concat([Buffer.of(9), encodeNpy({ dtype: 'float32', shape: [2], data: view })]);
    expect(decodeNpy(larger.subarray(1)).data).toEqual(Float32Array.of(2, 3));
  });

  it('reads any valid notation of the dictionary', () => {
    const headers = [
      `{"shape": (2L, ), "descr": "|u1", "fortran_order": False}`,
      `{'fortran_order':False,'descr':'|u1','shape':(2,)}  \n`,
    ];
    for (const header of headers)
      expect(decodeNpy(fileOf(header, [7, 8], 3)).data).toEqual(Int32Array.of(7, 8));
  });

  const header = (shape: string, descr = `'<i4'`) =>
    `{'descr': ${descr}, 'fortran_order': False, 'shape': ${shape}, }`;
  it.each([
    ['nothing', new Uint8Array(0), 'does not start with'],
    ['another format', new TextEncoder().encode('PK nothing of this kind'), 'does not start with'],
    ['an unknown version', fileOf(header('()'), [0, 0, 0, 0], 4), 'its version is 4.0'],
    ['a header that ends too soon', fileOf(header('(1,)')).subarray(0, 40), 'it ends inside its header'],
    ['too few elements', fileOf(header('(2,)'), [0, 0, 0, 0]), 'takes 8 bytes after the header, there are 4'],
    ['bytes left over', fileOf(header('()'), [0, 0, 0, 0, 0]), 'takes 4 bytes after the header, there are 5'],
    ['a negative length', fileOf(header('(-1,)')), 'its header is no dictionary'],
    ['a length beyond counting', fileOf(header('(99999999999999999999,)')), 'its header is no dictionary'],
    ['a missing member', fileOf(`{'descr': '<i4', 'shape': ()}`), 'its header is no dictionary'],
    ['a member twice', fileOf(`{'descr': '<i4', 'descr': '<i4', 'shape': ()}`), 'no dictionary'],
    ['code', fileOf(`__import__('os')`), 'its header is no dictionary'],
    ['a boolean of 2', fileOf(header('(1,)', `'|b1'`), [2]), 'element 0 of x is 2, which is no boolean'],
  ])('refuses %s', (_what, bytes, message) => {
    expect(() => decodeNpy(bytes, 'x')).toThrow(
      expect.objectContaining({ code: 'data', message: expect.stringContaining(message) }),
    );
  });

  it('refuses to write data that do not fill their shape', () => {
    expect(() => encodeNpy({ dtype: 'float32', shape: [2, 2], data: new Float32Array(3) })).toThrow(
      'an array [2, 2] has 4 elements, but its data have 3',
    );
  });
});

describe('arrays of NumPy without an equivalent type', () => {
  const files = unzipSync(fixture('numpy-refused.npz'));
  it.each([
    ['wide', 'element 0 of x is 1099511627776, which int32 cannot hold'],
    ['negative', 'element 0 of x is 18446744073709551615, which uint32 cannot hold'],
    ['text', 'its elements are of type <U1'],
    ['complex', 'its elements are of type <c8'],
    ['record', "its elements are of type [('x', '<f4')]"],
    ['objects', 'its elements are pickled Python objects, which are never read'],
  ])('%s', (name, message) => {
    expect(() => decodeNpy(files[`${name}.npy`]!, 'x')).toThrow(message);
  });
});

describe.skipIf(python === undefined)('NumPy opens', () => {
  const program = `
import io, json, sys, numpy
data = sys.stdin.buffer.read()
file, out = io.BytesIO(data), []
while file.tell() < len(data):
    a = numpy.load(file, allow_pickle=False)
    out.append([a.dtype.name, list(a.shape), bool(a.flags.f_contiguous), a.ravel().astype('f8').tolist()])
print(json.dumps(out))`;

  it('files of all types, shapes and orders', () => {
    const arrays = dtypes.flatMap((dtype) => shapes.map((shape) => counted(dtype, shape)));
    const files = arrays.flatMap((array) => [encodeNpy(array), encodeNpy(array, { fortranOrder: true })]);
    const found = runPython(program, Buffer.concat(files)) as [string, number[], boolean, number[]][];
    const expected = arrays
      .flatMap((array) => [array, array])
      .map(({ dtype, shape, data }) => [dtype, shape, Array.from(data)]);
    expect(found.map(([dtype, shape, , data]) => [dtype, shape, data])).toEqual(expected);
    expect(found[1]![2]).toBe(true);
  });
});
