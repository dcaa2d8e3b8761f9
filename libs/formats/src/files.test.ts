import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readArrays, writeArrays } from './files.ts';
import { counted } from './fixtures/arrays.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lockstep-formats-'));
});
afterAll(() => rm(folder, { recursive: true }));

describe('readArrays and writeArrays', () => {
  it.each(['many.safetensors', 'many.npz'])('%s', async (name) => {
    const arrays = { x: counted('float32'), y: counted('int32') };
    await writeArrays(join(folder, name), arrays);
    expect(await readArrays(join(folder, name))).toStrictEqual(arrays);
  });

  it('one.npy', async () => {
    const one = counted('float64');
    await writeArrays(join(folder, 'one.npy'), { anything: one });
    expect(await readArrays(join(folder, 'one.npy'))).toStrictEqual({ one });
    await expect(writeArrays(join(folder, 'two.npy'), { x: one, y: one })).rejects.toThrow(
      'an .npy file holds one array, not 2; write an .npz file',
    );
  });

  it('refuse an unknown ending and a missing file', async () => {
    await expect(readArrays('x.h5')).rejects.toThrow(
      'the ending .h5 names no format; use .safetensors, .npz, .npy',
    );
    await expect(writeArrays('model', {})).rejects.toThrow('the ending (none) names no format');
    await expect(readArrays(join(folder, 'none.npz'))).rejects.toThrow(
      'none.npz: cannot be read: Error: ENOENT',
    );
  });

  it('name the file in their errors', async () => {
    const path = join(folder, 'bad.npz');
    await writeFile(path, 'nothing of this kind, but longer than a directory');
    await expect(readArrays(path)).rejects.toThrow(`${path}: it has no directory of files`);
  });
});
