/** Activations are quick (one fused kernel) and accurate in float32, far out too. */
import { describe, expect, it } from 'vitest';
import {
  celu,
  clip,
  elu,
  gelu,
  hardSigmoid,
  hardSwish,
  hardTanh,
  isFinite as isFiniteElement,
  leakyRelu,
  nanToNum,
  planProgram,
  relu6,
  selu,
  silu,
  softplus,
  softsign,
  type Tensor,
  tan,
  tensor,
  traceProgram,
  trunc,
} from '../index.ts';

const aval = { dtype: 'float32', shape: [5] } as const;

describe('activations', () => {
  it.each<[string, (x: Tensor) => Tensor]>([
    ['celu', (x) => celu(x, 2)],
    ['clip', (x) => clip(x, -1, 1)],
    ['elu', (x) => elu(x)],
    ['gelu', (x) => gelu(x)],
    ['gelu by tanh', (x) => gelu(x, { approximate: 'tanh' })],
    ['hardSigmoid', hardSigmoid],
    ['hardSwish', hardSwish],
    ['hardTanh', (x) => hardTanh(x)],
    ['isFinite', isFiniteElement],
    ['leakyRelu', (x) => leakyRelu(x)],
    ['nanToNum', (x) => nanToNum(x)],
    ['relu6', relu6],
    ['selu', selu],
    ['silu', silu],
    ['softsign', softsign],
    ['tan', tan],
    ['trunc', trunc],
  ])('%s is one kernel', (_name, f) => {
    const { program } = planProgram(traceProgram((x) => [f(x)], [aval]));
    expect(program.equations.map(({ primitive }) => primitive)).toEqual(['fused']);
  });

  const far = Float32Array.from([-100, -30, -10, -3, -1, -0.1, -1e-5, 1e-5, 0.1, 1, 3, 10, 30, 100]);
  it.each<[string, (x: Tensor) => Tensor, (x: number) => number]>([
    ['elu', (x) => elu(x), (x) => (x > 0 ? x : Math.expm1(x))],
    ['softplus', softplus, (x) => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)))],
    ['silu', silu, (x) => x / (1 + Math.exp(-x))],
  ])('%s has its digits in float32', (_name, f, expected) => {
    const found = f(tensor(far)).data;
    for (const [i, x] of far.entries()) {
      const wanted = expected(x);
      expect(Math.abs(found[i]! - wanted)).toBeLessThanOrEqual(6 * 2 ** -24 * Math.abs(wanted) + 1e-40);
    }
  });
});
