/** Descriptions of plans, with costs counted by hand. */
import { describe, expect, it } from 'vitest';
import { type Aval, conv2d, describePlan, grad, planProgram, type Tensor, traceProgram } from '../index.ts';

type Fn = (...inputs: Tensor[]) => Tensor[];
const float = (...shape: number[]): Aval => ({ dtype: 'float32', shape });
const described = (f: Fn, inputs: readonly Aval[], names?: readonly string[]) =>
  describePlan(planProgram(traceProgram(f, inputs)), names);

describe('describePlan', () => {
  it('names inputs, constants and the steps of fused equations', () => {
    const f: Fn = (x, w, b) => [x!.matmul(w!).add(b!).mul(0.5).relu().reshape([12])];
    const plan = described(f, [float(4, 2), float(2, 3), float(3)], ['x', 'weights', 'bias']);
    expect(plan).toMatchObject({ numTraced: 7, numRun: 2, numFusedSteps: 3, flops: 2 * 4 * 3 * 2 + 3 * 12 });
    expect(plan.inputs.map(({ name, shape }) => [name, shape])).toEqual([
      ['x', [4, 2]],
      ['weights', [2, 3]],
      ['bias', [3]],
    ]);
    const [matmul, fused] = plan.segments[0]!.equations;
    expect(matmul).toMatchObject({
      op: 'matmul',
      inputs: ['x', 'weights'],
      flops: 48,
      bytes: 4 * (8 + 6 + 12),
      steps: [],
    });
    const [product] = matmul!.outputs;
    const [result] = fused!.outputs;
    expect(fused).toMatchObject({ op: 'fused', flops: 36, bytes: 4 * (12 + 3 + 1 + 12) });
    expect(fused!.steps).toEqual([
      `t0 = add ${product!.name} bias`,
      't1 = mul t0 0.5',
      `${result!.name} = relu t1`,
    ]);
  });

  it.each<[string, Fn, readonly Aval[], number]>([
    ['transposed products', (a, b) => [a!.matmul(b!, { transposeA: true })], [float(5, 2), float(5, 3)], 60],
    ['sums', (x) => [x!.sum()], [float(3, 4)], 12],
    ['movement', (x) => [x!.transpose()], [float(3, 4)], 0],
    [
      'convolutions and their gradients',
      (x, k) => [...grad((a: Tensor, b: Tensor) => conv2d(a, b).sum(), [0, 1])(x!, k!)],
      [float(1, 4, 4, 2), float(3, 3, 2, 5)],
      // Both gradients take as many operations as the convolution. The convolution itself is not needed.
      2 * (2 * 16 * 9 * 2 * 5),
    ],
  ])('counts operations of %s', (_what, f, inputs, flops) => {
    expect(described(f, inputs).flops).toBe(flops);
  });
});
