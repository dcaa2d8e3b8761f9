/** Compares every function of this folder with numbers of 320 binary places: its error, limits and rounding. */
import { describe, expect, it } from 'vitest';
import { erfc, erfInv } from './error-function.ts';
import * as exponentials from './exponentials.ts';
import * as exact from './fixtures/high-precision.ts';
import { type Fixed, fixed, ONE, over, times, ulpsBetween } from './fixtures/high-precision.ts';
import { logGamma, polygamma } from './gamma.ts';
import { hostBinary, hostOrdered, hostUnary } from './index.ts';
import * as powers from './powers.ts';
import * as trigonometry from './trigonometry.ts';

const { NaN: nan, POSITIVE_INFINITY: infinity } = Number;

/** Numbers in [0, 1) from the golden ratio's sequence: evenly spread, with all digits. */
const spread = (count: number): number[] =>
  Array.from({ length: count }, (_, i) => (0.5 + i * 0.6180339887498949) % 1);

const evenly = (low: number, high: number): number[] => spread(40).map((u) => low + (high - low) * u);
/** Numbers with magnitudes from 10^low to 10^high. */
const magnitudes = (low: number, high: number): number[] =>
  spread(40).map((u, i) => 10 ** (low + (high - low) * u) * (1 + i / 100));
const bothSigns = (xs: readonly number[]): number[] => xs.map((x, i) => (i % 2 === 0 ? x : -x));

const half = (x: Fixed): Fixed => x / 2n;
const inverse = (x: Fixed): Fixed => over(ONE, x);
const expOf = (x: Fixed): Fixed => (x < 0n ? inverse(exact.exp(-x)) : exact.exp(x));
const sinh = (x: Fixed): Fixed => half(expOf(x) - expOf(-x));
const cosh = (x: Fixed): Fixed => half(expOf(x) + expOf(-x));
const asinh = (x: Fixed): Fixed => (x < 0n ? -asinh(-x) : exact.log(x + exact.sqrt(times(x, x) + ONE)));
const LN2 = exact.log(2n * ONE);
const LN10 = exact.log(10n * ONE);
/** atan x, after one step that makes x small. */
const asin = (x: Fixed): Fixed => exact.atan(over(x, exact.sqrt(ONE - times(x, x))));

type Rows = readonly (readonly [
  string,
  (x: number) => number,
  (x: Fixed) => Fixed,
  readonly number[],
  number,
])[];

const rows: Rows = [
  ['exp', (x) => exponentials.exp(x), expOf, [...evenly(-60, 700), ...evenly(-1, 1)], 1],
  [
    'expm1',
    exponentials.expm1,
    (x) => expOf(x) - ONE,
    [...bothSigns(magnitudes(-15, 1.5)), ...evenly(-2, 2)],
    2,
  ],
  ['exp2', exponentials.exp2, (x) => expOf(times(x, LN2)), evenly(-60, 900), 1],
  ['log', (x) => exponentials.log(x), exact.log, [...magnitudes(-60, 300), ...evenly(0.6, 1.6)], 1],
  ['log1p', exponentials.log1p, (x) => exact.log(ONE + x), [...magnitudes(-15, 20), ...evenly(-0.99, 1)], 2],
  ['sinh', exponentials.sinh, sinh, bothSigns(magnitudes(-15, 2.6)), 3],
  ['cosh', exponentials.cosh, cosh, bothSigns(magnitudes(-5, 2.6)), 2],
  ['asinh', exponentials.asinh, asinh, bothSigns(magnitudes(-15, 30)), 3],
  [
    'acosh',
    exponentials.acosh,
    (x) => exact.log(x + exact.sqrt(times(x, x) - ONE)),
    magnitudes(-15, 30).map((x) => 1 + x),
    3,
  ],
  [
    'atanh',
    exponentials.atanh,
    (x) => half(exact.log(over(ONE + x, ONE - x))),
    [...bothSigns(magnitudes(-15, -0.3)), ...evenly(-0.99, 0.99)],
    3,
  ],
  ['softplus', exponentials.softplus, (x) => exact.log(ONE + expOf(x)), evenly(-60, 60), 2],
  ['cbrt', powers.cbrt, (x) => expOf(exact.log(x) / 3n), magnitudes(-60, 300), 0.6],
  ['log2', powers.log2, (x) => over(exact.log(x), LN2), [...magnitudes(-60, 300), ...evenly(0.6, 1.6)], 0.51],
  [
    'log10',
    powers.log10,
    (x) => over(exact.log(x), LN10),
    [...magnitudes(-60, 300), ...evenly(0.6, 1.6)],
    0.51,
  ],
  ['atan', trigonometry.atan, exact.atan, [...bothSigns(magnitudes(-15, 15)), ...evenly(-3, 3)], 1],
  ['asin', trigonometry.asin, asin, [...bothSigns(magnitudes(-15, -1)), ...evenly(-0.999, 0.999)], 2],
  ['acos', trigonometry.acos, (x) => half(exact.PI) - asin(x), evenly(-0.999, 0.999), 2],
  ['erfc', erfc, (x) => ONE - exact.erf(x), [...evenly(-6, 10), ...evenly(0, 2)], 8],
];

