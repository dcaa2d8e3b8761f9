/** Values that cross shards have the same bits for every division of the shards into blocks. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { planBlock, runBlocks } from '../../fixtures/blocks.ts';
import { composed, opsOf, steps } from '../../fixtures/programs.ts';
import { bitsOf, bytesOf, ordinary, positive, type Source } from '../../fixtures/values.ts';
import {
  allReduceSum,
  checkGrads,
  grad,
  type InAxis,
  jit,
  jvp,
  localMoments,
  overShards,
  shardMoments,
  sum,
  type Tensor,
  tensor,
  treeSum,
  valueAndGrad,
  vjp,
  vmap,
} from '../../index.ts';
import type { ConcreteTensor } from '../../tensor.ts';

type Fn = (...inputs: Tensor[]) => Tensor[];

const numShards = 8;
const rows = 3;

const drawn = (source: Source, seed: number): ConcreteTensor => source(seed) as ConcreteTensor;
const narrow = (x: Tensor): ConcreteTensor => x.cast('float32') as ConcreteTensor;

/** All rows of shard 5 are filling rows, and some of shard 7. */
const fillingRows = tensor(
  Array.from({ length: numShards }, (_, s) =>
    Array.from({ length: rows }, (_, r) => (s === 5 || s + r > 8 ? 0 : 1)),
  ),
);

const params = [ordinary([2, 4]), positive([4]), ordinary([4]), ordinary([4])].map((source, i) =>
  drawn(source, i),
);
const data = [
  drawn(ordinary([numShards, rows, 2]), 20),
  fillingRows as ConcreteTensor,
  drawn(ordinary([numShards, rows]), 21),
];
const inputs = [...params, ...data];
const axes: readonly InAxis[] = [null, null, null, null, 0, 0, 0];

/** A dense layer, batch norm over all rows of the step and a linear read-out; one weighted sum for each shard. */
function loss(
  w: Tensor,
  scale: Tensor,
  shift: Tensor,
  out: Tensor,
  x: Tensor,
  weights: Tensor,
  y: Tensor,
): Tensor {
  const h = x.matmul(w);
  const { count, mean, m2 } = shardMoments(h, weights);
  const deviation = m2.div(count).add(1e-3).sqrt();
  const normal = h.sub(mean).div(deviation).mul(scale).add(shift);
  return normal.tanh().matmul(out).sub(y).square().mul(weights).sum();
}

/** All that a step needs from the shards: loss, gradient and running statistics. */
const shardStep: Fn = (...args) => {
  const [value, gradients] = valueAndGrad(loss as (...xs: Tensor[]) => Tensor, [0, 1, 2, 3])(...args) as [
    Tensor,
    Tensor[],
  ];
  const { count, mean, m2 } = shardMoments(args[4]!.matmul(args[0]!), args[5]!);
  return [allReduceSum(value), ...gradients.map(allReduceSum), count, mean, m2];
};

const eager = (f: Fn, args: readonly Tensor[]): Tensor[] =>
  overShards(f, axes, (leaf) => `result ${leaf}`)(...args);

/** The same function on one shard that holds all rows. */
const alone = (f: Fn, args: readonly Tensor[]): Tensor[] =>
  f(...args.slice(0, 4), ...args.slice(4).map((x) => x.reshape([numShards * rows, ...x.shape.slice(2)])));

function expectClose(found: readonly Tensor[], expected: readonly Tensor[], tolerance: number): void {
  expect(found.map(({ shape }) => shape)).toEqual(expected.map(({ shape }) => shape));
  for (const [i, x] of found.entries()) {
    for (const [j, value] of x.data.entries()) {
      const other = expected[i]!.data[j]!;
      expect(Math.abs(value - other)).toBeLessThanOrEqual(tolerance * (1 + Math.abs(other)));
    }
  }
}

describe('a step of batch norm over shards', () => {
  const narrowInputs = inputs.map(narrow);
  const storages = narrowInputs.map(({ storage }) => storage);

  it('has the value and gradient of one shard with all rows', () => {
    expectClose(eager(shardStep, inputs), alone(shardStep, inputs), 1e-12);
  });
  it('has a gradient that finite differences confirm', () => {
    const value = (...weights: Tensor[]): Tensor =>
      alone((...xs) => [loss(...(xs as Parameters<typeof loss>))], [...weights, ...data])[0]!;
    checkGrads(value, params, { tolerance: 1e-5 });
  });
  it.each([1, 2, 4, 8])('has the same bits in %i blocks', (numBlocks) => {
    const whole = eager(shardStep, narrowInputs).map(({ data: elements }) => bytesOf(elements));
    for (const outputs of runBlocks(shardStep, storages, axes, numBlocks))
      expect(outputs.map(bytesOf)).toEqual(whole);
  });
  it('has the same bits compiled as eager', () => {
    const compiled = jit((...xs: Tensor[]) => eager(shardStep, xs));
    expect(compiled(...narrowInputs).map(bitsOf)).toEqual(eager(shardStep, narrowInputs).map(bitsOf));
  });
  it('needs three exchanges: moments, their cotangent, and the rest; the gradients of weights are fused products', () => {
    const plan = planBlock(shardStep, storages, axes);
    expect(plan.exchanges.map((buckets) => buckets.map(({ op, size }) => [op, size]))).toEqual([
      [['moments', 9]],
      [['sum', expect.any(Number)]],
      [['sum', expect.any(Number)]],
    ]);
    expect(opsOf(plan.program)).toContain('segmentedContraction');
  });
  it('has the same hash for all blocks of a size', () => {
    expect(planBlock(shardStep, storages, axes).hash).toBe(planBlock(shardStep, storages, axes).hash);
  });
});

