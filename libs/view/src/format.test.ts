import { expect, it } from 'vitest';
import {
  bytesText,
  differences,
  durationText,
  metricText,
  millisecondsText,
  numberText,
  rateText,
  settingText,
  shortHash,
  spreadText,
} from './format.ts';

it('writes metrics as people read them', () => {
  expect(metricText('test/accuracy', 0.98765)).toBe('98.8%');
  expect(metricText('loss', 0.123456)).toBe('0.1235');
  expect(metricText('loss', Number.NaN)).toBe('NaN');
  expect(metricText('loss', Number.NEGATIVE_INFINITY)).toBe('−∞');
  expect(metricText('samples/second', 12_345.6)).toBe('12,346');
  expect([0, -1.5, 123_456, 1.2e-5].map(numberText)).toEqual(['0', '−1.500', '1.23e5', '1.20e−5']);
  expect([0.05, 0.177_956_408_99, 'relu', true, 1e-5].map(settingText)).toEqual([
    ...['0.05', '0.1780', 'relu', 'true', '0.00001'],
  ]);
  expect([9_999, 42_660.4].map(numberText)).toEqual(['9999', '42660']);
  expect([0.000_778, 0.12, 12.34, 4e-9, 0].map(spreadText)).toEqual([
    '0.00078',
    '0.12',
    '12',
    '4.00e−9',
    '0',
  ]);
  expect([9.87, 1_840.2].map(rateText)).toEqual(['9.9', '1,840']);
});

it('writes times, bytes and hashes', () => {
  expect([400, 65_000, 3_723_000].map(durationText)).toEqual(['0:00', '1:05', '1:02:03']);
  expect([0.123, 12.34, 123.4, 1_234].map(millisecondsText)).toEqual([
    '0.12 ms',
    '12.3 ms',
    '123 ms',
    '1.23 s',
  ]);
  expect([12, 83_360, 3 * 2 ** 30].map(bytesText)).toEqual(['12 B', '81.4 KiB', '3.00 GiB']);
  expect([shortHash('0123456789abcdef0123'), shortHash('f20')]).toEqual(['01234567…0123', 'f20']);
});

it('names what settings differ in', () => {
  expect(
    differences([
      { rate: 1, width: 2 },
      { rate: 3, width: 2, seed: 1 },
    ]),
  ).toEqual(['rate=1', 'rate=3 seed=1']);
  expect(differences([{ rate: 1 }])).toEqual(['']);
});
