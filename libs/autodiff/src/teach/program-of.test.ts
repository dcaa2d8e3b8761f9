/** Traced programs as formulas: symbolic differentiation of scalar functions, steps for arrays. */
import { describe, expect, it } from 'vitest';
import { checkpoint, forLoop, grad, programOf, type Tensor, tensor, where } from '../index.ts';
import { evaluateExpression } from './expression.ts';
import { formatExpression } from './notation.ts';

const f = (x1: Tensor, x2: Tensor): Tensor => x1.log().add(x1.mul(x2)).sub(x2.sin());

describe('programOf a function of scalars', () => {
  it('differentiates ln x1 + x1·x2 − sin x2 symbolically', () => {
    expect(String(programOf(f)(2, 5))).toBe(
      [
        'f(x1, x2)',
        '  f = x1 · x2 + ln(x1) − sin(x2)',
        '  ∂f/∂x1 = 1 / x1 + x2',
        '  ∂f/∂x2 = x1 − cos(x2)',
      ].join('\n'),
    );
  });
  it('writes LaTeX', () => {
    expect(programOf(f)(2, 5).toLatex()).toContain(
      '\\frac{\\partial f}{\\partial x_{1}} &= \\frac{1}{x_{1}} + x_{2}',
    );
  });
  const table: readonly [string, (...xs: Tensor[]) => Tensor, number[], string[]][] = [
    ['a constant', (x) => x!.sub(x!).add(3), [2], ['0']],
    ['x · x', (x) => x!.mul(x!), [2], ['2 · x']],
    ['a cubic', (x) => x!.mul(x!).mul(x!).sub(x!.mul(2)), [2], ['3 · x² − 2']],
    ['a quotient', (x, y) => x!.div(y!), [2, 3], ['1 / y', '−x / y²']],
    ['a root', (x) => x!.sqrt(), [2], ['0.5 / sqrt(x)']],
    ['exp(x)·sin(x)', (x) => x!.exp().mul(x!.sin()), [2], ['cos(x) · exp(x) + exp(x) · sin(x)']],
    ['tanh', (x) => x!.tanh(), [0.5], ['1 − tanh(x)²']],
    ['log(exp(x))', (x) => x!.exp().log(), [0.5], ['1']],
    ['the Gaussian', (x) => x!.square().neg().exp(), [0.5], ['−2 · x · exp(−x²)']],
  ];
  it.each(table)('%s: derivatives are readable and have the right values', (_what, g, at, expected) => {
    const program = (
      at.length === 1 ? programOf((x: Tensor) => g(x)) : programOf((x: Tensor, y: Tensor) => g(x, y))
    )(...(at as [number, number]));
    expect(program.derivatives.map(({ result }) => formatExpression(result))).toEqual(expected);
    const values = at.length === 1 ? { x: at[0]! } : { x: at[0]!, y: at[1]! };
    const exact = grad(
      g as (x: Tensor, y: Tensor) => Tensor,
      at.map((_, i) => i) as [0, 1],
    )(...(at as [number, number]));
    for (const [i, { result }] of program.derivatives.entries()) {
      expect(evaluateExpression(result, values).item()).toBeCloseTo(
        (exact as readonly Tensor[])[i]!.item(),
        13,
      );
    }
  });
  it('sees through checkpoint, and writes branches and loops unchanged', () => {
    const root = checkpoint((x: Tensor) => x.sqrt());
    expect(formatExpression(programOf((x: Tensor) => root(x))(2).derivatives[0]!.result)).toBe(
      '0.5 / sqrt(x)',
    );
    const larger = programOf((x: Tensor, y: Tensor) => where(x.greater(y), x, y))(2, 3);
    expect(larger.derivatives.map(({ result }) => formatExpression(result))).toEqual([
      'where(x > y, 1, 0)',
      'where(x > y, 0, 1)',
    ]);
    expect(larger.toLatex()).toContain('\\begin{cases} x & x > y');
    const power = programOf((x: Tensor) => forLoop(0, 5, (_i, y: Tensor) => y.mul(x), tensor(1)))(2);
    expect(String(power)).toContain('f = scan(x, 1)  {length 5}');
  });
  it('names inputs after the parameters, or x1, x2 … if the parameters are not plain', () => {
    const plain = programOf(function loss(weight: Tensor, bias: Tensor) {
      return weight.mul(bias);
    })(1, 2);
    expect(plain.inputs.map(({ name }) => name)).toEqual(['weight', 'bias']);
    const nested = programOf(({ w, b }: { w: Tensor; b: Tensor }, x: Tensor) => w.mul(x).add(b));
    const { inputs } = nested({ w: tensor(1), b: tensor(2) }, 3);
    expect(inputs.map(({ name }) => name)).toEqual(['x1.b', 'x1.w', 'x2']);
    expect(programOf((...xs: Tensor[]) => xs[0]!)(1).inputs[0]!.name).toBe('x');
  });
});

describe('programOf a function of arrays', () => {
  const loss = (w: Tensor, x: Tensor): Tensor => x.matmul(w).tanh().square().sum();
  const program = programOf(loss)(
    tensor([1, 2]),
    tensor([
      [1, 0],
      [0, 1],
      [1, 1],
    ]),
  );
  it('writes a step for each operation', () => {
    const [value] = program.values;
    expect(value!.steps.map(({ expression }) => formatExpression(expression))).toEqual([
      'reshape(w)',
      'x @ v1',
      'reshape(v2)',
      'tanh(v3)',
      'v4²',
      'sum(v5)',
    ]);
    expect(value!.steps.map(({ shape }) => shape)).toEqual([[2, 1], [3, 1], [3], [3], [3], []]);
    expect(String(program)).toContain('f(w: [2], x: [3, 2])');
  });
  it('has a derivative for each input', () => {
    expect(program.derivatives.map(({ name }) => name)).toEqual(['∂f/∂w', '∂f/∂x']);
    expect(program.derivatives[0]!.steps.length).toBeGreaterThan(5);
    expect(String(program)).toMatch(/xᵀ @ v\d+ +\[2, 1\]/);
    expect(program.toLatex()).toContain('\\tanh\\left(v_{3}\\right)');
  });
  it('has no derivative if the result is not a scalar or the input not a float', () => {
    expect(programOf((x: Tensor) => x.mul([1, 2]))(tensor([1, 2])).derivatives).toEqual([]);
    expect(programOf((x: Tensor) => x.sum())(tensor([1], { dtype: 'int32' })).derivatives).toEqual([]);
    expect(String(programOf((x: Tensor) => x.mul([1, 2]))(tensor([1, 2])))).toContain('x · [1, 2]');
  });
  it('refuses a branch on a value, as jit does', () => {
    const branch = (x: Tensor): Tensor => (x.item() > 0 ? x : x.neg());
    expect(() => programOf(branch)(1)).toThrow(/traced program has no value yet/);
  });
});
