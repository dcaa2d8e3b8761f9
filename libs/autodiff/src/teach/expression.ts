/** Formulas as data: the computation of a traced scalar function, for reading, rewriting and evaluating. */

import { anObject, type Kind, LockstepError, recordOf, signature } from '@lockstep/errors';
import { asTensor, type TensorLike, tensor } from '../convert.ts';
import { bind } from '../core.ts';
import { primitiveNamed } from '../define.ts';
import { tensorLike } from '../kinds.ts';
import type { Attrs } from '../primitive.ts';
import { mul, reciprocal } from '../primitives/elementwise/fusible.ts';
import type { Tensor } from '../tensor.ts';

/** A call's op is the name of a primitive, or 'power' with attrs `{ exponent }`, a whole number. */
export type Expression =
  | { readonly kind: 'number'; readonly value: number }
  | { readonly kind: 'variable'; readonly name: string }
  | {
      readonly kind: 'call';
      readonly op: string;
      readonly args: readonly Expression[];
      readonly attrs: Attrs;
    };

export type Call = Extract<Expression, { kind: 'call' }>;

export const anExpression: Kind = {
  what: 'an expression, as programOf gives them',
  fits: (value) => anObject.fits(value) && typeof (value as { kind?: unknown }).kind === 'string',
};

export const number = (value: number): Expression => ({ kind: 'number', value });
export const variable = (name: string): Expression => ({ kind: 'variable', name });
export const call = (op: string, args: readonly Expression[], attrs: Attrs = {}): Call => ({
  kind: 'call',
  op,
  args,
  attrs,
});

export const isNumber = (e: Expression, value?: number): e is Extract<Expression, { kind: 'number' }> =>
  e.kind === 'number' && (value === undefined || e.value === value);
export const isCall = <const Op extends string = string>(
  e: Expression,
  ...ops: readonly Op[]
): e is Call & { readonly op: Op } =>
  e.kind === 'call' && (ops.length === 0 || ops.some((op) => op === e.op));

export const exponentOf = (e: Call): number => e.attrs.exponent as number;
export const power = (base: Expression, exponent: number): Expression =>
  exponent === 1 ? base : call('power', [base], { exponent });

const keys = new WeakMap<Expression, string>();

/** Equal for expressions that are written alike, and different for all others. */
export function keyOf(e: Expression): string {
  if (e.kind === 'number') return Object.is(e.value, -0) ? '-0' : String(e.value);
  if (e.kind === 'variable') return `$${e.name}`;
  let key = keys.get(e);
  if (key === undefined) {
    const attrs = Object.keys(e.attrs).length === 0 ? '' : JSON.stringify(e.attrs);
    key = `${e.op}${attrs}(${e.args.map(keyOf).join()})`;
    keys.set(e, key);
  }
  return key;
}

/** The names in an expression, each once, in the order in which they appear. */
export function variablesOf(e: Expression): string[] {
  if (e.kind === 'number') return [];
  return e.kind === 'variable' ? [e.name] : [...new Set(e.args.flatMap(variablesOf))];
}

/**
 * The expression with each variable replaced by the result of `replacement` for its name; undefined leaves the
 * variable.
 */
export function substitute(e: Expression, replacement: (name: string) => Expression | undefined): Expression {
  if (e.kind === 'number') return e;
  if (e.kind === 'variable') return replacement(e.name) ?? e;
  return { ...e, args: e.args.map((arg) => substitute(arg, replacement)) };
}

const checkEvaluate = signature('evaluateExpression', {
  expression: anExpression,
  values: recordOf(tensorLike, 'an object of values by the names of variables'),
});

/**
 * The value of an expression for the given variables. The primitives themselves compute it, so it can be differentiated
 * and compiled too.
 */
export function evaluateExpression(e: Expression, values: Readonly<Record<string, TensorLike>>): Tensor {
  checkEvaluate(e, values);
  if (e.kind === 'number') return tensor(e.value);
  if (e.kind === 'variable') {
    const value = values[e.name];
    if (value === undefined) {
      throw new LockstepError(
        'argument',
        `evaluateExpression: no value for '${e.name}'; the expression has the variables ${variablesOf(e).join(', ')}`,
        { name: e.name },
      );
    }
    return asTensor(value);
  }
  const args = e.args.map((arg) => evaluateExpression(arg, values));
  return e.op === 'power' ? integerPower(args[0]!, exponentOf(e)) : bind(primitiveNamed(e.op), args, e.attrs);
}

function integerPower(base: Tensor, exponent: number): Tensor {
  let result: Tensor = tensor(1);
  for (let i = 0; i < Math.abs(exponent); i++) result = mul(result, base);
  return exponent < 0 ? reciprocal(result) : result;
}
