/** Matrix products: squares, and the products of an MLP's step. Compared with torch/gemm.py. */
import { createMemory } from '@lockstep/kernels';
import { kernelsOf, SCRATCH_BYTES } from '../kernels.mjs';
import { sample } from '../measure.mjs';

/** The number of shards of the batch, over which a kernel's gradient is summed. */
const SHARDS = 8;

/**
 * Products [m, k] · [k, n]. `layout` says how each side stores its operands: NN plain, NT with the second transposed, TN
 * with the first transposed. PyTorch stores a dense layer's kernel as [units, inputs], so its layouts differ. `dw` is the
 * gradient of a kernel: ours sums it over a tree of shards, as in training; PyTorch computes its transpose [units, inputs].
 */
const products = [
  ...[64, 128, 256, 512, 1024].map((size) => product(`matmul-${size}`, [size, size, size], 'NN', 'NN')),
  ...[32, 128, 1024].flatMap((batch) => [
    product(`forward-${batch}`, [batch, 784, 512], 'NN', 'NT'),
    product(`dw-${batch}`, [784, batch, 512], 'TN', 'TN'),
    product(`dx-${batch}`, [batch, 256, 512], 'NT', 'NN'),
  ]),
  product('head-128', [128, 256, 10], 'NN', 'NT'),
];

function product(name, shape, layout, torchLayout) {
  return { name, shape, layout, torchLayout };
}

export const matmulGroup = {
  name: 'matmul',
  rows: products.map(({ name, shape: [m, k, n] }) => ({
    name,
    what: `[${m}, ${k}] × [${k}, ${n}]`,
    amount: 2e-9 * m * k * n,
    unit: 'GFLOP/s',
  })),
  contestants: {
    ours: {
      measure: ({ profile, seconds }) =>
        Object.fromEntries(
          products.map((each) => [each.name, sample(bind(each, profile), seconds / products.length)]),
        ),
    },
    torch: { python: ['gemm.py', ...products.map(torchArgument)] },
  },
};

function torchArgument({ name, shape: [m, k, n], layout, torchLayout }) {
  const shape = layout === 'TN' ? [n, k, m] : [m, k, n];
  return [name, ...shape, torchLayout].join(',');
}

/** A call of the kernel on its own arrays. */
function bind({ shape: [m, k, n], layout }, profile) {
  const memory = createMemory(SCRATCH_BYTES + 4 * (m * k + k * n + m * n));
  const kernels = kernelsOf({ profile, memory });
  let offset = SCRATCH_BYTES;
  const take = (length) => {
    const array = new Float32Array(memory.buffer, offset, length).fill(0.5);
    offset += array.byteLength;
    return array;
  };
  const [a, b, out] = [m * k, k * n, m * n].map(take);
  if (layout === 'TN') {
    const attrs = { segments: SHARDS, rows: k / SHARDS, m, n };
    return () => kernels.segmentedContraction(out, a, b, attrs);
  }
  const attrs = {
    ...{ batch: 1, m, n, k, batchA: false, batchB: false },
    ...{ transposeA: false, transposeB: layout === 'NT' },
  };
  return () => kernels.matmul(out, a, b, attrs);
}
