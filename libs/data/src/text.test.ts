import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import type { Split } from './dataset.ts';
import { mobyDick, text } from './text.ts';

const folder = mkdtempSync(join(tmpdir(), 'lockstep-text-'));
afterAll(() => rmSync(folder, { recursive: true }));

function file(contents: string): string {
  const path = join(folder, 'text.txt');
  writeFileSync(path, contents);
  return path;
}

const rows = ({ fields }: Split, name: string, context: number): number[][] => {
  const { storage } = fields[name]!;
  return Array.from({ length: storage.length / context }, (_, i) =>
    Array.from(storage.subarray(i * context, (i + 1) * context)),
  );
};

describe('text', () => {
  it('is cut into windows, each with the next characters as labels', async () => {
    const { splits, classes } = await text(file('cabbage'), { context: 3, validation: 0 }).load();
    expect(classes).toEqual(['a', 'b', 'c', 'e', 'g']);
    expect(rows(splits.train, 'x', 3)).toEqual([
      [2, 0, 1],
      [1, 0, 4],
    ]);
    expect(rows(splits.train, 'y', 3)).toEqual([
      [0, 1, 1],
      [0, 4, 3],
    ]);
    expect(splits.validation).toBeUndefined();
  });

  it('holds out the end, whose windows do not overlap with training', async () => {
    const source = text(file('abcdefghij'), { context: 2, validation: 0.4, stride: 1 });
    const { train, validation } = (await source.load()).splits;
    expect(rows(train, 'x', 2)).toEqual([
      [0, 1],
      [1, 2],
      [2, 3],
      [3, 4],
    ]);
    expect(rows(validation!, 'y', 2)).toEqual([[7, 8]]);
  });

  it('counts a character outside the basic plane once', async () => {
    const { classes, splits } = await text(file('a😀b'), { context: 1, validation: 0 }).load();
    expect([classes, splits.train.size]).toEqual([['a', 'b', '😀'], 2]);
  });

  it.each([
    ['a missing file', () => text(join(folder, 'none.txt')).load(), /none\.txt: cannot be read .*ENOENT/],
    ['too few characters', () => text(file('abc'), { context: 8 }).load(), /3 characters are too few .* 9/],
    [
      'a context that is no number of characters',
      () => text(file('abc'), { context: 0.5 }).load(),
      /context is 0.5; it must be a whole number/,
    ],
    [
      'everything held out',
      () => text(file('abc'), { context: 1, validation: 1 }).load(),
      /validation is 1; give the share/,
    ],
  ])('names %s', async (_what, load, message) => {
    await expect(load()).rejects.toThrow(message);
  });

  it('loads Moby-Dick', async () => {
    const { classes, splits } = await mobyDick({ context: 64 }).load();
    expect(classes).toHaveLength(83);
    expect([splits.train.size, splits.validation!.size]).toEqual([16738, 1859]);
    const opening = Array.from(splits.train.fields.x!.storage.subarray(0, 64), (id) => classes![id]);
    expect(opening.join('')).toContain('Call me Ishmael.');
  });
});