describe('functions of doubles', () => {
  it.each(rows)('%s is within its stated error', (_name, f, expected, xs, bound) => {
    const errors = xs.map((x) => ulpsBetween(f(x), expected(fixed(x))));
    expect(Math.max(...errors)).toBeLessThanOrEqual(bound);
  });

  it('pow is within 1 ulp', () => {
    const bases = [...magnitudes(-20, 21), ...evenly(0.9, 1.101)];
    for (const [i, x] of bases.entries()) {
      const logarithm = exact.log(fixed(x));
      // The result lies between 10⁻²⁰ and 10²⁵⁰.
      const y = (((i * 0.6180339887498949) % 1) * 620 - 45) / Math.log(x);
      const errors = ulpsBetween(powers.pow(x, y), expOf(times(fixed(y), logarithm)));
      expect(errors).toBeLessThanOrEqual(1);
    }
  });
  it('hypot, atan2 and logAddExp are within their stated errors', () => {
    const xs = magnitudes(-8, 8);
    const ys = bothSigns(magnitudes(-7, 7).reverse());
    for (const [i, x] of xs.entries()) {
      const [a, b] = [fixed(x), fixed(ys[i]!)];
      expect(ulpsBetween(powers.hypot(x, ys[i]!), exact.sqrt(times(a, a) + times(b, b)))).toBeLessThanOrEqual(
        1.1,
      );
      expect(ulpsBetween(trigonometry.atan2(ys[i]!, x), exact.atan(over(b, a)))).toBeLessThanOrEqual(2);
      const [u, v] = [x % 30, ys[i]! % 30];
      const sum = exact.log(expOf(fixed(u)) + expOf(fixed(v)));
      const scale = Math.max(Math.abs(u), Math.abs(v), Math.abs(exponentials.logAddExp(u, v)));
      expect(
        Math.abs(Number(exact.nearDouble(fixed(exponentials.logAddExp(u, v)) - sum))),
      ).toBeLessThanOrEqual(2 * 2 ** -52 * scale);
    }
  });
  it('erfInv is within 5 ulp, checked by erf', () => {
    for (const x of [
      ...evenly(-0.999, 0.999),
      ...magnitudes(-15, -1),
      ...magnitudes(-15, -1).map((t) => 1 - t),
    ]) {
      const y = erfInv(x);
      const slope = (2 / Math.sqrt(Math.PI)) * Math.exp(-y * y);
      const away = exact.nearDouble(exact.erf(fixed(y)) - fixed(x)) / slope;
      expect(Math.abs(away)).toBeLessThanOrEqual(5 * 2 ** -52 * Math.abs(y));
    }
  });

  const nearGamma = (found: number, expected: Fixed, bound: number): void => {
    const error = Math.abs(exact.nearDouble(fixed(found) - expected));
    expect(error).toBeLessThanOrEqual(bound * Math.max(1, Math.abs(found)));
  };
  it('logGamma and its derivatives are within their stated errors', () => {
    for (const x of [...evenly(0.01, 3), ...magnitudes(-3, 6)]) {
      nearGamma(logGamma(x), exact.logGamma(fixed(x)), 2 ** -50);
      nearGamma(polygamma(0, x), exact.digamma(fixed(x)), 2 ** -49);
      nearGamma(polygamma(1, x), exact.zeta(2, fixed(x)), 2 ** -49);
      nearGamma(polygamma(2, x), -2n * exact.zeta(3, fixed(x)), 2 ** -49);
    }
  });
  it('logGamma and its derivatives are within their stated errors below 0', () => {
    for (const x of evenly(-9.6, -0.4).filter((v) => Math.abs(v - Math.round(v)) > 0.05)) {
      const angle = times(exact.PI, fixed(x));
      const [s, c] = [exact.sin(angle), exact.cos(angle)];
      const mirrored = ONE - fixed(x);
      const size = over(exact.PI, s < 0n ? -s : s);
      nearGamma(logGamma(x), exact.log(size) - exact.logGamma(mirrored), 2 ** -49);
      nearGamma(polygamma(0, x), exact.digamma(mirrored) - over(times(exact.PI, c), s), 2 ** -48);
      const ratio = over(exact.PI, s);
      nearGamma(polygamma(1, x), times(ratio, ratio) - exact.zeta(2, mirrored), 2 ** -48);
    }
  });
  it('sinc has the derivatives of its series, near 0 and elsewhere', () => {
    for (const x of [...evenly(-6, 6.1), ...magnitudes(-9, 0)]) {
      const y = times(exact.PI, fixed(x));
      const [s, c] = [exact.sin(y), exact.cos(y)];
      const first = over(c - over(s, y), y);
      // sinc″ = −sinc − 2·sinc′/y
      const second = -over(s, y) - over(2n * first, y);
      const close = (found: number, expected: Fixed, order: number): void =>
        expect(Math.abs(exact.nearDouble(fixed(found) - expected))).toBeLessThanOrEqual(
          8 * 2 ** -52 * Math.PI ** order,
        );
      close(trigonometry.sinc(0, x), over(s, y), 0);
      close(trigonometry.sinc(1, x), times(exact.PI, first), 1);
      close(trigonometry.sinc(2, x), times(times(exact.PI, exact.PI), second), 2);
    }
  });
});

