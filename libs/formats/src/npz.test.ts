import { zipSync } from 'fflate';
import { describe, expect, it } from 'vitest';
import { counted, dtypes, fixture } from './fixtures/arrays.ts';
import { python, runPython } from './fixtures/python.ts';
import { encodeNpy } from './npy.ts';
import { decodeNpz, encodeNpz, npzDecoder } from './npz.ts';
import { decodeBytes } from './ranges.ts';

const arrays = Object.fromEntries(dtypes.map((dtype) => [`layers/${dtype}`, counted(dtype)]));

describe('NPZ', () => {
  it.each([{ compress: false }, { compress: true }])('restores arrays: %o', (options) => {
    expect(decodeNpz(encodeNpz(arrays, options))).toStrictEqual(arrays);
    expect(decodeNpz(encodeNpz({}, options))).toEqual({});
  });

  it('writes bytes that depend neither on the order of the arrays nor on the date', () => {
    const [x, y] = [counted('float32'), counted('int32')];
    expect(encodeNpz({ x, y })).toEqual(encodeNpz({ y, x }));
    const timeAndDate = encodeNpz({ x }).subarray(10, 14);
    expect([...timeAndDate]).toEqual([0, 0, 0x21, 0]);
  });

  it('packs repetitive data', () => {
    const zeros = { x: { dtype: 'float32' as const, shape: [4096], data: new Float32Array(4096) } };
    expect(encodeNpz(zeros, { compress: true }).length).toBeLessThan(encodeNpz(zeros).length / 20);
  });

  const whole = encodeNpz({ x: counted('float32') });
  const flipped = Uint8Array.from(whole);
  flipped[whole.indexOf(0xc0)]! ^= 1;
  it.each([
    ['nothing', new Uint8Array(0), 'it has no directory of files'],
    ['half of a file', whole.subarray(0, whole.length / 2), 'it has no directory of files'],
    ['a flipped bit', flipped, "'x.npy' fails its checksum"],
    ['a text', zipSync({ 'readme.txt': Uint8Array.of(65) }), 'the archive holds no .npy file but readme.txt'],
    ['a damaged array', zipSync({ 'x.npy': Uint8Array.of(65) }), "'x.npy': it does not start with"],
  ])('refuses %s', (_what, bytes, message) => {
    expect(() => decodeNpz(bytes, 'y.npz')).toThrow(
      expect.objectContaining({ code: 'data', message: expect.stringMatching(/^y\.npz: /) }),
    );
    expect(() => decodeNpz(bytes)).toThrow(message);
  });

  it('refuses a member with an impossible compression ratio', () => {
    const bomb = zipSync({ 'x.npy': encodeNpy(counted('float32')) });
    const view = new DataView(bomb.buffer);
    const directory = bomb.length - 22 - (46 + 'x.npy'.length);
    view.setUint32(directory + 24, 0xfffffff0, true);
    expect(() => decodeNpz(bomb)).toThrow(/claims 4294967280 bytes in \d+/);
  });
});

describe('a member that is not requested', () => {
  const whole = encodeNpz({ good: counted('float32'), bad: counted('float64') });
  const damagedOne = Uint8Array.from(whole);
  const at = Buffer.from(whole).indexOf('bad.npy') + 'bad.npy'.length + 140;
  damagedOne[at]! ^= 1;

  it('may be damaged', () => {
    const read = decodeBytes(damagedOne, (size) => npzDecoder(size, 'm.npz', ['good']));
    expect(read).toStrictEqual({ good: counted('float32') });
    expect(() => decodeNpz(damagedOne, 'm.npz')).toThrow("m.npz: 'bad.npy' fails its checksum");
  });

  it('may be of another kind', () => {
    const mixed = zipSync({ 'x.npy': encodeNpy(counted('float32')), 'readme.txt': Uint8Array.of(65) });
    expect(decodeNpz(mixed)).toStrictEqual({ x: counted('float32') });
  });
});

describe('a file that NumPy wrote', () => {
  it('is read in every type, byte order and layout', () => {
    const read = decodeNpz(fixture('numpy.npz'));
    const types = {
      f2: 'float32',
      f4: 'float32',
      f8: 'float64',
      i1: 'int32',
      i2: 'int32',
      i4: 'int32',
    } as const;
    for (const [name, dtype] of Object.entries(types)) {
      for (const order of '<>') expect(read[`${order}${name}`]).toStrictEqual(counted(dtype));
    }
    for (const order of '<>') {
      expect(read[`${order}i8`]).toStrictEqual(counted('int32'));
      expect(read[`${order}u4`]).toStrictEqual(counted('uint32'));
      expect(read[`${order}u8`]).toStrictEqual(counted('uint32'));
      expect(read[`${order}b1`]).toStrictEqual(counted('bool'));
      for (const name of ['u1', 'u2']) {
        expect(read[`${order}${name}`]!.dtype).toBe('int32');
        expect([...read[`${order}${name}`]!.data]).toEqual([0, 1, 2, 3, 4, 5]);
      }
    }
    expect(read.fortran).toStrictEqual(counted('float32', [2, 3, 4]));
    expect(read.bigFortran).toStrictEqual(counted('float64', [4, 3]));
    expect(read.scalar).toStrictEqual(counted('float32', []));
    expect(read.vector).toStrictEqual(counted('int32', [5]));
    expect(read.empty).toStrictEqual(counted('float32', [3, 0]));
    const halves = [0, -0, 1.5, -65504, 2 ** -24, 1023 * 2 ** -24, Infinity, -Infinity];
    expect(read.halves!.data).toEqual(Float32Array.from(halves));
  });

  it('is read if it is deflated or has names beyond ASCII', () => {
    const read = decodeNpz(fixture('numpy-compressed.npz'));
    expect(read.zeros!.data).toEqual(new Float32Array(1000));
    expect(read.grün).toStrictEqual(counted('float32'));
  });

  it('is read in all versions', () => {
    const read = decodeNpz(fixture('numpy-versions.npz'));
    for (const version of [1, 2, 3]) expect(read[`version${version}`]).toStrictEqual(counted('float32'));
  });
});

describe.skipIf(python === undefined)('NumPy opens', () => {
  it.each([{ compress: false }, { compress: true }])('archives: %o', (options) => {
    const program = `
import io, json, sys, numpy
file = numpy.load(io.BytesIO(sys.stdin.buffer.read()), allow_pickle=False)
print(json.dumps({k: [file[k].dtype.name, list(file[k].shape), file[k].ravel().astype('f8').tolist()] for k in file}))`;
    const expected = Object.entries(arrays).map(([name, { dtype, shape, data }]) => [
      name,
      [dtype, shape, Array.from(data)],
    ]);
    expect(runPython(program, encodeNpz(arrays, options))).toEqual(Object.fromEntries(expected));
  });
});
