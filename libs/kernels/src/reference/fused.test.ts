import { describe, expect, it } from 'vitest';
import { plain } from '../fixtures/random.ts';
import type { FusedAttrs, ReduceAttrs } from '../kernels.ts';
import { referenceKernels } from './index.ts';

const reference = referenceKernels();

describe('sums of a fused chain', () => {
  it.each<ReduceAttrs>([
    { outer: 1, size: 600, inner: 1 },
    { outer: 2, size: 150, inner: 2 },
    { outer: 600, size: 1, inner: 1 },
  ])('are those of reduce over %o', (sum) => {
    const [x, bias] = [plain(600), plain(3)];
    const operands = [
      { data: x, repeat: 1, period: 600 },
      { data: bias, repeat: 1, period: 3 },
    ];
    const chain: FusedAttrs = { instructions: [{ op: 'mul', args: [0, 1] }], outputs: [2] };
    const product = new Float32Array(600);
    reference.fused([product], operands, chain);
    const [repeated, together, ...sums] = [600, 600, ...[0, 1, 2].map(() => sum.outer * sum.inner)].map(
      (length) => new Float32Array(length),
    ) as [Float32Array, Float32Array, ...Float32Array[]];
    for (let i = 0; i < 600; i++) repeated[i] = bias[i % 3]!;
    reference.fused([sums[0]!, together, sums[1]!, sums[2]!], operands, {
      ...chain,
      outputs: [2, 2, 0, 1],
      sums: [sum, null, sum, sum],
    });
    expect(together).toEqual(product);
    for (const [i, values] of [product, x, repeated].entries()) {
      const expected = new Float32Array(sum.outer * sum.inner);
      reference.reduce('sum', expected, values, sum);
      expect(sums[i]).toEqual(expected);
    }
  });

  it('read an operand before an output overwrites it', () => {
    const [x, factor] = [plain(60), plain(60)];
    const sum = { outer: 3, size: 5, inner: 4 };
    const expected = new Float32Array(12);
    reference.reduce('sum', expected, x, sum);
    const operands = [x, factor].map((data) => ({ data, repeat: 1, period: 60 }));
    const total = new Float32Array(12);
    reference.fused([x, total], operands, {
      instructions: [{ op: 'mul', args: [0, 1] }],
      outputs: [2, 0],
      sums: [null, sum],
    });
    expect(total).toEqual(expected);
  });
});
