import { mkdtemp, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { fromArrays } from './arrays.ts';
import { createDatasetCache } from './cache.ts';
import { csv } from './csv.ts';
import type { DataSource } from './dataset.ts';
import { fashionMnist, mnist } from './images.ts';
import { npz } from './npz.ts';
import { mobyDick, text } from './text.ts';

/** A source that counts how often it is loaded. */
function counted(rows: readonly number[], identity?: string) {
  const source = fromArrays({ x: [...rows], y: [...rows] }, { name: 'rows' });
  const loads: (number | undefined)[] = [];
  const counting: DataSource = {
    name: 'rows',
    load(options) {
      loads.push(options?.limitSamples);
      return source.load(options);
    },
    ...(identity !== undefined && { identity: async () => identity }),
  };
  return { source: counting, loads };
}

describe('a cache of datasets', () => {
  it('loads a source once for each limit, into shared memory', async () => {
    const { source, loads } = counted([1, 2, 3]);
    const cache = createDatasetCache();
    const first = await cache.load(source, null);
    expect(await cache.load(source, null)).toBe(first);
    expect(first.splits.train.fields.x!.storage.buffer).toBeInstanceOf(SharedArrayBuffer);
    expect((await cache.load(source, 2)).splits.train.size).toBe(2);
    expect(await cache.load(source, null)).toBe(first);
    expect(loads).toEqual([undefined, 2]);
  });

  it('takes two objects for the same only if they say so', async () => {
    const cache = createDatasetCache();
    const sources = [counted([1, 2]), counted([1, 2]), counted([1, 2], 'a'), counted([1, 2], 'a')];
    for (const { source } of sources) await cache.load(source, null);
    expect(sources.map(({ loads }) => loads.length)).toEqual([1, 1, 1, 0]);
    const other = counted([1, 2], 'b');
    await cache.load(other.source, null);
    expect(other.loads).toHaveLength(1);
  });

  it('drops what was used the longest time ago where there is no room, and keeps the last one however large', async () => {
    // 8 bytes a sample.
    const cache = createDatasetCache(40);
    const [a, b, c, large] = [counted([1, 2]), counted([1, 2]), counted([1, 2]), counted([1, 2, 3, 4, 5, 6])];
    for (const { source } of [a, b, a, c, a, b]) await cache.load(source, null);
    expect([a, b, c].map(({ loads }) => loads.length)).toEqual([1, 2, 1]);
    for (const { source } of [large, large, a]) await cache.load(source, null);
    expect([large, a].map(({ loads }) => loads.length)).toEqual([1, 2]);
  });

  it('keeps no failure', async () => {
    const cache = createDatasetCache();
    let numTries = 0;
    const { source } = counted([1, 2]);
    const failing: DataSource = {
      name: 'rows',
      load: (options) =>
        numTries++ === 0 ? Promise.reject(new Error('no such file')) : source.load(options),
    };
    await expect(cache.load(failing, null)).rejects.toThrow('no such file');
    expect((await cache.load(failing, null)).splits.train.size).toBe(2);
  });
});

describe('the identity of a source', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'lockstep-identity-'));
  });
  afterEach(() => rm(folder, { recursive: true }));

  it('tells kinds and options apart, and nothing else', async () => {
    const sources = [
      mnist(),
      mnist({ validation: 5000 }),
      mnist({ validation: 0 }),
      fashionMnist(),
      mobyDick(),
      mobyDick({ context: 64 }),
    ];
    const identities = await Promise.all(sources.map((source) => source.identity!()));
    expect(identities[0]).toBe(identities[1]);
    expect(new Set(identities).size).toBe(sources.length - 1);
  });

  it('changes with the files that a source reads', async () => {
    const path = join(folder, 'points.csv');
    await writeFile(path, 'x,y\n1,2\n3,4\n');
    const sources = () => [csv(path, { label: 'y' }), csv([path], { label: 'x' }), text(path), npz(path)];
    const identities = () => Promise.all(sources().map((source) => source.identity!()));
    const before = await identities();
    expect(await identities()).toEqual(before);
    expect(new Set(before).size).toBe(before.length);
    // As long as before, but changed at another time.
    await writeFile(path, 'x,y\n1,2\n3,5\n');
    await utimes(path, new Date(), new Date(Date.now() + 5_000));
    const after = await identities();
    expect(after.filter((identity, i) => identity === before[i])).toEqual([]);
    const missing = join(folder, 'none.csv');
    expect(await csv(missing, { label: 'y' }).identity!()).toContain(missing);
  });

  it('lets a new object of the same files share the loaded samples', async () => {
    const path = join(folder, 'points.csv');
    await writeFile(path, 'x,y\n1,2\n3,4\n');
    const cache = createDatasetCache();
    const first = await cache.load(csv(path, { label: 'y' }), null);
    expect(await cache.load(csv(path, { label: 'y' }), null)).toBe(first);
    await writeFile(path, 'x,y\n1,2\n3,4\n5,6\n');
    expect((await cache.load(csv(path, { label: 'y' }), null)).splits.train.size).toBe(3);
  });
});
