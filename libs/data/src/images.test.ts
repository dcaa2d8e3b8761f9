import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { fillBatch } from './batch.ts';
import { fashionMnist, mnist } from './images.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lockstep-images-'));
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await rm(folder, { recursive: true });
});

describe('mnist', () => {
  it('loads, holds out the last 5,000 and normalises', async () => {
    const { splits, classes } = await mnist().load();
    expect([splits.train.size, splits.validation?.size, splits.test?.size]).toEqual([55_000, 5000, 10_000]);
    expect(classes).toHaveLength(10);
    const { storage } = splits.train.fields.x!;
    expect(storage.constructor).toBe(Uint8Array);
    expect(storage.buffer).toBeInstanceOf(SharedArrayBuffer);
    // The first training labels are 5 0 4 1 9, the first test labels 7 2 1 0 4; the last training label is 8.
    expect([...splits.train.fields.y!.storage.slice(0, 5)]).toEqual([5, 0, 4, 1, 9]);
    expect([...splits.test!.fields.y!.storage.slice(0, 5)]).toEqual([7, 2, 1, 0, 4]);
    expect(splits.validation!.fields.y!.storage.at(-1)).toBe(8);

    const indices = Int32Array.from({ length: 2000 }, (_, i) => i);
    const x = new Float32Array(2000 * 784);
    fillBatch(splits.train, indices, { x });
    const mean = x.reduce((sum, value) => sum + value, 0) / x.length;
    const variance = x.reduce((sum, value) => sum + (value - mean) ** 2, 0) / x.length;
    expect(Math.abs(mean)).toBeLessThan(0.02);
    expect(Math.abs(variance - 1)).toBeLessThan(0.02);
    expect(x[0]).toBeCloseTo(-0.1307 / 0.3081, 6);
  });

  it('limits samples, and refuses a validation size outside the data', async () => {
    const { splits } = await mnist({ validation: 0 }).load({ limitSamples: 100 });
    expect([splits.train.size, splits.test?.size]).toEqual([100, 10_000]);
    expect(splits.validation).toBeUndefined();
    await expect(mnist({ validation: 60_000 }).load()).rejects.toThrow('integer in 0 … 59999, not 60000');
  });

  it('refuses a damaged file', async () => {
    await writeFile(join(folder, 'train-images-idx3-ubyte'), 'damaged');
    await expect(mnist({ folder }).load()).rejects.toThrow(
      expect.objectContaining({
        code: 'data',
        message: expect.stringMatching(/SHA-256 .*expected ba891046/),
      }),
    );
  });

  it('looks in the folder that LOCKSTEP_DATA names first', async () => {
    await writeFile(join(folder, 'train-images-idx3-ubyte'), 'damaged');
    vi.stubEnv('LOCKSTEP_DATA', folder);
    await expect(mnist().load()).rejects.toThrow(
      `${folder}/train-images-idx3-ubyte: the contents have SHA-256`,
    );
  });
});

describe('fashionMnist', () => {
  it('names the package to install when the files are missing', async () => {
    await expect(fashionMnist({ folder }).load()).rejects.toThrow(
      expect.objectContaining({
        code: 'data',
        message: expect.stringContaining('apt-get install dataset-fashion-mnist'),
      }),
    );
  });
});
