import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { csv, type DataSource, formOfDataset, fromArrays, text } from '@lockstep/data';
import { columnsOf } from '@lockstep/training';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { viewSample } from './sample-view.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lockstep-view-'));
});
afterAll(() => rm(folder, { recursive: true }));

/** The view of a sample of the training split. */
async function viewOf(source: DataSource, sample: number) {
  const dataset = await source.load();
  return viewSample(formOfDataset(dataset), columnsOf(dataset, Int32Array.of(0, sample), [2]), 1);
}

describe('viewSample', () => {
  it('gives an image, with the name of its class', async () => {
    const x = [0, 1].map((i) => [
      [[i], [2]],
      [[3], [4]],
      [[5], [6]],
    ]);
    const source = fromArrays(
      { x, y: [0, 1] },
      { name: 'images', dtypes: { y: 'int32' }, classes: ['no', 'yes'] },
    );
    expect(await viewOf(source, 1)).toEqual({
      content: { kind: 'image', shape: [3, 2, 1], pixels: [1, 2, 3, 4, 5, 6] },
      label: 'yes',
    });
  });

  it('gives the cells of a row as the file has them', async () => {
    const path = join(folder, 'rows.csv');
    await writeFile(path, 'age,city,colour,price\n20,Bonn,red,1.5\n30,Ulm,blue,2\n40,Bonn,blue,4\n');
    const options = {
      label: 'price',
      standardize: true,
      categories: { city: 'oneHot', colour: 'index' },
    } as const;
    const { content, label } = await viewOf(csv(path, options), 1);
    expect(content).toEqual({
      kind: 'row',
      values: { age: expect.closeTo(30, 4), city: 'Ulm', colour: 'blue' },
    });
    expect(label).toBe(2);
    const words = csv(path, { label: 'price', features: ['colour'], categories: { colour: 'index' } });
    expect((await viewOf(words, 2)).content).toEqual({ kind: 'row', values: { colour: 'blue' } });
  });

  it('gives text, and what follows each character', async () => {
    const path = join(folder, 'words.txt');
    await writeFile(path, 'the cat sat on the mat');
    const { content, label } = await viewOf(text(path, { context: 4, validation: 0 }), 2);
    expect(content).toEqual({ kind: 'text', text: 'sat ', next: 'at o' });
    expect(label).toBeUndefined();
  });

  it('gives anything else as numbers', async () => {
    const source = fromArrays(
      {
        x: [
          [1, 2],
          [3, 4],
        ],
        y: [[0.5], [0.25]],
      },
      { name: 'pairs' },
    );
    expect(await viewOf(source, 1)).toEqual({ content: { kind: 'numbers', x: [3, 4] }, label: [0.25] });
    const single = fromArrays({ x: [1, 2], y: [5, 6] }, { name: 'single', dtypes: { y: 'int32' } });
    expect(await viewOf(single, 1)).toEqual({ content: { kind: 'numbers', x: 2 }, label: 6 });
  });
});
