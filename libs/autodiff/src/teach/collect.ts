/** Normal forms of sums and products: like terms and like factors are joined. */
import {
  call,
  type Expression,
  exponentOf,
  isCall,
  isNumber,
  keyOf,
  number,
  power,
  variablesOf,
} from './expression.ts';

/** coefficient · Π base ^ exponent; exponents are multiples of ½. */
interface Product {
  coefficient: number;
  readonly factors: Map<string, { readonly base: Expression; exponent: number }>;
}

/** A sum with like terms added; undefined if the expression is not a sum or already has that form. */
export function collectTerms(e: Expression): Expression | undefined {
  if (!isCall(e, 'add', 'sub', 'neg')) return undefined;
  const terms = new Map<string, Product>();
  addTerms(e, 1, terms);
  const list = [...terms.values()].filter(({ coefficient }) => coefficient !== 0);
  return ifOther(e, sumOf(list));
}

/**
 * A product with powers of the same base joined; undefined if the expression is not a product or already has that form.
 */
export function collectFactors(e: Expression): Expression | undefined {
  if (!isCall(e, 'mul', 'div', 'neg', 'reciprocal', 'square', 'power')) return undefined;
  return ifOther(e, productOf(factorsOf(e)));
}

const ifOther = (e: Expression, other: Expression): Expression | undefined =>
  keyOf(e) === keyOf(other) ? undefined : other;

function addTerms(e: Expression, sign: number, terms: Map<string, Product>): void {
  if (isCall(e, 'add', 'sub')) {
    addTerms(e.args[0]!, sign, terms);
    addTerms(e.args[1]!, e.op === 'add' ? sign : -sign, terms);
  } else if (isCall(e, 'neg')) {
    addTerms(e.args[0]!, -sign, terms);
  } else {
    const { coefficient, factors } = factorsOf(e);
    const key = keyOf(productOf({ coefficient: 1, factors }));
    const known = terms.get(key);
    if (known === undefined) terms.set(key, { coefficient: sign * coefficient, factors });
    else known.coefficient += sign * coefficient;
  }
}

function factorsOf(e: Expression): Product {
  const product: Product = { coefficient: 1, factors: new Map() };
  multiply(e, 1, product);
  return product;
}

function multiply(e: Expression, exponent: number, product: Product): void {
  if (isNumber(e) && Number.isInteger(exponent) && (e.value !== 0 || exponent > 0)) {
    for (let i = 0; i < Math.abs(exponent); i++) {
      if (exponent > 0) product.coefficient *= e.value;
      else product.coefficient /= e.value;
    }
    return;
  }
  if (isCall(e, 'mul', 'div')) {
    multiply(e.args[0]!, exponent, product);
    multiply(e.args[1]!, e.op === 'mul' ? exponent : -exponent, product);
  } else if (isCall(e, 'neg') && Number.isInteger(exponent)) {
    if (exponent % 2 !== 0) product.coefficient *= -1;
    multiply(e.args[0]!, exponent, product);
  } else if (isCall(e, 'reciprocal')) multiply(e.args[0]!, -exponent, product);
  else if (isCall(e, 'square')) multiply(e.args[0]!, 2 * exponent, product);
  else if (isCall(e, 'power')) multiply(e.args[0]!, exponentOf(e) * exponent, product);
  // (√a)² is a wherever √a exists, while √(a²) is |a|: the argument of the root is a base of its own.
  else if (isCall(e, 'sqrt') && Number.isInteger(exponent)) raise(e.args[0]!, exponent / 2, product);
  else raise(e, exponent, product);
}

function raise(base: Expression, exponent: number, { factors }: Product): void {
  const key = keyOf(base);
  const known = factors.get(key);
  if (known === undefined) factors.set(key, { base, exponent });
  else known.exponent += exponent;
}

/** The product as an expression: −2 · x² · sin(y) / z. */
function productOf({ coefficient, factors }: Product): Expression {
  if (coefficient === 0) return number(0);
  const above: Expression[] = [];
  const below: Expression[] = [];
  for (const { base, exponent } of [...factors.values()].sort(byFactor)) {
    const side = exponent > 0 ? above : below;
    const whole = Math.floor(Math.abs(exponent));
    if (whole > 0) side.push(power(base, whole));
    if (whole !== Math.abs(exponent)) side.push(call('sqrt', [base]));
  }
  const size = Math.abs(coefficient);
  if (size !== 1 || above.length === 0) above.unshift(number(size));
  const times = (list: readonly Expression[]): Expression => list.reduce((x, y) => call('mul', [x, y]));
  const result = below.length === 0 ? times(above) : call('div', [times(above), times(below)]);
  return negatedIf(coefficient < 0, result);
}

const negatedIf = (negative: boolean, e: Expression): Expression => {
  if (!negative) return e;
  return isNumber(e) ? number(-e.value) : call('neg', [e]);
};

/** The sum as an expression, which begins with a positive term if there is one. */
function sumOf(terms: readonly Product[]): Expression {
  const sorted = terms
    .map((term) => ({ term, body: productOf({ ...term, coefficient: 1 }) }))
    .sort((x, y) => byTerm(x.body, y.body))
    .map(({ term }) => term);
  const lead = sorted.find(({ coefficient }) => coefficient > 0) ?? sorted[0];
  if (lead === undefined) return number(0);
  return sorted
    .filter((term) => term !== lead)
    .reduce<Expression>((sum, term) => {
      const size = productOf({ ...term, coefficient: Math.abs(term.coefficient) });
      return call(term.coefficient < 0 ? 'sub' : 'add', [sum, size]);
    }, productOf(lead));
}

/** x before y, x2 before x10; expressions without a variable come last. */
function byVariable(a: Expression, b: Expression): number {
  const [[x], [y]] = [variablesOf(a).sort(byName), variablesOf(b).sort(byName)];
  if (x === undefined || y === undefined) return Number(x === undefined) - Number(y === undefined);
  return byName(x, y);
}

const byName = (x: string, y: string): number => x.length - y.length || byText(x, y);
const byText = (x: string, y: string): number => (x < y ? -1 : x > y ? 1 : 0);

/** By variable; among equal variables the longer term (a higher power) comes first. */
const byTerm = (a: Expression, b: Expression): number =>
  byVariable(a, b) || keyOf(b).length - keyOf(a).length || byText(keyOf(a), keyOf(b));

/** Variables before functions of them. */
const byFactor = (a: { base: Expression }, b: { base: Expression }): number =>
  Number(isCall(a.base)) - Number(isCall(b.base)) ||
  byVariable(a.base, b.base) ||
  byText(keyOf(a.base), keyOf(b.base));