describe('derivatives over shards', () => {
  const direction = params.map((_, i) => drawn(ordinary(params[i]!.shape), 40 + i));

  it('are the same forward and in reverse', () => {
    const forward: Fn = (...args) => {
      const [, tangent] = jvp(
        (...weights: Tensor[]) => loss(...([...weights, ...args.slice(4)] as Parameters<typeof loss>)),
        args.slice(0, 4),
        direction,
      );
      return [allReduceSum(tangent)];
    };
    const gradients = eager(shardStep, inputs).slice(1, 5);
    const product = gradients.reduce((total, g, i) => total + sum(g.mul(direction[i]!)).item(), 0);
    expect(eager(forward, inputs)[0]!.item()).toBeCloseTo(product, 11);
  });
  it('go on to second order', () => {
    const penalty: Fn = (...args) => {
      const norm = (w: Tensor): Tensor =>
        grad((v: Tensor) => loss(...([v, ...args.slice(1)] as Parameters<typeof loss>)))(w)
          .mul(direction[0]!)
          .sum();
      return [allReduceSum(grad(norm)(args[0]!))];
    };
    expectClose(eager(penalty, inputs), alone(penalty, inputs), 1e-10);
  });
  it('all-reduce the cotangent of a sum that every shard uses', () => {
    // The step's loss is Σ xₛ·(Σ xₜ) = (Σ x)², summed over the shards.
    const f = (x: Tensor): Tensor => x.mul(allReduceSum(x));
    const each = vmap(grad(f), { axisName: 'shard' })(tensor([1, 2, 3, 4]));
    expect(each.toArray()).toEqual([20, 20, 20, 20]);
    const pulled = vmap((x: Tensor) => vjp(f, x)[1](tensor(0.5))[0], { axisName: 'shard' })(
      tensor([1, 2, 3, 4]),
    );
    expect(pulled.toArray()).toEqual([10, 10, 10, 10]);
  });
  it('are refused around the shard axis instead of being zeros', () => {
    const total = (x: Tensor): Tensor =>
      overShards(
        (y: Tensor) => allReduceSum(y),
        [0],
        () => 'it',
      )(x);
    expect(() => grad(total)(tensor([1, 2]))).toThrow(/exchange: the axis over shards must be outermost/);
    const moment = (x: Tensor): Tensor =>
      overShards(
        (y: Tensor) => shardMoments(y, tensor([1])).mean.sum(),
        [0],
        () => 'it',
      )(x);
    expect(() => jvp(moment, [tensor([[[1]], [[2]]])], [tensor([[[1]], [[2]]])])).toThrow(
      /treeMoments: the axis over shards/,
    );
    expect(() => vmap(total)(tensor([[1, 2]]))).toThrow(/exchange: the axis over shards must be outermost/);
  });
});

describe('allReduceSum', () => {
  const reduced = (f: (x: Tensor) => Tensor) => overShards(f, [0], () => 'the value');
  it('adds along the tree', () => {
    const x = narrow(drawn(ordinary([8, 5]), 3));
    expect(bitsOf(reduced(allReduceSum)(x))).toBe(bitsOf(treeSum(x)));
  });
  it('counts a value that belongs to no shard once for each shard, in any number of blocks', () => {
    const x = narrow(drawn(ordinary([8, 2]), 3));
    const one = tensor(1, { dtype: 'float32' });
    expect(reduced(() => allReduceSum(one))(x).item()).toBe(8);
    const f: Fn = (y) => [allReduceSum(one), allReduceSum(y!.sum()), allReduceSum(allReduceSum(one))];
    for (const numBlocks of [1, 2, 8]) {
      for (const [count, , square] of runBlocks(f, [x.storage], [0], numBlocks))
        expect([count![0], square![0]]).toEqual([8, 64]);
    }
  });
  it('works on each example of a vmap inside a shard', () => {
    const x = drawn(ordinary([4, 3]), 3);
    expect(bitsOf(reduced((y) => vmap((v: Tensor) => allReduceSum(v.mul(2)))(y))(x))).toBe(
      bitsOf(treeSum(x.mul(2))),
    );
  });
  it('is the identity where there is one shard', () => {
    expect(allReduceSum(tensor([3, 4])).toArray()).toEqual([3, 4]);
    expect(jit(allReduceSum)(tensor([3, 4])).toArray()).toEqual([3, 4]);
  });
  it('needs a power of two', () => {
    expect(() => reduced(allReduceSum)(tensor([1, 2, 3]))).toThrow(
      /treeSum: the first axis of \[3\] must have a power of two/,
    );
  });
});

