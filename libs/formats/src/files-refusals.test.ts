import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { nameArrays, writeArrays } from './index.ts';

it('names a file that cannot be written', async () => {
  const path = join(tmpdir(), 'no-such-folder-of-lockstep', 'a.npz');
  await expect(writeArrays(path, {})).rejects.toMatchObject({
    name: 'LockstepError',
    code: 'file',
    facts: { path },
  });
});

it('names the path at which a tree has a value that is no array', () => {
  expect(() => nameArrays({ layers: [{ weight: 3 }] } as never)).toThrow(
    "nameArrays: 'layers.0.weight' is 3",
  );
});
