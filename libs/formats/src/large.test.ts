/** Files beyond 2 and 4 GiB. They are sparse, so the unread arrays take no space on the disk. */
import { mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readArrays } from './files.ts';
import { counted } from './fixtures/arrays.ts';
import { python, runPython } from './fixtures/python.ts';
import { encodeNpy } from './npy.ts';
import { type Decoder, decodeBytes, type OwnBytes } from './ranges.ts';
import { zipPieces } from './zip.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lockstep-large-'));
});
afterAll(() => rm(folder, { recursive: true }));

const hugeBytes = 5 * 2 ** 30;
/** Stands for an array of 5 GiB; the encoder reads only its length. */
const huge = { length: hugeBytes, byteLength: hugeBytes } as Uint8Array;

/** Writes pieces, with a hole in the file in place of the huge one. */
async function writeSparse(name: string, pieces: readonly Uint8Array[]): Promise<string> {
  const path = join(folder, name);
  const file = await open(path, 'w');
  let at = 0;
  for (const piece of pieces) {
    if (piece !== huge) await file.write(piece, 0, piece.length, at);
    at += piece.length;
  }
  await file.close();
  return path;
}

describe('an archive beyond 4 GiB', () => {
  const npy = encodeNpy(counted('float32'));
  const members = [
    { name: 'huge.npy', crc: 0, size: hugeBytes, isDeflated: false, pieces: [huge] },
    { name: 'x.npy', crc: crc32(npy), size: npy.length, isDeflated: false, pieces: [npy] },
  ];

  it('gives the requested array', async () => {
    const path = await writeSparse('large.npz', zipPieces(members));
    expect(await readArrays(path, { names: ['x'] })).toStrictEqual({ x: counted('float32') });
  });

  it.skipIf(python === undefined)('is read by NumPy', async () => {
    const path = await writeSparse('numpy.npz', zipPieces(members));
    const program = `
import json, sys, numpy
print(json.dumps(numpy.load(sys.stdin.read())['x'].ravel().tolist()))`;
    expect(runPython(program, Buffer.from(path))).toEqual(Array.from(counted('float32').data));
  });
});

describe('a safetensors file beyond 4 GiB', () => {
  it('gives the requested tensor', async () => {
    const small = counted('float32');
    const json = JSON.stringify({
      huge: { dtype: 'F32', shape: [hugeBytes / 4], data_offsets: [0, hugeBytes] },
      x: { dtype: 'F32', shape: small.shape, data_offsets: [hugeBytes, hugeBytes + small.data.byteLength] },
    });
    const beginning = Buffer.alloc(8 + json.length);
    beginning.writeBigUInt64LE(BigInt(json.length), 0);
    beginning.write(json, 8);
    const bytes = new Uint8Array(small.data.buffer);
    const path = await writeSparse('large.safetensors', [beginning, huge, bytes]);
    expect(await readArrays(path, { names: ['x'] })).toStrictEqual({ x: small });
  });
});

describe('an array that is too large', () => {
  it('is refused with an error that names the limit', () => {
    function* tooMuch(): Decoder<OwnBytes> {
      return yield { at: 0, length: 2 ** 53 - 1 };
    }
    expect(() => decodeBytes(new Uint8Array(0), tooMuch)).toThrow('more than one array can have');
  });
});