describe('shardMoments', () => {
  it('are the weighted moments of all rows', () => {
    const [x, weights] = [data[0]!, data[1]!];
    const { count, mean, m2 } = overShards(
      (y: Tensor, w: Tensor) => ({ ...shardMoments(y, w) }),
      [0, 0],
      () => 'it',
    )(x, weights);
    const used = x.reshape([-1, 2]).toArray() as number[][];
    const kept = used.filter((_, i) => weights.data[i] === 1);
    expect(count.item()).toBe(kept.length);
    for (const c of [0, 1]) {
      const average = kept.reduce((total, row) => total + row[c]!, 0) / kept.length;
      expect(mean.data[c]).toBeCloseTo(average, 13);
      expect(m2.data[c]).toBeCloseTo(
        kept.reduce((total, row) => total + (row[c]! - average) ** 2, 0),
        12,
      );
    }
  });
  it('reject weights that do not fit', () => {
    expect(() => shardMoments(tensor([[1, 2]]), tensor([1, 2]))).toThrow(
      /moments: the weights \[2\] must have one value for each row \[1\] of \[1, 2\]/,
    );
    expect(() => shardMoments(tensor([[1, 2]]), narrow(tensor([1])))).toThrow(
      /moments: element types differ/,
    );
  });
});

describe('localMoments', () => {
  it('are those of each shard alone', () => {
    const [x, weights] = [data[0]!, data[1]!];
    const shards = vmap((y: Tensor, w: Tensor) => ({ ...localMoments(y, w) }))(x, weights);
    for (let shard = 0; shard < x.shape[0]!; shard++) {
      const alone = shardMoments(x.at(shard), weights.at(shard));
      for (const name of ['count', 'mean', 'm2'] as const) {
        expect(shards[name].at(shard).data).toEqual(alone[name].data);
      }
    }
  });
  it('have right derivatives', () => {
    const x = data[0]!.at(0).cast('float64');
    const weights = data[1]!.at(0).cast('float64');
    checkGrads((y: Tensor) => localMoments(y, weights).mean, [x]);
    checkGrads((y: Tensor) => localMoments(y, weights).m2, [x]);
  });
});

describe('overShards', () => {
  it('refuses a result that differs between the shards, by name', () => {
    const f = overShards(
      (x: Tensor) => ({ total: allReduceSum(x), own: x.mul(2) }),
      [0],
      (leaf) => `result ${leaf}`,
    );
    expect(() => f(tensor([1, 2]))).toThrow(
      /result 0 differs between the 2 shards; reduce it with allReduceSum or shardMoments/,
    );
  });
  it('returns values that all shards agree on without the shard axis', () => {
    const f = overShards(
      (x: Tensor) => [allReduceSum(x), tensor(5)],
      [0],
      () => 'it',
    );
    expect(f(tensor([1, 2])).map((x) => x.toArray())).toEqual([3, 5]);
  });
});

describe('random programs over shards', () => {
  const given = [ordinary([4, 2, 4]), ordinary([4]), ordinary([4]), ordinary([2, 1]), ordinary([4, 4, 4])];
  const storages = given.map((source, i) => narrow(source(70 + i)).storage);
  const batched: readonly InAxis[] = [0, null, 0, null, 0];
  const expectOneResult = (f: Fn): void => {
    const [whole] = runBlocks(f, storages, batched, 1);
    const expected = whole!.map(bytesOf);
    for (const numBlocks of [2, 4])
      for (const outputs of runBlocks(f, storages, batched, numBlocks))
        expect(outputs.map(bytesOf)).toEqual(expected);
  };
  const options = { numRuns: process.env.LOCKSTEP_THOROUGH === '1' ? 100 : 40, seed: 5 };
  it('have one result in any number of blocks', () => {
    fc.assert(
      fc.property(steps, (list) =>
        expectOneResult((...xs) => composed(list, { shards: true })(...xs).map(allReduceSum)),
      ),
      options,
    );
  });
  it('have one gradient in any number of blocks', () => {
    const total =
      (f: Fn) =>
      (...xs: Tensor[]): Tensor =>
        f(...xs).reduce((sofar, y) => sofar.add(y.tanh().sum()), tensor(0, { dtype: 'float32' }));
    fc.assert(
      fc.property(steps, (list) =>
        expectOneResult((...xs) =>
          (grad(total(composed(list, { shards: true })), [1, 3])(...xs) as Tensor[]).map(allReduceSum),
        ),
      ),
      options,
    );
  });
});

describe('a group without weight', () => {
  it('has moments of zero and no slope', () => {
    const x = tensor([
      [[1], [2]],
      [[3], [5]],
    ]);
    const weights = tensor([
      [0, 0],
      [1, 1],
    ]);
    const energy = (row: Tensor, w: Tensor): Tensor => {
      const { mean, m2 } = shardMoments(row, w);
      return mean.add(m2).sum();
    };
    const slopes = vmap((row: Tensor, w: Tensor) => grad(energy)(row, w))(x, weights);
    expect(slopes.toArray()).toEqual([
      [[0], [0]],
      [[-1.5], [2.5]],
    ]);
  });
});
