/** Places along axes, and the numbers that are written at them. */
import { describe, expect, it } from 'vitest';
import { measuredScale, numberScale, optionScale, tickText } from './scale.ts';

const textsOf = (scale: ReturnType<typeof numberScale>, count: number) =>
  scale.ticks(count).map(({ text }) => text);

describe('numberScale', () => {
  it('places numbers between its ends, and those beyond at the ends', () => {
    const scale = numberScale({ lo: 10, hi: 30, log: false });
    expect([0, 10, 15, 30, 31].map(scale.place)).toEqual([0, 0, 0.25, 1, 1]);
    expect([9, 10, 30, 31].map(scale.isBeyond)).toEqual([true, false, false, true]);
    expect([scale.place(Number.NaN), scale.place('x')]).toEqual([undefined, undefined]);
    expect(scale.valueAt(0.25)).toBe(15);
  });

  it('has equal ratios at equal distances on a logarithmic scale', () => {
    const scale = numberScale({ lo: 1e-4, hi: 1, log: true });
    expect(scale.place(0.01)).toBeCloseTo(0.5, 12);
    expect(scale.valueAt(0.75)).toBeCloseTo(0.1, 12);
    expect(textsOf(scale, 6)).toEqual(['1e−4', '0.001', '0.01', '0.1', '1']);
  });

  it('has round ticks, as many as there is room for', () => {
    expect(textsOf(numberScale({ lo: 0, hi: 0.95, log: false }), 5)).toEqual([
      '0',
      '0.2',
      '0.4',
      '0.6',
      '0.8',
    ]);
    expect(textsOf(numberScale({ lo: -3, hi: 3, log: false }), 4)).toEqual(['−2', '0', '2']);
    expect(textsOf(numberScale({ lo: 0.005, hi: 0.5, log: true }), 8)).toEqual([
      ...['0.005', '0.01', '0.02', '0.05', '0.1', '0.2', '0.5'],
    ]);
    expect(numberScale({ lo: 1e-9, hi: 1e9, log: true }).ticks(5).length).toBeLessThanOrEqual(5);
    expect(textsOf(numberScale({ lo: 4, hi: 4, log: false }), 5)).toEqual(['4']);
  });

  it('falls back to equal distances where a logarithm has no place', () => {
    expect(numberScale({ lo: 0, hi: 2, log: true }).place(1)).toBe(0.5);
  });
});

describe('optionScale', () => {
  it('gives each option an equal part', () => {
    const scale = optionScale([32, 'auto', true, false]);
    expect([32, 'auto', true, false, 'none'].map(scale.place)).toEqual([
      0.125,
      0.375,
      0.625,
      0.875,
      undefined,
    ]);
    expect([-1, 0.3, 1].map(scale.valueAt)).toEqual([32, 'auto', false]);
    expect(scale.ticks(1).map(({ text }) => text)).toEqual(['32', 'auto', 'true', 'false']);
  });
});

describe('measuredScale', () => {
  const usual = [0.1, 0.11, 0.12, 0.13, 0.14, 0.15, 0.16, 0.18];

  it('leaves out what would push the others together, on the worse side alone', () => {
    const losses = measuredScale([...usual, 1e9], 'minimize');
    expect([losses.isBeyond(1e9), losses.isBeyond(0.18), losses.isBeyond(0.1)]).toEqual([true, false, false]);
    const gains = measuredScale([...usual.map((value) => -value), -1e9], 'maximize');
    expect([gains.isBeyond(-1e9), gains.isBeyond(-0.18)]).toEqual([true, false]);
  });

  it('shows everything where the values lie together', () => {
    const scale = measuredScale(usual, 'minimize');
    expect(usual.some(scale.isBeyond)).toBe(false);
    expect(scale.place(0.14)).toBeCloseTo(0.5, 1);
    expect(measuredScale([2, 2], 'minimize').place(2)).toBeCloseTo(0.5, 12);
    expect(measuredScale([], 'minimize').place(0.5)).toBe(0.5);
  });

  it('has no logarithm of what is not positive', () => {
    expect(measuredScale([0, 1, 2], 'minimize', true).valueAt(0)).toBeLessThan(0);
    expect(measuredScale([0.01, 0.1, 1], 'minimize', true).place(0.1)).toBeCloseTo(0.5, 6);
  });
});

describe('tickText', () => {
  it('is short', () => {
    expect([0, 0.05, -1e-4, 20_000, 1234.5, -2, 3e7].map(tickText)).toEqual([
      ...['0', '0.05', '−1e−4', '20k', '1234.5', '−2', '3e7'],
    ]);
  });
});
