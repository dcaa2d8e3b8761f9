/** Tables from practice: other encodings, separators and words, missing values, several files. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type CsvOptions, csv } from './csv.ts';
import { text } from './text.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lockstep-csv-files-'));
});
afterEach(async () => {
  await rm(folder, { recursive: true });
});

async function file(contents: string | Uint8Array, name = 'table.csv'): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, contents);
  return path;
}

async function load(contents: string | Uint8Array, options: CsvOptions) {
  return csv(await file(contents), options).load();
}

const list = (values: ArrayLike<number>): number[] => Array.from(values);
const refusal = (message: string | RegExp) =>
  expect.objectContaining({
    code: 'data',
    message: typeof message === 'string' ? expect.stringContaining(message) : expect.stringMatching(message),
  });

describe('encodings', () => {
  const names = 'name,y\nBär,1\nBör,2\n';

  it('refuses bytes that are not UTF-8, with line and byte, instead of merging labels', async () => {
    const options: CsvOptions = { label: 'name', labelKind: 'class' };
    await expect(load(Buffer.from(names, 'latin1'), options)).rejects.toThrow(
      refusal('line 2, byte 2: the file has the byte 0xe4, which is not UTF-8'),
    );
  });

  it('names the line of a bad byte in a later piece of the file', async () => {
    const long = `name,y\n${'word,1\n'.repeat(30_000)}`;
    const bytes = Buffer.concat([Buffer.from(`${long}ab`), Buffer.of(0xff), Buffer.from(',1\n')]);
    await expect(load(bytes, { label: 'y', categories: { name: 'index' } })).rejects.toThrow(
      refusal('line 30002, byte 3'),
    );
  });

  it.each([
    ['latin1', Buffer.from(names, 'latin1')],
    ['utf-16le', Buffer.from(names, 'utf16le')],
    ['utf-8', Buffer.from(names)],
  ])('reads %s if the option names it', async (encoding, bytes) => {
    const { classes } = await load(bytes, { label: 'name', labelKind: 'class', encoding });
    expect(classes).toEqual(['Bär', 'Bör']);
  });

  it('detects the encoding by a byte order mark', async () => {
    for (const bytes of [Buffer.from(`\uFEFF${names}`), Buffer.from(`\uFEFF${names}`, 'utf16le')]) {
      expect((await load(bytes, { label: 'name', labelKind: 'class' })).classes).toEqual(['Bär', 'Bör']);
    }
  });

  it('decodes characters that cross the border of two pieces', async () => {
    const label = 'ä'.repeat(3);
    const rows = Array.from({ length: 40_000 }, () => `${label},1`).join('\n');
    const { classes } = await load(`name,y\n${rows}\n`, { label: 'name', labelKind: 'class' });
    expect(classes).toEqual([label]);
  });

  it('refuses an unknown encoding and names it', () => {
    expect(() => csv('t.csv', { label: 'y', encoding: 'latin-one' })).toThrow(
      /encoding 'latin-one' is unknown/,
    );
  });

  it('applies the same rule to text sources', async () => {
    const path = await file(Buffer.from('Bär und Bör, '.repeat(30), 'latin1'), 'b.txt');
    await expect(text(path, { context: 8 }).load()).rejects.toThrow(refusal('line 1, byte 2'));
    const { classes } = await text(path, { context: 8, encoding: 'latin1' }).load();
    expect(classes).toEqual(expect.arrayContaining(['ä', 'ö']));
  });
});

describe('roles of columns', () => {
  const table = 'a,c,y\n1,r,2\n3,b,4\n';

  it.each([
    [{ label: 'y', features: ['a', 'y'] }, "column 'y' is a label and a feature"],
    [{ label: 'y', features: ['a', 'a'] }, "column 'a' is named twice"],
    [{ label: ['y', 'y'], features: ['a'] }, "column 'y' is named twice"],
    [{ label: 'y', features: [] }, 'there is no feature among the columns a, c, y'],
    [{ label: [], features: ['a'] }, 'there is no label'],
    [
      { label: 'y', features: ['a'], categories: { c: 'oneHot' } },
      "names the column 'c', which is no feature",
    ],
    [
      { label: 'c', features: ['a'], categories: { c: 'oneHot' } },
      "names the column 'c', which is the label",
    ],
  ] satisfies [CsvOptions, string][])('%j are refused', async (options, message) => {
    await expect(load(table, options)).rejects.toThrow(refusal(message));
  });
});

describe('class labels', () => {
  it('are one class if they are the same number', async () => {
    const { classes, splits } = await load('x,y\n1,1\n1,1.0\n1,01\n1,2\n1,1e0\n', {
      label: 'y',
      labelKind: 'class',
    });
    expect(classes).toEqual(['1', '2']);
    expect(list(splits.train.fields.y!.storage)).toEqual([0, 0, 0, 1, 0]);
  });

  it('are one class if they are the same number with a decimal comma', async () => {
    const { classes, splits } = await load('x;y\n1;2,5\n1;1\n1;1,0\n1;2,50\n', {
      label: 'y',
      labelKind: 'class',
      delimiter: ';',
      decimal: ',',
    });
    expect(classes).toEqual(['1', '2,5']);
    expect(list(splits.train.fields.y!.storage)).toEqual([1, 0, 0, 1]);
  });

  it('are different classes if one of them is a word', async () => {
    const { classes } = await load('x,y\n1,1\n1,1.0\n1,a\n', { label: 'y', labelKind: 'class' });
    expect(classes).toEqual(['1', '1.0', 'a']);
  });

  it('are different classes beyond the largest whole numbers that JavaScript distinguishes', async () => {
    const { classes } = await load('x,y\n1,9007199254740993\n1,9007199254740992\n', {
      label: 'y',
      labelKind: 'class',
    });
    expect(classes).toEqual(['9007199254740992', '9007199254740993']);
  });
});

describe('numbers', () => {
  it.each([
    ['1,234.5', 'write numbers without separators of thousands'],
    ['1 234', 'write numbers without separators of thousands'],
    ['1e39', 'it is too large'],
  ])('says what is wrong with %j', async (cell, message) => {
    await expect(load(`a,y\n"${cell}",1\n`, { label: 'y' })).rejects.toThrow(refusal(message));
  });

  it('reads values beyond 2²⁴ that are written with a point or an exponent', async () => {
    const { splits } = await load('a,y\n1e30,123456789.5\n-1.2345e20,16777217.0\n', { label: 'y' });
    expect(list(splits.train.fields.x!.storage)).toEqual([1e30, -1.2345e20].map(Math.fround));
    expect(list(splits.train.fields.y!.storage)).toEqual([123456792, 16777216]);
  });

  it('standardizes a column of equal numbers to 0, even if their sum is rounded', async () => {
    const rows = Array.from({ length: 10 }, (_, i) => `0.1,${i}`).join('\n');
    const { splits, format } = await load(`a,y\n${rows}\n`, { label: 'y', standardize: true });
    expect(list(splits.train.fields.x!.storage)).toEqual(new Array(10).fill(0));
    expect(format?.features).toEqual([{ kind: 'number', column: 'a', mean: 0.1, divisor: 1, missing: null }]);
  });
  it.each(['16777217', '-33554433', '1234567891'])(
    'refuses the whole number %s, which float32 rounds',
    async (id) => {
      await expect(load(`id,y\n${id},1\n`, { label: 'y' })).rejects.toThrow(
        refusal(`column 'id': float32 would round the whole number ${id}`),
      );
      await expect(load(`x,y\n1,${id}\n`, { label: 'y' })).rejects.toThrow(
        refusal("column 'y': float32 would round"),
      );
    },
  );

  it('standardizes before it rounds to float32', async () => {
    // Seconds since 1970: float32 has steps of 128 there.
    const { splits } = await load('time,y\n1700000000,0\n1700000001,0\n1700000002,0\n', {
      label: 'y',
      standardize: true,
    });
    const step = Math.fround(1 / Math.sqrt(2 / 3));
    expect(list(splits.train.fields.x!.storage)).toEqual([-step, 0, step]);
  });

  it.each(['0x10', '1_000', 'Infinity', '1e39', '1,5', 'NaN'])('refuses %s as a number', async (cell) => {
    await expect(load(`x;y\n${cell};1\n`, { label: 'y', delimiter: ';' })).rejects.toThrow(
      refusal(`line 2, column 'x': '${cell}' is not a float32 number`),
    );
  });

  it('reads decimal commas', async () => {
    const { splits } = await load('a;y\n1,5;2\n-0,25;3\n', { label: 'y', delimiter: ';', decimal: ',' });
    expect(list(splits.train.fields.x!.storage)).toEqual([1.5, -0.25]);
    await expect(load('a;y\n1.500,5;2\n', { label: 'y', delimiter: ';', decimal: ',' })).rejects.toThrow(
      refusal("'1.500,5' is not a float32 number"),
    );
  });
});

describe('header', () => {
  it('is not expected if the label is given by number, unless the option says so', async () => {
    const { splits } = await load('1,2\n3,4\n', { label: 1 });
    expect(list(splits.train.fields.x!.storage)).toEqual([1, 3]);
    const named = await load('a,b\n3,4\n', { label: 1, header: true });
    expect(list(named.splits.train.fields.y!.storage)).toEqual([4]);
  });

  it('is refused if all of its cells are numbers, unless the option says so', async () => {
    await expect(load('1,2\n3,4\n', { label: '2' })).rejects.toThrow(
      refusal('all of its cells are numbers (1, 2)'),
    );
    const { splits } = await load('1,2\n3,4\n', { label: '2', header: true });
    expect(list(splits.train.fields.x!.storage)).toEqual([3]);
  });
});

describe('missing values', () => {
  const table = 'a,b,y\n1,10,0\nNA,20,0\n3,30,1\n';

  it('are an error by default, and naValues defines which cells are missing values', async () => {
    await expect(load(table, { label: 'y' })).rejects.toThrow(refusal("name it in naValues: ['NA']"));
    await expect(load(table, { label: 'y', naValues: ['NA'] })).rejects.toThrow(
      refusal("line 3, column 'a': 'NA' is a missing value"),
    );
  });

  it('are compared as numbers if they are numbers', async () => {
    const { splits } = await load('a,y\n-999,1\n-999.0,2\n-9.99e2,3\n5,4\n', {
      label: 'y',
      naValues: ['-999'],
      missing: 'skip',
    });
    expect(list(splits.train.fields.x!.storage)).toEqual([5]);
  });

  it('remove their row with skip', async () => {
    const { splits } = await load(table, { label: 'y', naValues: ['NA'], missing: 'skip' });
    expect(list(splits.train.fields.x!.storage)).toEqual([1, 10, 3, 30]);
  });

  it('become the mean of the training rows with mean', async () => {
    const { splits, format } = await load(table, { label: 'y', naValues: ['NA'], missing: 'mean' });
    expect(list(splits.train.fields.x!.storage)).toEqual([1, 10, 2, 20, 3, 30]);
    expect(format?.features[0]).toMatchObject({ column: 'a', missing: 2 });
  });

  it('are an error in a label', async () => {
    await expect(load('a,y\n1,\n2,3\n', { label: 'y', missing: 'mean' })).rejects.toThrow(
      refusal("row 1, column 'y': the label is missing"),
    );
    await expect(load('a,y\n1,b\n2,\n', { label: 'y', labelKind: 'class', missing: 'mean' })).rejects.toThrow(
      refusal("row 2, column 'y': the label is missing"),
    );
  });
});

describe('columns of words', () => {
  const table = 'size,color,city,y\n1,red,Rom,0\n2,blue,Bonn,1\n3,red,Bonn,0\n';

  it('become elements of x, one for each level', async () => {
    const categories = { color: 'oneHot', city: 'oneHot' } as const;
    const { splits, format } = await load(table, { label: 'y', categories });
    expect(splits.train.fields.x!.shape).toEqual([5]);
    expect(list(splits.train.fields.x!.storage)).toEqual([1, 0, 1, 0, 1, 2, 1, 0, 1, 0, 3, 0, 1, 1, 0]);
    expect(format?.features[1]).toEqual({ kind: 'oneHot', column: 'color', levels: ['blue', 'red'] });
  });

  it('become whole numbers for embeddings, in a field beside x or in x itself', async () => {
    const categories = { color: 'index', city: 'index' } as const;
    const { train } = (await load(table, { label: 'y', categories })).splits;
    expect(list(train.fields.x!.storage)).toEqual([1, 2, 3]);
    expect(train.fields.categories).toMatchObject({
      dtype: 'int32',
      shape: [2],
      storage: Int32Array.of(1, 1, 0, 0, 1, 0),
    });
    const only = (await load(table, { label: 'y', categories, features: ['city', 'color'] })).splits.train;
    expect(only.fields.x).toMatchObject({
      dtype: 'int32',
      shape: [2],
      storage: Int32Array.of(1, 1, 0, 0, 0, 1),
    });
  });
});

describe('files', () => {
  it('reads several files as one table, and refuses a file with other columns', async () => {
    const [one, two] = [await file('a,y\n1,2\n', 'one.csv'), await file('a,y\n3,4\n', 'two.csv')];
    const { name, splits } = await csv([one, two], { label: 'y' }).load();
    expect(name).toBe('one.csv+two.csv');
    expect(list(splits.train.fields.x!.storage)).toEqual([1, 3]);
    const other = await file('y,a\n1,2\n', 'other.csv');
    await expect(csv([one, other], { label: 'y' }).load()).rejects.toThrow(
      refusal(/other\.csv: its columns are y, a, but .*one\.csv has a, y/),
    );
  });

  it('unpacks gzip, skips comments and reads several labels', async () => {
    const packed = gzipSync('# measured in May\na,b,c\n1,2,3\n# a pause\n4,5,6\n');
    const { splits } = await load(packed, { label: ['b', 'c'], comment: '#' });
    expect(splits.train.fields.y).toMatchObject({ shape: [2], storage: Float32Array.of(2, 3, 5, 6) });
    expect(list(splits.train.fields.x!.storage)).toEqual([1, 4]);
  });

  it('keeps empty cells at the beginning of a line between tabs', async () => {
    const { splits } = await load('a\tb\ty\n\t2\t1\n3\t4\t2\n', {
      label: 'y',
      delimiter: '\t',
      missing: 'mean',
    });
    expect(list(splits.train.fields.x!.storage)).toEqual([3, 2, 3, 4]);
  });

  it.each([
    ['a;y\n1;2\n', 'give delimiter: ";"'],
    ['a\ty\n1\t2\n', 'give delimiter: "\\t"'],
    ['<!DOCTYPE html>\n<html></html>\n', 'is a web page'],
    ['version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 3\n', 'is a pointer of Git LFS'],
    ['PK\u0003\u0004rest', 'is a ZIP archive'],
    ['a,y\n1,\u00002\n', 'line 2, byte 3: the file has a zero byte'],
  ])('names the problem of the file %j', async (contents, message) => {
    await expect(load(contents, { label: 'y' })).rejects.toThrow(refusal(message));
  });

  it('reads mixed line endings', async () => {
    const { splits } = await load('a,y\r\n1,2\n3,4\r\n5,6\r7,8', { label: 'y' });
    expect(list(splits.train.fields.y!.storage)).toEqual([2, 4, 6, 8]);
  });

  it('refuses zero characters, which a wrong encoding produces', async () => {
    const contents = Buffer.from('a,y\nx,1\nz,2\n', 'utf16le');
    for (const encoding of ['latin1', 'windows-1252']) {
      await expect(load(contents, { label: 1, encoding })).rejects.toThrow(
        refusal(`is not text in ${encoding}`),
      );
    }
    await expect(load(contents, { label: 'y' })).rejects.toThrow(refusal("encoding: 'utf-16le'"));
  });

  it('says that a packed file is damaged', async () => {
    const packed = Buffer.concat([gzipSync('a,y\n1,2\n'), Buffer.from('rest')]);
    await expect(load(packed, { label: 'y' })).rejects.toThrow(refusal('the gzip file is damaged'));
  });

  it('says that a packed file is cut off', async () => {
    const packed = gzipSync('a,y\n1,2\n'.repeat(1000));
    await expect(load(packed.subarray(0, packed.length / 2), { label: 'y' })).rejects.toThrow(
      refusal('unexpected end of file'),
    );
  });
});
