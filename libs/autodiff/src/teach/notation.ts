/** Notation of formulas, as text and in LaTeX. */
import { oneOf, signature } from '@lockstep/errors';
import type { NestedNumbers } from '../tensor.ts';
import { anExpression, type Expression, exponentOf } from './expression.ts';

export type NotationStyle = 'text' | 'latex';

/**
 * The binding strength of an expression. An operand that binds less tightly than its place requires is put in
 * parentheses.
 */
const SUM = 1;
const TERM = 2;
const PRODUCT = 3;
const FACTOR = 4;
const ATOM = 5;

interface Notation {
  readonly level: number;
  /** `$0`, `$1` … stand for the operands. */
  readonly text: string;
  readonly latex: string;
  /** The binding strengths that operands must have, as text; in LaTeX where they differ. */
  readonly operands: readonly number[];
  readonly latexOperands?: readonly number[];
}

const infix = (level: number, text: string, latex: string, operands: readonly number[]): Notation => ({
  level,
  text: `$0 ${text} $1`,
  latex: `$0 ${latex} $1`,
  operands,
});

const named = (text: string, latex: string): Notation => ({
  level: ATOM,
  text: `${text}($0)`,
  latex: `${latex}\\left($0\\right)`,
  operands: [0],
});

const comparison = (text: string, latex: string): Notation => infix(0, text, latex, [SUM, SUM]);

const notations: Readonly<Record<string, Notation>> = {
  add: infix(SUM, '+', '+', [SUM, TERM]),
  sub: infix(SUM, '−', '-', [SUM, TERM]),
  neg: { level: SUM, text: '−$0', latex: '-$0', operands: [TERM] },
  mul: infix(PRODUCT, '·', '\\cdot', [PRODUCT, FACTOR]),
  div: {
    level: PRODUCT,
    text: '$0 / $1',
    latex: '\\frac{$0}{$1}',
    operands: [PRODUCT, FACTOR],
    latexOperands: [0, 0],
  },
  reciprocal: {
    level: PRODUCT,
    text: '1 / $0',
    latex: '\\frac{1}{$0}',
    operands: [FACTOR],
    latexOperands: [0],
  },
  matmul: infix(PRODUCT, '@', '\\,', [PRODUCT, FACTOR]),
  pow: {
    level: FACTOR,
    text: '$0^$1',
    latex: '{$0}^{$1}',
    operands: [ATOM, ATOM],
    latexOperands: [ATOM, 0],
  },
  square: { level: FACTOR, text: '$0²', latex: '{$0}^{2}', operands: [ATOM] },
  sqrt: { level: ATOM, text: 'sqrt($0)', latex: '\\sqrt{$0}', operands: [0] },
  exp: { level: ATOM, text: 'exp($0)', latex: 'e^{$0}', operands: [0] },
  abs: { level: ATOM, text: '|$0|', latex: '\\left|$0\\right|', operands: [0] },
  floor: { level: ATOM, text: '⌊$0⌋', latex: '\\lfloor $0 \\rfloor', operands: [0] },
  ceil: { level: ATOM, text: '⌈$0⌉', latex: '\\lceil $0 \\rceil', operands: [0] },
  log: named('ln', '\\ln'),
  sin: named('sin', '\\sin'),
  cos: named('cos', '\\cos'),
  tan: named('tan', '\\tan'),
  sinh: named('sinh', '\\sinh'),
  cosh: named('cosh', '\\cosh'),
  tanh: named('tanh', '\\tanh'),
  sigmoid: named('sigmoid', '\\sigma'),
  sum: named('sum', '\\sum'),
  transpose: { level: ATOM, text: '$0ᵀ', latex: '{$0}^{\\top}', operands: [ATOM] },
  select: {
    level: ATOM,
    text: 'where($0, $1, $2)',
    latex: '\\begin{cases} $1 & $0 \\\\ $2 & \\text{otherwise} \\end{cases}',
    operands: [0, 0, 0],
  },
  eq: comparison('=', '='),
  ne: comparison('≠', '\\ne'),
  lt: comparison('<', '<'),
  le: comparison('≤', '\\le'),
  gt: comparison('>', '>'),
  ge: comparison('≥', '\\ge'),
};