describe('exact results', () => {
  it('powers, roots and their logarithms', () => {
    for (let n = -30; n <= 30; n++) {
      expect(exponentials.exp2(n)).toBe(2 ** n);
      expect(powers.log2(2 ** n)).toBe(n);
      expect(powers.pow(3, Math.abs(n))).toBe(Number(3n ** BigInt(Math.abs(n))));
      expect(powers.cbrt(n ** 3)).toBe(n);
    }
    for (let n = 0; n <= 22; n++) expect(powers.log10(Number(10n ** BigInt(n)))).toBe(n);
    expect(powers.hypot(3e300, 4e300)).toBe(5e300);
    expect(powers.hypot(3e-310, 4e-310)).toBe(5e-310);
  });
  it('remainders and floors of quotients, in integers', () => {
    for (const a of bothSigns(magnitudes(0, 15).map(Math.round))) {
      for (const b of [3, -7, 12, -1]) {
        const [n, d] = [BigInt(a), BigInt(b)];
        const rest = ((n % d) + d) % d;
        expect(BigInt(powers.remainder(a, b))).toBe(rest);
        expect(BigInt(powers.floorDivide(a, b))).toBe((n - rest) / d);
      }
    }
  });
});

describe('limits', () => {
  it.each<[string, number, number]>([
    ['exp overflows', exponentials.exp(710), infinity],
    ['exp underflows', exponentials.exp(-746), 0],
    ['the smallest power', exponentials.exp(-745), Number.MIN_VALUE],
    ['log 0', exponentials.log(0), -infinity],
    ['log below 0', exponentials.log(-1), nan],
    ['log of a denormal', exponentials.log(2 ** -1070), -1070 * Math.LN2],
    ['expm1 −0', exponentials.expm1(-0), -0],
    ['expm1 −∞', exponentials.expm1(-infinity), -1],
    ['log1p ∞', exponentials.log1p(infinity), infinity],
    ['log1p −0', exponentials.log1p(-0), -0],
    ['sinh near overflow', exponentials.sinh(-710), -1.1169973830808557e308],
    ['sinh −∞', exponentials.sinh(-infinity), -infinity],
    ['cosh NaN', exponentials.cosh(nan), nan],
    ['asinh −0', exponentials.asinh(-0), -0],
    ['softplus ∞', exponentials.softplus(infinity), infinity],
    ['pow ∞', powers.pow(-infinity, 3), -infinity],
    ['pow −0', powers.pow(-0, -3), -infinity],
    ['pow beyond', powers.pow(0.5, 1e300), 0],
    ['pow NaN⁰', powers.pow(nan, 0), 1],
    ['pow of a negative base', powers.pow(-8, 1 / 3), nan],
    ['cbrt of a denormal', powers.cbrt(2 ** -1074), 2 ** -358],
    ['remainder by 0', powers.remainder(1, 0), nan],
    ['atan −0', trigonometry.atan(-0), -0],
    ['atan2 of a negative zero', trigonometry.atan2(-0, -1), -Math.PI],
    ['atan2 of infinities', trigonometry.atan2(infinity, -infinity), (3 * Math.PI) / 4],
    ['erfc far out', erfc(28), 0],
    ['erfInv beyond', erfInv(1.5), nan],
    ['logGamma ∞', logGamma(infinity), infinity],
    ['logGamma at a pole', logGamma(-3), infinity],
  ])('%s', (_what, found, expected) => {
    if (Number.isFinite(expected) && expected !== 0)
      expect(Math.abs(found / expected - 1)).toBeLessThan(1e-15);
    else expect(found).toBe(expected);
  });
});

