/** Activations are fast (one fused kernel) and accurate in float32, also at large magnitudes. */
import { describe, expect, it } from 'vitest';
import {
  celu,
  clip,
  elu,
  expm1,
  gelu,
  hardSigmoid,
  hardSwish,
  hardTanh,
  isFinite as isFiniteElement,
  jit,
  leakyRelu,
  log1p,
  logSigmoid,
  mish,
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
} from '../../index.ts';

const aval = { dtype: 'float32', shape: [5] } as const;

describe('activations', () => {
  it.each<[string, (x: Tensor) => Tensor]>([
    ['celu', (x) => celu(x, 2)],
    ['clip', (x) => clip(x, -1, 1)],
    ['elu', (x) => elu(x)],
    ['expm1', expm1],
    ['gelu', (x) => gelu(x)],
    ['gelu by tanh', (x) => gelu(x, { approximate: 'tanh' })],
    ['hardSigmoid', hardSigmoid],
    ['hardSwish', hardSwish],
    ['hardTanh', (x) => hardTanh(x)],
    ['isFinite', isFiniteElement],
    ['leakyRelu', (x) => leakyRelu(x)],
    ['log1p', log1p],
    ['logSigmoid', logSigmoid],
    ['mish', mish],
    ['nanToNum', (x) => nanToNum(x)],
    ['relu6', relu6],
    ['selu', selu],
    ['silu', silu],
    ['softplus', softplus],
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
  ])('%s is accurate in float32', (_name, f, expected) => {
    const found = f(tensor(far)).data;
    for (const [i, x] of far.entries()) {
      const wanted = expected(x);
      expect(Math.abs(found[i]! - wanted)).toBeLessThanOrEqual(6 * 2 ** -24 * Math.abs(wanted) + 1e-40);
    }
  });

  const magnitudes = Array.from({ length: 600 }, (_, i) => 1.2 ** (i / 2 - 200)).filter((x) => x < 87);
  const both = [...magnitudes, ...magnitudes.map((x) => -x)];
  it.each<[string, (x: Tensor) => Tensor, (x: number) => number, number, readonly number[]]>([
    ['softplus', softplus, (x) => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x))), 3, both],
    ['log1p', log1p, Math.log1p, 3, both.filter((x) => x > -1)],
    ['expm1', expm1, Math.expm1, 5, both],
  ])(
    '%s has at most its stated error in units of the last place, and jit has the same bits',
    (_name, f, exact, ulps, at) => {
      const x = tensor(Float32Array.from(at));
      const found = f(x);
      for (const [i, value] of x.data.entries()) {
        const wanted = exact(value);
        // The unit of float32's last place: 2⁻²³ times the power of two below the value, and at least the smallest
        // denormal.
        const unit = Math.max(2 ** (Math.floor(Math.log2(Math.abs(wanted))) - 23), 2 ** -149);
        expect(Math.abs(found.data[i]! - wanted) / unit, `at ${value}`).toBeLessThanOrEqual(ulps);
      }
      expect(jit(f)(x).data).toEqual(found.data);
    },
  );
  it('have the limits of their functions', () => {
    const at = (f: (x: Tensor) => Tensor, ...xs: number[]): number[] => [
      ...f(tensor(Float32Array.from(xs))).data,
    ];
    const { NaN: nan, POSITIVE_INFINITY: infinity } = Number;
    expect(at(log1p, -0, -1, -2, infinity, nan)).toEqual([-0, -infinity, nan, infinity, nan]);
    expect(at(expm1, -0, -infinity, infinity, nan)).toEqual([-0, -1, infinity, nan]);
    expect(at(softplus, -infinity, infinity, nan, -100)).toEqual([
      0,
      infinity,
      nan,
      Math.fround(Math.exp(-100)),
    ]);
  });
});
