import { execFileSync, spawnSync } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parse } from 'csv-parse/sync';
import { parquetMetadata, parquetReadObjects, parquetSchema } from 'hyparquet';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { encodeCsv, encodeParquet } from './export.ts';
import { createTestRoot, finished, manifest, type TestRoot } from './fixtures/folders.ts';
import { readRuns } from './read.ts';
import { metricsTable, runsTable, type Table } from './table.ts';

let root: TestRoot;
beforeEach(async () => {
  root = await createTestRoot();
});
afterEach(() => root.remove());

async function someRuns() {
  const params = { rate: 0.2, optimizer: 3, note: 'a "b", c\nd' };
  await root.write('2026-11-30-a-0000', finished);
  await root.write('2026-11-30-b-0000', {
    ...finished,
    'manifest.json': { ...manifest, config: { ...manifest.config, params }, parent: { run: 'x', step: 2 } },
    'metrics.jsonl': [],
  });
  return (await readRuns(root.path)).runs;
}

const table: Table = [
  { name: 'a,b', type: 'text', values: ['x', '', null, 'y "z"', 'one\ntwo', '\u{1f600}é'] },
  { name: 'n', type: 'number', values: [1.5, Number.NaN, null, Number.POSITIVE_INFINITY, 5e-324, -0.1] },
  { name: 'step', type: 'number', values: [0, 2 ** 31 - 1, null, 3, 4, 5] },
  { name: 'steps', type: 'number', values: [0, 2 ** 31, null, 3, 4, 5] },
  { name: 'flag', type: 'boolean', values: [true, false, null, true, true, false] },
];

describe('CSV', () => {
  it('is written as RFC 4180 says', () => {
    const small: Table = [
      { name: 'a,b', type: 'text', values: ['x', '', null, 'y "z"', 'one\ntwo'] },
      { name: 'n', type: 'number', values: [1.5, Number.NaN, null, -0.1, 1e21] },
    ];
    expect(new TextDecoder().decode(encodeCsv(small))).toBe(
      '"a,b",n\r\nx,1.5\r\n"",NaN\r\n,\r\n"y ""z""",-0.1\r\n"one\ntwo",1e+21\r\n',
    );
  });

  it('is read by another library', async () => {
    const runs = await someRuns();
    const rows: Record<string, string>[] = parse(Buffer.from(encodeCsv(runsTable(runs))), { columns: true });
    expect(rows.map((row) => row.run)).toEqual(['2026-11-30-a-0000', '2026-11-30-b-0000']);
    expect(rows[0]).toMatchObject({ 'params.rate': '0.1', 'last.loss': '1.5', 'best.accuracy': '0.75' });
    expect(rows[1]).toMatchObject({ 'params.note': 'a "b", c\nd', 'last.loss': '', parent: 'x' });
  });
});

describe('Parquet', () => {
  const read = (bytes: Uint8Array) => parquetReadObjects({ file: new Uint8Array(bytes).buffer });

  it('is read by another library, value by value', async () => {
    const bytes = await encodeParquet(table);
    const rows = await read(bytes);
    for (const { name, values } of table) expect(rows.map((row) => row[name])).toEqual(values);
    const { children } = parquetSchema(parquetMetadata(new Uint8Array(bytes).buffer));
    expect(children.map(({ element }) => element.type)).toEqual([
      ...['BYTE_ARRAY', 'DOUBLE', 'INT32', 'DOUBLE', 'BOOLEAN'],
    ]);
  });

  it('has the runs and their metrics', async () => {
    const runs = await someRuns();
    const rows = await read(await encodeParquet(runsTable(runs)));
    expect(rows).toMatchObject([
      { run: '2026-11-30-a-0000', 'params.rate': 0.1, 'params.optimizer': 'adam', steps: 4, parent: null },
      { run: '2026-11-30-b-0000', 'params.rate': 0.2, 'params.optimizer': '3', parentStep: 2 },
    ]);
    const points = await read(await encodeParquet(metricsTable(runs)));
    expect(points).toHaveLength(9);
    expect(points[2]).toEqual({
      ...{ run: '2026-11-30-a-0000', step: 3, kind: 'step', name: 'loss', value: Number.NaN },
    });
    expect(points[8]).toMatchObject({ kind: 'evaluation', name: 'test/loss', value: 1.25 });
  });

  it('writes tables without rows', async () => {
    expect(await read(await encodeParquet(metricsTable([])))).toEqual([]);
    expect(new TextDecoder().decode(encodeCsv(metricsTable([])))).toBe('run,step,kind,name,value\r\n');
  });

  const hasArrow = spawnSync('python3', ['-c', 'import pyarrow.parquet']).status === 0;
  it.skipIf(!hasArrow)('is read by Apache Arrow', async () => {
    const path = join(root.path, 'table.parquet');
    await writeFile(path, await encodeParquet(table));
    const script = `
import json, sys, pyarrow.parquet as p
t = p.read_table(sys.argv[1])
print(json.dumps([[str(f.type) for f in t.schema], t.column('a,b').to_pylist(), t.column('step').to_pylist()]))`;
    const out = execFileSync('python3', ['-c', script, path], { encoding: 'utf8' });
    expect(JSON.parse(out)).toEqual([
      ['string', 'double', 'int32', 'double', 'bool'],
      table[0]!.values,
      table[2]!.values,
    ]);
  });
});
