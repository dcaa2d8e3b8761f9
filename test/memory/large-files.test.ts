import { mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { encodeNpy, readArrays } from '@lockstep/formats';
import { expect, it } from 'vitest';

it('reads an array of more than 2 GiB, which the operating system gives in pieces only', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'lockstep-large-'));
  try {
    const length = 2 ** 29 + 3;
    // The header of a large array; the file is sparse except for its last element.
    const header = encodeNpy({ dtype: 'float32', shape: [0], data: new Float32Array(0) });
    const text = Buffer.from(header).toString('latin1').replace("'shape': (0,)", `'shape': (${length},)`);
    const padded = Buffer.from(text.replace(` `.repeat(String(length).length - 1), ''), 'latin1');
    const file = await open(join(folder, 'x.npy'), 'w');
    await file.write(padded, 0, padded.length, 0);
    await file.write(Buffer.from(Float32Array.of(7).buffer), 0, 4, padded.length + 4 * (length - 1));
    await file.close();
    const { x } = await readArrays(join(folder, 'x.npy'));
    expect(x!.shape).toEqual([length]);
    expect([...x!.data.subarray(length - 2)]).toEqual([0, 7]);
  } finally {
    await rm(folder, { recursive: true });
  }
});