describe('host kernels', () => {
  const xs = evenly(0.1, 0.9);
  it('round a float32 result once', () => {
    const x = Float32Array.from(xs);
    const y = Float32Array.from([...xs].reverse());
    const out = new Float32Array(x.length);
    hostUnary('logGamma', out, x);
    expect([...out]).toEqual(Array.from(x, (v) => Math.fround(logGamma(v))));
    hostBinary('pow', out, x, y);
    expect([...out]).toEqual(Array.from(x, (v, i) => Math.fround(powers.pow(v, y[i]!))));
    hostOrdered('polygamma', 1, out, x);
    expect([...out]).toEqual(Array.from(x, (v) => Math.fround(polygamma(1, v))));
  });
  it('terminate for every number', () => {
    const odd = [nan, 0, -0, 5e-324, 1e-310, 0.5, 1, 1e15 + 0.5, 1e22, Number.MAX_VALUE, infinity];
    const x = Float64Array.from([...odd, ...odd.map((v) => -v)]);
    const out = new Float64Array(x.length);
    for (const order of [0, 1, 2, 169, 170]) {
      hostOrdered('polygamma', order, out, x);
      expect([out[0], out[11]]).toEqual([nan, nan]);
      hostOrdered('sinc', order, out, x);
      expect(out[0]).toBeNaN();
    }
    // Adding all terms would make a sum of 10⁹ terms.
    hostOrdered('polygamma', 1e9, out.subarray(0, 1), Float64Array.of(1));
    for (const op of ['erfInv', 'erfc', 'logGamma', 'cbrt', 'log2', 'exp2', 'atan', 'softplus'] as const) {
      hostUnary(op, out, x);
      expect([out[0], out[11]]).toEqual([nan, nan]);
    }
  });
  it('may write over their operands', () => {
    const x = Float64Array.from(xs);
    hostUnary('expm1', x, x);
    expect([...x]).toEqual(xs.map(exponentials.expm1));
  });
});
