import { describe, expect, it } from 'vitest';
import * as exact from '../host/fixtures/high-precision.ts';
import { fixed, nearDouble, PI } from '../host/fixtures/high-precision.ts';
import { float32Math } from './float32-math.ts';
import { float64Math } from './float64-math.ts';

type Name = keyof typeof float32Math;

const floats = new Float32Array(1);
const bits = new Int32Array(floats.buffer);

/** The distance between neighbouring float32 numbers at `y`. */
function ulp(y: number): number {
  floats[0] = Math.abs(y);
  return 2 ** (Math.max(bits[0]! >>> 23, 1) - 150);
}

/** The largest error, in ulp, over evenly spread arguments. */
function worstError(op: Name, from: number, to: number): number {
  const samples = 60_000;
  let worst = 0;
  for (let i = 0; i <= samples; i++) {
    const x = Math.fround(from + ((to - from) * (i + 0.37)) / (samples + 1));
    const exact = float64Math[op](x);
    worst = Math.max(worst, Math.abs(float32Math[op](x) - exact) / ulp(exact));
  }
  return worst;
}

describe('float32 functions are accurate', () => {
  it.each<[Name, number, number, number]>([
    ['exp', -1, 1, 1],
    ['exp', -103, 88.7, 1],
    ['log', 0.5, 2, 1],
    ['log', 1e-45, 1e-38, 1],
    ['log', 1e-3, 3e38, 1],
    ['sin', -4, 4, 1.4],
    ['sin', -1e5, 1e5, 1.4],
    ['cos', -4, 4, 1.4],
    ['cos', -1e5, 1e5, 1.4],
    ['tanh', -1, 1, 2],
    ['tanh', -12, 12, 2],
    ['sigmoid', -10, 10, 3],
    ['sigmoid', -103, 103, 3],
    ['erf', -1, 1, 2],
    ['erf', -5, 5, 2],
  ])('%s from %f to %f within %f ulp', (op, from, to, bound) => {
    expect(worstError(op, from, to)).toBeLessThanOrEqual(bound);
  });
});

/** sin and cos of a float32 number in [0, ∞), computed with 320 places of π. */
function exactAngle(x: number): { sin: number; cos: number } {
  const halfPi = PI / 2n;
  const turned = fixed(x);
  const n = (turned + halfPi / 2n) / halfPi;
  const rest = turned - n * halfPi;
  const [s, c] = [nearDouble(exact.sin(rest)), nearDouble(exact.cos(rest))];
  const quarters: readonly (readonly [number, number])[] = [
    [s, c],
    [c, -s],
    [-s, -c],
    [-c, s],
  ];
  const [sin, cos] = quarters[Number(n % 4n)]!;
  return { sin, cos };
}

describe('sin and cos within 1.4 ulp of every finite argument', () => {
  const { sin, cos } = float32Math;
  const errorOf = (x: number): number => {
    const angle = exactAngle(x);
    return Math.max(
      Math.abs(sin(x) - angle.sin) / ulp(angle.sin),
      Math.abs(cos(x) - angle.cos) / ulp(angle.cos),
    );
  };

  it('for every magnitude', () => {
    for (let i = 0; i < 3000; i++) {
      const x = Math.fround(2 ** (-120 + (i * 248) / 3000) * (1 + ((i * 0.6180339887498949) % 1)));
      if (Number.isFinite(x)) expect([x, errorOf(x) <= 1.4]).toEqual([x, true]);
    }
    expect(errorOf(3.4028234663852886e38)).toBeLessThanOrEqual(1.4);
  });

  it('next to multiples of π/2', () => {
    for (let k = 1; k < 2 ** 40; k += 1 + Math.floor(k / 100)) {
      const x = Math.fround((k * Math.PI) / 2);
      expect([x, errorOf(x) <= 1.4]).toEqual([x, true]);
    }
  });

  // Found by trying all floats: the one nearest to a multiple of π/2, the worst ones of the reduction in float32, and its last
  // arguments.
  it.each([7.729178919452902e28, 11489.65234375, 1698.8167724609375, 52516.43359375, 32768, 32768.00390625])(
    'of %f',
    (x) => {
      expect(errorOf(x)).toBeLessThanOrEqual(1.4);
    },
  );

  it('agrees with mpmath', () => {
    const near = (found: number, expected: number) =>
      expect(Math.abs(found - expected)).toBeLessThanOrEqual(1.4 * ulp(expected));
    near(sin(1e8), 0.931639027109726);
    near(sin(Math.fround(1e22)), -0.7340815352961015);
    near(cos(Math.fround(3e38)), -0.4842947835419069);
  });
});

describe('float32 functions at the edges', () => {
  const { exp, log, sin, cos, tanh, sigmoid, erf } = float32Math;

  it('follow the written conventions', () => {
    expect([exp(-0), exp(Infinity), exp(-Infinity), exp(88.73), exp(-104)]).toEqual([
      1,
      Infinity,
      0,
      Infinity,
      0,
    ]);
    expect(exp(-103.5)).toBe(2 ** -149);
    expect([log(0), log(-0), log(1), log(Infinity), log(-1)]).toEqual([
      -Infinity,
      -Infinity,
      0,
      Infinity,
      NaN,
    ]);
    expect([sin(0), sin(-0), cos(-0), sin(Infinity), cos(-Infinity)]).toEqual([0, -0, 1, NaN, NaN]);
    expect([tanh(-0), tanh(Infinity), tanh(-Infinity), tanh(-20)]).toEqual([-0, 1, -1, -1]);
    expect([sigmoid(0), sigmoid(Infinity), sigmoid(-Infinity), sigmoid(-200)]).toEqual([0.5, 1, 0, 0]);
    expect([erf(-0), erf(Infinity), erf(-Infinity), erf(4)]).toEqual([-0, 1, -1, 1]);
  });

  it('keep denormal arguments if f(x) ≈ x, and NaN', () => {
    const smallest = 2 ** -149;
    expect([sin(-smallest), tanh(smallest)]).toEqual([-smallest, smallest]);
    for (const f of Object.values(float32Math)) expect(f(Number.NaN)).toBeNaN();
  });

  it('are odd, and bounded', () => {
    for (let i = 0; i < 2000; i++) {
      const x = Math.fround(1.5 ** (i / 12 - 60));
      for (const f of [sin, tanh, erf]) expect(f(-x)).toBe(-f(x));
      expect(Math.abs(sin(x))).toBeLessThanOrEqual(1);
      expect(Math.abs(cos(x))).toBeLessThanOrEqual(1);
    }
  });
});

describe('float64 erf', () => {
  // Abramowitz and Stegun, table 7.1.
  it.each([
    [0.5, 0.5204998778130465],
    [1, 0.8427007929497149],
    [2, 0.9953222650189527],
    [-3, -0.9999779095030014],
    [7, 1],
    [0, 0],
  ])('erf %f', (x, y) => {
    expect(Math.abs(float64Math.erf(x) - y)).toBeLessThan(1e-15);
  });
});