const checkFormatExpression = signature('formatExpression', {
  e: anExpression,
  'style?': oneOf('text', 'latex'),
});

/** An expression in readable notation: `ln(x1) + x1 · x2 − sin(x2)`, or `\ln\left(x_{1}\right) + …`. */
export function formatExpression(e: Expression, style: NotationStyle = 'text'): string {
  checkFormatExpression(e, style);
  return write(e, 0, style);
}

function write(e: Expression, needed: number, style: NotationStyle): string {
  const [written, level] = unbracketed(e, style);
  if (level >= needed) return written;
  return style === 'text' ? `(${written})` : `\\left(${written}\\right)`;
}

function unbracketed(e: Expression, style: NotationStyle): [string, number] {
  if (e.kind === 'number') return [formatNumber(e.value, style), e.value < 0 ? SUM : ATOM];
  if (e.kind === 'variable') return [style === 'text' ? e.name : latexName(e.name), ATOM];
  if (e.op === 'power') {
    const exponent = exponentOf(e);
    const base = write(e.args[0]!, ATOM, style);
    return [style === 'text' ? `${base}${superscript(exponent)}` : `{${base}}^{${exponent}}`, FACTOR];
  }
  const notation = notations[e.op];
  if (notation === undefined) {
    const args = e.args.map((arg) => write(arg, 0, style)).join(', ');
    return style === 'text'
      ? [`${e.op}(${args})`, ATOM]
      : [`\\operatorname{${e.op}}\\left(${args}\\right)`, ATOM];
  }
  const levels = style === 'latex' ? (notation.latexOperands ?? notation.operands) : notation.operands;
  const operands = e.args.map((arg, i) => write(arg, levels[i] ?? 0, style));
  return [notation[style].replace(/\$(\d)/g, (_, i) => operands[Number(i)]!), notation.level];
}

/** At most twelve digits, which hides rounding errors; a true minus sign in text. */
export function formatNumber(value: number, style: NotationStyle = 'text'): string {
  if (Number.isNaN(value)) return style === 'text' ? 'NaN' : '\\text{NaN}';
  if (!Number.isFinite(value)) return `${value < 0 ? '−' : ''}${style === 'text' ? '∞' : '\\infty'}`;
  const digits = String(Number(value.toPrecision(12)));
  return style === 'text' ? digits.replaceAll('-', '−') : digits;
}

/** Numbers as in a textbook: three decimals, or three digits of smaller numbers. */
export function rounded(value: number): number {
  if (value === 0 || !Number.isFinite(value)) return value;
  const decimals = Number(value.toFixed(3));
  return decimals === 0 || Math.abs(value) < 0.1 ? Number(value.toPrecision(3)) : decimals;
}

/** Numbers or nested arrays of them; `shown` may round them first. */
export function formatValues(value: NestedNumbers, shown: (value: number) => number = Number): string {
  if (typeof value === 'number') return formatNumber(shown(value));
  return `[${value.map((item) => formatValues(item, shown)).join(', ')}]`;
}

const latexName = (name: string): string => {
  const [, letters, digits] = /^([\p{L}_.[\]]+?)_?(\d+)$/u.exec(name) ?? [];
  const word = letters ?? name;
  const base = [...word].length === 1 ? word : `\\mathit{${word.replaceAll('_', '\\_')}}`;
  return digits === undefined ? base : `${base}_{${digits}}`;
};

const SUPERSCRIPTS = '⁰¹²³⁴⁵⁶⁷⁸⁹';
const SUBSCRIPTS = '₀₁₂₃₄₅₆₇₈₉';

const raised = (value: number, digits: string, minus: string): string =>
  `${value < 0 ? minus : ''}${Array.from(String(Math.abs(value)), (digit) => digits[Number(digit)]).join('')}`;

const superscript = (value: number): string => raised(value, SUPERSCRIPTS, '⁻');
/** A whole number as an index: v₋₁. */
export const subscript = (value: number): string => raised(value, SUBSCRIPTS, '₋');
