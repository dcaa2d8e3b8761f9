/**
 * Algebra on formulas: a few rewriting rules, applied from the inside out until none applies. They hold for real
 * numbers wherever both sides are defined; floating point may round the two sides differently.
 */
import { signature } from '@lockstep/errors';
import { collectFactors, collectTerms } from './collect.ts';
import {
  anExpression,
  call,
  type Expression,
  evaluateExpression,
  isCall,
  isNumber,
  keyOf,
  number,
  substitute,
  variable,
} from './expression.ts';
import { formatExpression } from './notation.ts';

export interface Rule {
  /** The rule in the usual notation. */
  readonly says: string;
  /** The other form of an expression to which the rule applies; undefined for all other expressions. */
  readonly rewrite: (e: Expression) => Expression | undefined;
  /** Left sides and the results of the rule. */
  readonly examples: readonly (readonly [Expression, Expression])[];
}

const [a, b, c] = [variable('a'), variable('b'), variable('c')];
const [add, sub, mul, div] = ['add', 'sub', 'mul', 'div'].map(
  (op) => (x: Expression, y: Expression) => call(op, [x, y]),
) as [Binary, Binary, Binary, Binary];
const fn = (op: string, ...args: readonly Expression[]): Expression => call(op, args);
const square = (x: Expression): Expression => call('power', [x], { exponent: 2 });

type Binary = (x: Expression, y: Expression) => Expression;

/** A rule that is an equation between two patterns, whose variables stand for any expression. */
function identity(left: Expression, right: Expression): Rule {
  return {
    says: `${formatExpression(left)} = ${formatExpression(right)}`,
    examples: [[left, right]],
    rewrite: (e) => {
      const found = new Map<string, Expression>();
      return matches(left, e, found) ? substitute(right, (name) => found.get(name)) : undefined;
    },
  };
}

function matches(pattern: Expression, e: Expression, found: Map<string, Expression>): boolean {
  if (pattern.kind === 'variable') {
    const known = found.get(pattern.name);
    if (known === undefined) found.set(pattern.name, e);
    return known === undefined || keyOf(known) === keyOf(e);
  }
  if (pattern.kind === 'number') return isNumber(e, pattern.value);
  return isCall(e, pattern.op) && pattern.args.every((arg, i) => matches(arg, e.args[i]!, found));
}

export const rules: readonly Rule[] = [
  {
    says: 'a call on numbers is a number',
    rewrite: (e) => {
      if (!isCall(e) || !e.args.every((arg) => isNumber(arg)) || !isArithmetic(e.op)) return undefined;
      const value = evaluateExpression(e, {}).item();
      return Number.isFinite(value) ? number(value) : undefined;
    },
    examples: [
      [fn('sqrt', number(4)), number(2)],
      [sub(number(2), number(5)), number(-3)],
      [fn('exp', number(0)), number(1)],
    ],
  },
  {
    says: 'like terms of a sum are one: a + a = 2 · a, a − a = 0, a + 0 = a, −(a − b) = b − a',
    rewrite: collectTerms,
    examples: [
      [add(a, number(0)), a],
      [sub(number(0), a), fn('neg', a)],
      [sub(a, a), number(0)],
      [fn('neg', fn('neg', a)), a],
      [sub(a, fn('neg', b)), add(a, b)],
      [fn('neg', sub(a, b)), sub(b, a)],
      [add(a, a), mul(number(2), a)],
      [add(add(a, mul(number(2), b)), mul(number(3), a)), add(mul(number(4), a), mul(number(2), b))],
      [add(mul(a, b), mul(b, a)), mul(mul(number(2), a), b)],
      [sub(add(a, number(1)), number(3)), sub(a, number(2))],
    ],
  },
  {
    says: 'like factors of a product are one: a · a = a², a / a = 1, 1 · a = a, 0 · a = 0, sqrt(a)² = a',
    rewrite: collectFactors,
    examples: [
      [mul(number(1), a), a],
      [mul(a, number(0)), number(0)],
      [mul(a, a), square(a)],
      [mul(mul(a, b), a), mul(square(a), b)],
      [div(a, a), number(1)],
      [div(mul(a, b), a), b],
      [fn('reciprocal', fn('reciprocal', a)), a],
      [mul(fn('neg', a), fn('neg', b)), mul(a, b)],
      [mul(number(2), mul(number(3), a)), mul(number(6), a)],
      [mul(a, fn('reciprocal', b)), div(a, b)],
      [fn('square', a), square(a)],
      [mul(fn('sqrt', a), fn('sqrt', a)), a],
      [div(div(a, b), c), div(a, mul(b, c))],
    ],
  },
  identity(fn('log', fn('exp', a)), a),
  identity(fn('exp', fn('log', a)), a),
  identity(fn('sin', fn('neg', a)), fn('neg', fn('sin', a))),
  identity(fn('cos', fn('neg', a)), fn('cos', a)),
  identity(fn('tanh', fn('neg', a)), fn('neg', fn('tanh', a))),
  identity(fn('abs', fn('neg', a)), fn('abs', a)),
  identity(fn('abs', fn('abs', a)), fn('abs', a)),
  identity(fn('max', a, a), a),
  identity(fn('min', a, a), a),
];

/** Ops that give a number for numbers. Comparisons and choices are left unchanged. */
const isArithmetic = (op: string): boolean =>
  !['eq', 'ne', 'lt', 'le', 'gt', 'ge', 'and', 'or', 'not', 'select', 'cast'].includes(op);

const checkSimplify = signature('simplify', { e: anExpression });

/** An equal expression that is shorter, or the expression itself. */
export function simplify(e: Expression): Expression {
  checkSimplify(e);
  return simplified(e, new Map());
}

/** Common parts are the same object, so each is simplified once. */
function simplified(e: Expression, known: Map<Expression, Expression>): Expression {
  if (e.kind !== 'call') return e;
  let result = known.get(e);
  if (result !== undefined) return result;
  result = { ...e, args: e.args.map((arg) => simplified(arg, known)) };
  for (const { rewrite } of rules) {
    const other = rewrite(result);
    if (other === undefined) continue;
    result = simplified(other, known);
    break;
  }
  known.set(e, result);
  return result;
}
