/** A step has the same result whether its shards run together, in blocks, or as one whole batch. */
import {
  allReduceSum,
  type Instance,
  instantiate,
  overShards,
  planProgram,
  type Tensor,
  tensor,
  traceProgram,
  uniform,
  valueAndGradWithAux,
} from '@lockstep/autodiff';
import { referenceKernels } from '@lockstep/kernels';
import {
  avgPool,
  batchNorm,
  conv1d,
  conv2d,
  convTranspose2d,
  dense,
  depthwiseConv2d,
  dropout,
  flatten,
  globalAvgPool,
  groupNorm,
  gru,
  instanceNorm,
  type Layer,
  layerNorm,
  lstm,
  maxPool,
  parallel,
  positionalEmbedding,
  relu,
  residual,
  rmsNorm,
  sequential,
  softmaxCrossEntropy,
  spatialDropout,
  type TensorTree,
  transformerBlock,
  unflatten,
} from '@lockstep/nn';
import * as tree from '@lockstep/tree';
import { describe, expect, it } from 'vitest';
import { castTree, distance } from './reference.ts';

const numShards = 4;
const numRows = 3;
const key = tensor(Uint32Array.of(1, 2));

/** Inputs that differ between shards, stacked along the first axis. */
const batch = {
  x: uniform(key, [numShards, numRows, 6, 6, 2], -1, 2),
  y: tensor([0, 1, 2, 0, 1, 2, 0, 1, 2, 0, 1, 2], { dtype: 'int32', shape: [numShards, numRows] }),
  // Rows of weight 0 are padding; the last shard has only such rows.
  weights: tensor([1, 1, 1, 1, 1, 0, 1, 0, 0, 0, 0, 0], { dtype: 'float32', shape: [numShards, numRows] }),
  key: tensor(Uint32Array.of(1, 2, 3, 4, 5, 6, 7, 8), { shape: [numShards, 2] }),
};
type Batch = typeof batch;

const modelWith = (dropoutRate: number) =>
  sequential(
    sequential(conv2d(3, 3, { bias: false }), batchNorm(), relu, maxPool(2)),
    flatten,
    dropout(dropoutRate),
    dense(4),
    batchNorm(),
    dense(3),
  );

/** A model of each family, with its random layers. */
const models: Readonly<Record<string, Model>> = {
  'batch norm and dropout': erased(modelWith(0.5)),
  'ghost batch norm': erased(
    sequential(
      conv2d(3, 3),
      batchNorm({ ghost: true }),
      relu,
      flatten,
      dense(4),
      batchNorm({ ghost: true }),
      dense(3),
    ),
  ),
  'normalised within rows': erased(
    sequential(
      conv2d(4, 3),
      groupNorm(2),
      relu,
      depthwiseConv2d(3),
      instanceNorm(),
      flatten,
      dense(8),
      layerNorm(),
      dense(3),
    ),
  ),
  'transposed and residual': erased(
    sequential(
      residual(convTranspose2d(2, 3), spatialDropout(0.3)),
      parallel('concat', maxPool(3, { stride: 1, padding: 1 }), avgPool(3, { stride: 1, padding: 1 })),
      globalAvgPool,
      dense(3),
    ),
  ),
  transformer: erased(
    sequential(
      unflatten(12, 6),
      positionalEmbedding(12),
      transformerBlock(6, 2, { hidden: 8, causal: true, dropout: 0.3 }),
      rmsNorm(),
      globalAvgPool,
      dense(3),
    ),
  ),
  recurrent: erased(
    sequential(
      unflatten(4, 18),
      conv1d(4, 3),
      lstm(2, { layers: 2, bidirectional: true, dropout: 0.3 }),
      gru(4, { output: 'last' }),
      dense(3),
    ),
  ),
};

type Params = TensorTree;
type State = TensorTree;
type Model = Layer;

/** A layer whose trees are of no particular form. */
function erased<P, S>(layer: Layer<P, S>): Model {
  return layer as unknown as Model;
}

