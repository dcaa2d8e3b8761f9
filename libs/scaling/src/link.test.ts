/** Links as people write them. */
import { expect, it } from 'vitest';
import { parseLatency, parseRate, rateText } from './link.ts';

it.each([
  ['1Gbit', 1e9],
  ['1 Gbit/s', 1e9],
  ['2.5gbit', 2.5e9],
  ['100Mbit', 1e8],
  ['25Gbps', 25e9],
  ['125MB', 1e9],
  ['125MB/s', 1e9],
  ['64kbit', 64e3],
])('reads %s', (text, rate) => {
  expect(parseRate(text)).toBe(rate);
});

it.each(['', 'fast', '1', '0Gbit', '-1Gbit', '1Gbitten', '1..2Gbit'])('refuses the rate %j', (text) => {
  expect(() => parseRate(text)).toThrow(`not '${text}'`);
});

it.each([
  ['0.2ms', 0.2],
  ['50us', 0.05],
  ['50 µs', 0.05],
  ['1s', 1000],
  ['0ms', 0],
])('reads the latency %s', (text, ms) => {
  expect(parseLatency(text)).toBeCloseTo(ms, 12);
});

it.each(['', '1', 'ms', '1m'])('refuses the latency %j', (text) => {
  expect(() => parseLatency(text)).toThrow('--latency must be a time such as 0.2ms');
});

it('shows rates with three digits', () => {
  expect([1e9, 94_123_456, 1500, 12, 2.5e12].map(rateText)).toEqual([
    '1 Gbit/s',
    '94.1 Mbit/s',
    '1.5 kbit/s',
    '12 bit/s',
    '2.5 Tbit/s',
  ]);
});
