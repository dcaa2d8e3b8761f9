import { describe, expect, it } from 'vitest';
import { bar, duration, metric, plural, rate, shortHash, sparkline, unbroken, wrapped } from './format.ts';

describe('bar', () => {
  it.each([
    [0, '▕        ▏'],
    [0.5, '▕████    ▏'],
    [0.52, '▕████▏   ▏'],
    [0.99, '▕███████▉▏'],
    [1, '▕████████▏'],
    [1.5, '▕████████▏'],
    [-1, '▕        ▏'],
  ])('%d', (fraction, text) => {
    expect(bar(fraction, 8)).toBe(text);
  });
});

describe('sparkline', () => {
  it.each([
    [[], ''],
    [[3], '▁'],
    [[2, 2, 2], '▁▁▁'],
    [[8, 4, 1], '█▄▁'],
    [[1, Number.NaN, 8], '▁█'],
  ])('%j', (values, text) => {
    expect(sparkline(values, 8)).toBe(text);
  });

  it('shows means where there are more values than cells', () => {
    expect(sparkline([9, 7, 5, 3, 1, 1], 3)).toBe('█▄▁');
  });
});

it.each([
  [0, '0:00'],
  [31.2, '0:32'],
  [725, '12:05'],
  [3723, '1:02:03'],
])('%d seconds are %s', (seconds, text) => {
  expect(duration(seconds)).toBe(text);
});

it.each([
  ['accuracy', 0.9864, '98.6%'],
  ['test/accuracy', 1, '100.0%'],
  ['loss', 0.07123456, '0.07123'],
  ['loss', 0, '0.000'],
  ['loss', 1.23e-7, '1.23e-7'],
  ['loss', 4.56e9, '4.56e+9'],
  ['loss', Number.NaN, 'NaN'],
])('%s %d is shown as %s', (name, value, text) => {
  expect(metric(name, value)).toBe(text);
});

it('formats numbers and hashes', () => {
  expect([rate(1840.4), rate(3.21), rate(0)]).toEqual(['1,840', '3.2', '0']);
  expect([plural(1, 'worker'), plural(2, 'worker')]).toEqual(['1 worker', '2 workers']);
  expect([shortHash('abc'), shortHash('0123456789abcdef'.repeat(4))]).toEqual(['abc', '01234567…cdef']);
});

it('breaks a paragraph between words', () => {
  expect(wrapped('a batch of 12 is large', 13, '  ', '    ')).toBe('  a batch of\n    12 is\n    large');
  expect(wrapped('step 3:  loss 1  x', Number.POSITIVE_INFINITY, '  ', '    ')).toBe('  step 3:  loss 1  x');
  // A path is not broken.
  expect(wrapped('run runs/2026-11-22-mnist', 26, '  ', '    ')).toBe('  run\n    runs/2026-11-22-mnist');
  expect(wrapped('', 10, '  ', '    ')).toBe('  ');
  // Spaces at which a line is broken are left out.
  expect(wrapped('✓ loss 0.1   run r', 12, '  ', '    ')).toBe('  ✓ loss 0.1\n    run r');
  expect(wrapped(`in ${unbroken('a b')} c`, 7, '', '  ')).toBe('in a b\n  c');
  // A path that is too long is broken between folders.
  expect(wrapped('run /home/ann/runs/2026-mnist', 14, '  ', '  ')).toBe(
    '  run /home/\n  ann/runs/\n  2026-mnist',
  );
  expect(wrapped('page http://here:8080/?token=t', 14, '', '  ')).toBe('page\n  http://here:8080/?token=t');
  // A name that just fits takes the room of the indentation.
  expect(wrapped(`in ${unbroken('a b c d')}`, 8, '', '  ')).toBe('in\na b c d');
});
