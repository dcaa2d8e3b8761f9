/** Batch norm against PyTorch, values and gradients. */
import { ones, valueAndGradWithAux, zeros } from '@lockstep/autodiff';
import { batchNorm } from '@lockstep/nn';
import { describe, expect, it } from 'vitest';
import { castTree, distance, precisions, readReference } from './reference.ts';

const reference = readReference('batchnorm');
const layer = batchNorm();

describe('batch norm over 13 rows', () => {
  for (const { dtype, suffix } of precisions) {
    it(`is PyTorch's in ${dtype}`, () => {
      const inputs = castTree(
        { x: reference('x'), gamma: reference('gamma'), beta: reference('beta') },
        dtype,
      );
      const state = castTree(
        { mean: reference('running/mean/initial'), variance: reference('running/variance/initial') },
        dtype,
      );
      const upstream = reference('upstream').cast(dtype);
      const context = { training: true, key: zeros([2], 'uint32'), weights: ones([inputs.x.shape[0]!]) };
      const [[, { output, next }], grads] = valueAndGradWithAux(({ x, gamma, beta }: typeof inputs) => {
        const [y, after] = layer.apply({ gamma, beta }, state, x, context);
        return [y.mul(upstream).sum(), { output: y, next: after }];
      })(inputs);
      const of = (name: string) => reference(`${name}${suffix}`);
      // One channel has a mean of 30 standard deviations, which costs float32 five bits.
      const tolerance = dtype === 'float64' ? 1e-12 : 1e-5;
      expect(distance(output, of('output'))).toBeLessThan(tolerance);
      expect(
        distance(next, { mean: of('running/mean/final'), variance: of('running/variance/final') }),
      ).toBeLessThan(tolerance);
      expect(distance(grads, { x: of('dx'), gamma: of('dgamma'), beta: of('dbeta') })).toBeLessThan(
        tolerance,
      );
    });
  }
});
