/** The tables of the literature, number by number, and those of functions with arrays. */
import { describe, expect, it } from 'vitest';
import { checkpoint, explainTrace, grad, type Tensor, tensor } from '../index.ts';
import type { TraceRow } from './explain-table.ts';

const f = (x1: Tensor, x2: Tensor): Tensor => x1.log().add(x1.mul(x2)).sub(x2.sin());
const explained = explainTrace(f, 2, 5);

const numbersOf = (rows: readonly TraceRow[]): string =>
  rows.map(({ value }) => Number((value as number).toFixed(3))).join(' ');
const symbolsOf = (rows: readonly TraceRow[]): string[] => rows.map(({ variable }) => variable);

describe('ln x₁ + x₁x₂ − sin x₂ at (2, 5), as in Baydin et al. (2018), tables 2 and 3', () => {
  it('has the evaluation trace of the literature', () => {
    expect(symbolsOf(explained.values)).toEqual(['v₋₁', 'v₀', 'v₁', 'v₂', 'v₃', 'v₄', 'v₅']);
    expect(numbersOf(explained.values)).toEqual('2 5 0.693 10 -0.959 10.693 11.652');
    expect(explained.values.slice(2).map(({ formula }) => formula)).toEqual([
      'ln(v₋₁)',
      'v₋₁ · v₀',
      'sin(v₀)',
      'v₁ + v₂',
      'v₄ − v₃',
    ]);
  });
  it('has its tangents along each input', () => {
    const [by1, by2] = explained.tangents;
    expect([by1!.by, by2!.by]).toEqual(['x1', 'x2']);
    expect(numbersOf(by1!.rows)).toEqual('1 0 0.5 5 0 5.5 5.5');
    expect(numbersOf(by2!.rows)).toEqual('0 1 0 2 0.284 2 1.716');
    expect(by1!.rows[3]).toMatchObject({ formula: 'v₀ · ∂v₋₁ + v₋₁ · ∂v₀', numbers: '5 × 1 + 2 × 0' });
  });
  it('has its adjoints, in the order of the reverse pass', () => {
    expect(symbolsOf(explained.adjoints)).toEqual(['v̄₅', 'v̄₄', 'v̄₃', 'v̄₁', 'v̄₂', 'v̄₀', 'v̄₋₁', 'v̄₀', 'v̄₋₁']);
    expect(numbersOf(explained.adjoints)).toEqual('1 1 -1 1 1 -0.284 5 1.716 5.5');
    expect(explained.adjoints[4]).toMatchObject({
      formula: 'v̄₄ · ∂v₄/∂v₂',
      worked: 'v̄₄ · 1',
      numbers: '1 × 1',
    });
    expect(explained.adjoints[7]).toMatchObject({
      formula: 'v̄₀ + v̄₂ · ∂v₂/∂v₀',
      worked: 'v̄₀ + v̄₂ · v₋₁',
      numbers: '−0.284 + 1 × 2',
    });
    expect(explained.gradient.map(({ value }) => value)).toEqual(grad(f, [0, 1])(2, 5).map(Number));
  });
  it('prints', () => {
    expect(String(explained)).toBe(`y = f(x1, x2) at x1 = 2, x2 = 5

Values
  v₋₁ = x1                           = 2
  v₀  = x2                           = 5
  v₁  = ln(v₋₁)  = ln(2)             = 0.693
  v₂  = v₋₁ · v₀ = 2 × 5             = 10
  v₃  = sin(v₀)  = sin(5)            = −0.959
  v₄  = v₁ + v₂  = 0.693 + 10        = 10.693
  v₅  = v₄ − v₃  = 10.693 − (−0.959) = 11.652

Forward mode: tangents ∂v = ∂v/∂x1
  ∂v₋₁                                         = 1
  ∂v₀                                          = 0
  ∂v₁  = 1 / v₋₁ · ∂v₋₁        = 1 / 2 × 1     = 0.5
  ∂v₂  = v₀ · ∂v₋₁ + v₋₁ · ∂v₀ = 5 × 1 + 2 × 0 = 5
  ∂v₃  = cos(v₀) · ∂v₀         = cos(5) × 0    = 0
  ∂v₄  = ∂v₁ + ∂v₂             = 0.5 + 5       = 5.5
  ∂v₅  = ∂v₄ − ∂v₃             = 5.5 − 0       = 5.5

Forward mode: tangents ∂v = ∂v/∂x2
  ∂v₋₁                                         = 0
  ∂v₀                                          = 1
  ∂v₁  = 1 / v₋₁ · ∂v₋₁        = 1 / 2 × 0     = 0
  ∂v₂  = v₀ · ∂v₋₁ + v₋₁ · ∂v₀ = 5 × 0 + 2 × 1 = 2
  ∂v₃  = cos(v₀) · ∂v₀         = cos(5) × 1    = 0.284
  ∂v₄  = ∂v₁ + ∂v₂             = 0 + 2         = 2
  ∂v₅  = ∂v₄ − ∂v₃             = 2 − 0.284     = 1.716

Reverse mode: adjoints v̄ = ∂y/∂v
  v̄₅     = ∂y/∂y                                                       = 1
  v̄₄     = v̄₅ · ∂v₅/∂v₄        = v̄₅ · 1               = 1 × 1          = 1
  v̄₃     = v̄₅ · ∂v₅/∂v₃        = v̄₅ · (−1)            = 1 × (−1)       = −1
  v̄₁     = v̄₄ · ∂v₄/∂v₁        = v̄₄ · 1               = 1 × 1          = 1
  v̄₂     = v̄₄ · ∂v₄/∂v₂        = v̄₄ · 1               = 1 × 1          = 1
  v̄₀     = v̄₃ · ∂v₃/∂v₀        = v̄₃ · cos(v₀)         = (−1) × 0.284   = −0.284
  v̄₋₁    = v̄₂ · ∂v₂/∂v₋₁       = v̄₂ · v₀              = 1 × 5          = 5
  v̄₀     = v̄₀ + v̄₂ · ∂v₂/∂v₀   = v̄₀ + v̄₂ · v₋₁        = −0.284 + 1 × 2 = 1.716
  v̄₋₁    = v̄₋₁ + v̄₁ · ∂v₁/∂v₋₁ = v̄₋₁ + v̄₁ · (1 / v₋₁) = 5 + 1 × 0.5    = 5.5
  ∂y/∂x1 = v̄₋₁                                                         = 5.5
  ∂y/∂x2 = v̄₀                                                          = 1.716`);
  });
});

