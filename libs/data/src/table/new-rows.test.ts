import { describe, expect, it } from 'vitest';
import type { TableFormat } from './format.ts';
import { encodeRecords, type RowRecord } from './new-rows.ts';

const syntax = {
  header: null,
  delimiter: ',',
  decimal: '.',
  encoding: null,
  comment: null,
  naValues: [],
} as const;

function categories(levels: readonly string[], decimal: '.' | ',' = '.'): TableFormat {
  const feature = { kind: 'index', column: 'c', levels } as const;
  return { kind: 'table', syntax: { ...syntax, decimal }, features: [feature], labels: ['y'] };
}

const places = (format: TableFormat, rows: readonly RowRecord[]): number[] =>
  Array.from(encodeRecords(format, rows).categories);

describe('new rows', () => {
  it('give a word its level from training, whatever the other rows are', () => {
    const format = categories(['1', '1.0', 'x']);
    expect(places(format, [{ c: '1.0' }])).toEqual([1]);
    expect(places(format, [{ c: '1.0' }, { c: 'x' }, { c: '1' }, { c: 1 }])).toEqual([1, 2, 0, 0]);
    expect(() => places(format, [{ c: '01' }])).toThrow("'01' is none of the levels");
  });

  it('compare words as numbers if all levels are numbers', () => {
    expect(places(categories(['1', '2']), [{ c: '02.0' }, { c: 1 }])).toEqual([1, 0]);
    expect(() => places(categories(['1', '2']), [{ c: '1.0' }, { c: 'x' }])).toThrow(
      "'x' is none of the levels",
    );
  });

  it('read texts and numbers with the decimal sign of the training', () => {
    expect(places(categories(['1', '2,5'], ','), [{ c: '2,50' }, { c: 2.5 }, { c: '1,0' }])).toEqual([
      1, 1, 0,
    ]);
    const number = { kind: 'number', column: 'a', mean: 0, divisor: 1, missing: null } as const;
    const format: TableFormat = { ...categories([], ','), features: [number] };
    expect(Array.from(encodeRecords(format, [{ a: '1,5' }, { a: -0.25 }, { a: 1.5e-7 }]).x)).toEqual([
      1.5,
      -0.25,
      Math.fround(1.5e-7),
    ]);
    expect(() => encodeRecords(format, [{ a: '1.5' }])).toThrow("the decimal sign of this table is ','");
  });

  it.each([null, undefined, [1], 'x', 5])('refuse %j among them', (row) => {
    expect(() => places(categories(['x']), [{ c: 'x' }, row as unknown as RowRecord])).toThrow(
      /^row 2 is .*; it must be an object by column name/,
    );
  });

  it('refuse a missing value in a column without missing values in training', () => {
    expect(() => places(categories(['x']), [{ c: null }])).toThrow(
      "column 'c': the value is missing, but no row of the training data had a missing value; the levels are x",
    );
  });

  it('refuse a cell that is neither a number nor a string, and describe it', () => {
    const row = { c: true } as unknown as RowRecord;
    expect(() => places(categories(['x']), [row])).toThrow(
      "row 1: 'c' is true; give a number, a string, or null",
    );
  });
});