/** A shard's part of a step, with reductions over shards. */
function shardStep(model: Model) {
  return (params: Params, state: State, { x, y, weights, key: own }: Batch) => {
    const [[loss, next], grads] = valueAndGradWithAux((p: Params) => {
      const [logits, after] = model.apply(p, state, x, { training: true, key: own, weights });
      return [softmaxCrossEntropy()(logits, y).mul(weights.cast(logits.dtype)).sum(), after];
    })(params);
    const sums: tree.Tree<Tensor> = { loss, grads };
    return { sums: tree.map(allReduceSum, sums), state: next };
  };
}

const describeLeaf = (leaf: number): string => `result ${leaf}`;
const togetherOver = (model: Model) => overShards(shardStep(model), [null, null, 0], describeLeaf);

describe('a step over shards of unequal weight', () => {
  it('equals the step over the whole batch in float64', () => {
    const model = erased(modelWith(0));
    const initial = model.init(key, [6, 6, 2]);
    const params = castTree(initial.params, 'float64');
    const state = castTree(initial.state, 'float64');
    const shards = { ...batch, x: batch.x.cast('float64') };
    const whole = tree.map((leaf) => leaf.reshape([-1, ...leaf.shape.slice(2)]), {
      x: shards.x,
      y: shards.y,
      weights: shards.weights,
    });
    const expected = shardStep(model)(params, state, { ...whole, key });
    expect(distance(togetherOver(model)(params, state, shards), expected)).toBeLessThan(1e-12);
  });

  it.each(Object.entries(models))(
    'gives the same bits however the shards are split into blocks: %s',
    (_name, model) => {
      const { params, state } = model.init(key, [6, 6, 2]);
      const together = togetherOver(model)(params, state, batch);
      const expected = tree.flatten(together).leaves.map((leaf) => bytesOf(leaf.data));
      for (const shardsPerBlock of [4, 2, 1]) {
        for (const outputs of runInBlocks(model, params, state, shardsPerBlock)) {
          expect(outputs.map(bytesOf)).toEqual(expected);
        }
      }
    },
  );
});

/** Runs a compiled step block by block, exchanges partial results, and returns the outputs of every block. */
function runInBlocks(model: Model, params: Params, state: State, shardsPerBlock: number) {
  const numBlocks = numShards / shardsPerBlock;
  const kernels = referenceKernels();
  const ownOf = (block: number): Batch =>
    tree.map((leaf) => leaf.slice([block * shardsPerBlock], [(block + 1) * shardsPerBlock]), batch);
  const first = tree.flatten({ params, state, own: ownOf(0) });
  const plan = planProgram(
    traceProgram((...inputs) => {
      const args = tree.unflatten(first.structure, inputs) as { params: Params; state: State; own: Batch };
      return tree.flatten(togetherOver(model)(args.params, args.state, args.own)).leaves;
    }, first.leaves),
  );
  const results = plan.exchanges.map((buckets) => buckets.map(({ size }) => new Float32Array(size)));
  const blocks = Array.from({ length: numBlocks }, (_, block): Instance => {
    const inputs = tree.flatten({ params, state, own: ownOf(block) }).leaves.map(({ data }) => data);
    const buffer = new ArrayBuffer(plan.arenaBytes);
    return instantiate(plan, { kernels, buffer, byteOffset: 0, inputs, results });
  });
  for (let segment = 0; segment < blocks[0]!.numSegments; segment++) {
    for (const block of blocks) block.run(segment);
    for (const [bucket, { op, result }] of blocks[0]!.exchanges[segment]?.entries() ?? []) {
      const partials = blocks.flatMap((block) => [...block.exchanges[segment]![bucket]!.partial]);
      const all = Float32Array.from(partials);
      if (op === 'sum') kernels.treeSum(result, all, { segments: numBlocks, size: result.length });
      else kernels.treeMoments(result, all, { segments: numBlocks, channels: (result.length - 1) / 2 });
    }
  }
  return blocks.map((block) => block.outputs);
}

const bytesOf = (data: ArrayBufferView): Uint8Array =>
  new Uint8Array(data.buffer, data.byteOffset, data.byteLength).slice();