describe('explainTrace', () => {
  const neuron = (w: Tensor, b: Tensor): Tensor => w.mul([1, -2]).sum().add(b).sigmoid();
  const at = [tensor([0.5, 0.25]), tensor(0.1)] as const;

  it('takes small arrays: a column of tangents for each element', () => {
    const { tangents, gradient, values } = explainTrace(neuron, ...at);
    expect(tangents.map(({ by }) => by)).toEqual(['w[0]', 'w[1]', 'b']);
    const expected = grad(neuron, [0, 1])(...at);
    expect(gradient.map(({ value }) => value)).toEqual(expected.map((x) => x.toArray()));
    expect(tangents.map(({ rows }) => rows.at(-1)!.value)).toEqual([...expected[0].data, expected[1].item()]);
    expect(values[2]).toMatchObject({ formula: 'v₋₁ · [1, −2]', value: [0.5, -0.5], numbers: '' });
  });
  it('names the elements of a matrix', () => {
    const { tangents } = explainTrace(
      (m: Tensor) => m.square().sum(),
      tensor([
        [1, 2, 3],
        [4, 5, 6],
      ]),
    );
    expect(tangents.map(({ by }) => by)).toEqual([
      'm[0, 0]',
      'm[0, 1]',
      'm[0, 2]',
      'm[1, 0]',
      'm[1, 1]',
      'm[1, 2]',
    ]);
    expect(tangents[5]!.rows.at(-1)!.value).toBe(12);
  });
  it('follows branches and loops over values, unlike a trace of shapes', () => {
    const halved = (x: Tensor): Tensor => (x.item() > 1 ? halved(x.mul(0.5)) : x.square());
    const { values, gradient } = explainTrace(halved, 5);
    expect(values.map(({ value }) => value)).toEqual([5, 2.5, 1.25, 0.625, 0.390625]);
    expect(gradient[0]!.value).toBe(2 * 0.625 * 0.125);
  });
  it('shows an operation made of functions as one step', () => {
    const root = checkpoint((x: Tensor) => x.sqrt());
    const { values, tangents, gradient } = explainTrace((x: Tensor) => root(x).mul(x), 4);
    expect(values[1]).toMatchObject({ formula: 'checkpoint(v₀)', value: 2 });
    expect(tangents[0]!.rows[1]).toMatchObject({
      formula: '∂v₁/∂v₀ · ∂v₀',
      numbers: '0.25 × 1',
      value: 0.25,
    });
    expect(gradient[0]!.value).toBe(3);
  });
  it('shows where no derivative flows', () => {
    const stopped = explainTrace((x: Tensor) => x.stopGradient().mul(x), 3);
    expect(stopped.gradient[0]!.value).toBe(3);
    const constant = explainTrace((_x: Tensor) => tensor(7), 3);
    expect(constant.adjoints).toEqual([]);
    expect(constant.gradient[0]!.value).toBe(0);
  });
  it('names what it cannot show', () => {
    expect(() => explainTrace((x: Tensor) => x.mul(2), tensor([1, 2]))).toThrow(
      /must return a scalar, not \[2\]/,
    );
    expect(() => explainTrace((x: Tensor) => x.sum(), tensor(new Float64Array(17)))).toThrow(/17 elements/);
  });
});
