/** Each rule by its examples and by numbers, then all rules together on random formulas. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { unitNumbers } from '../fixtures/values.ts';
import { call, type Expression, evaluateExpression, keyOf, number, power, variable } from './expression.ts';
import { formatExpression } from './notation.ts';
import { rules, simplify } from './simplify.ts';

const names = ['a', 'b', 'c'];

/** Values of all variables, positive so that roots and logarithms exist. */
const point = (seed: number): Record<string, number> =>
  Object.fromEntries(unitNumbers(names.length, seed).map((u, i) => [names[i]!, 0.2 + 2 * u]));

const valueAt = (e: Expression, seed: number): number => evaluateExpression(e, point(seed)).item();

describe.each(rules)('$says', ({ rewrite, examples }) => {
  it.each(
    examples.map(([left, right]) => [formatExpression(left), formatExpression(right), left, right] as const),
  )('%s is %s', (_left, _right, left, right) => {
    expect(rewrite(left)).toEqual(right);
    for (let seed = 0; seed < 10; seed++) {
      const expected = valueAt(left, seed);
      expect(Math.abs(valueAt(right, seed) - expected)).toBeLessThan(1e-12 * (1 + Math.abs(expected)));
    }
  });
  it('does not apply to its own result', () => {
    for (const [, right] of examples) expect(rewrite(right)).toBeUndefined();
  });
});

const expressions: fc.Arbitrary<Expression> = fc.letrec<{ e: Expression }>((tie) => ({
  e: fc.oneof(
    { maxDepth: 5 },
    fc.constantFrom(...names).map(variable),
    fc.integer({ min: -3, max: 3 }).map(number),
    fc
      .tuple(fc.constantFrom('add', 'sub', 'mul', 'div', 'max'), tie('e'), tie('e'))
      .map(([op, x, y]) => call(op, [x, y])),
    fc
      .tuple(fc.constantFrom('neg', 'square', 'sin', 'cos', 'tanh', 'abs', 'reciprocal', 'sqrt'), tie('e'))
      .map(([op, x]) => call(op, [x])),
  ),
})).e;

describe('simplify', () => {
  it('keeps the value of random formulas that have one', () => {
    let numCompared = 0;
    fc.assert(
      fc.property(expressions, fc.nat(1000), (e, seed) => {
        const expected = valueAt(e, seed);
        if (!Number.isFinite(expected) || conditionOf(e, seed) > 1e6) return;
        numCompared++;
        const found = valueAt(simplify(e), seed);
        expect(Math.abs(found - expected)).toBeLessThan(1e-7 * (1 + Math.abs(expected)));
      }),
      { seed: 1, numRuns: 400 },
    );
    expect(numCompared).toBeGreaterThan(150);
  });
  it('ends: a simplified formula stays the same', () => {
    fc.assert(
      fc.property(expressions, (e) => {
        const once = simplify(e);
        expect(keyOf(simplify(once))).toBe(keyOf(once));
      }),
      { seed: 2, numRuns: 200 },
    );
  });
  it('simplifies shared parts once', () => {
    let e: Expression = call('add', [variable('a'), variable('b')]);
    for (let i = 0; i < 20; i++) e = call('sin', [call('max', [e, call('abs', [e])])]);
    expect(() => simplify(e)).not.toThrow();
  });
});

/** The largest intermediate magnitude: differences of large numbers have few digits. */
function conditionOf(e: Expression, seed: number): number {
  if (e.kind !== 'call') return 1;
  const inner = e.args.map((arg) => conditionOf(arg, seed));
  const value = Math.abs(valueAt(e, seed));
  return Math.max(...inner, Number.isFinite(value) ? Math.max(value, 1 / value) : Number.POSITIVE_INFINITY);
}

describe('formatExpression', () => {
  const [a, b] = [variable('a'), variable('x1')];
  it.each<[Expression, string, string]>([
    [call('sub', [a, call('add', [a, b])]), 'a − (a + x1)', 'a - \\left(a + x_{1}\\right)'],
    [
      call('mul', [call('add', [a, b]), call('neg', [a])]),
      '(a + x1) · (−a)',
      '\\left(a + x_{1}\\right) \\cdot \\left(-a\\right)',
    ],
    [call('div', [a, call('mul', [a, b])]), 'a / (a · x1)', '\\frac{a}{a \\cdot x_{1}}'],
    [power(call('sin', [a]), 12), 'sin(a)¹²', '{\\sin\\left(a\\right)}^{12}'],
    [call('exp', [call('neg', [a])]), 'exp(−a)', 'e^{-a}'],
    [call('add', [number(-0.5), number(1e-20)]), '−0.5 + 1e−20', '-0.5 + 1e-20'],
    [call('unheardOf', [a, number(2)]), 'unheardOf(a, 2)', '\\operatorname{unheardOf}\\left(a, 2\\right)'],
    [call('gt', [a, number(0)]), 'a > 0', 'a > 0'],
  ])('%#: %j', (e, text, latex) => {
    expect(formatExpression(e)).toBe(text);
    expect(formatExpression(e, 'latex')).toBe(latex);
  });
});
