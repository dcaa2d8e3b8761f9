/** A step works in one copy of the replica: it overwrites what it has read and loses nothing. */
import {
  instantiate,
  keyTensor,
  normal,
  type Plan,
  planProgram,
  runAlone,
  type Tensor,
  traceProgram,
} from '@lockstep/autodiff';
import { fromArrays } from '@lockstep/data';
import { createKernels, createMemory, MIN_SCRATCH_BYTES } from '@lockstep/kernels';
import { dense, type Layer, l2, relu, sequential, softmaxCrossEntropy } from '@lockstep/nn';
import {
  accumulateGradients,
  adam,
  adamw,
  amsgrad,
  applyUpdates,
  chain,
  clipByGlobalNorm,
  emaParams,
  type GradientTransformation,
  lamb,
  lion,
  lookahead,
  nadam,
  rmsprop,
  sgd,
  skipNonFinite,
  swaParams,
} from '@lockstep/optim';
import { bytesPerElement, type DType, sizeOf, type TypedArray, viewOf } from '@lockstep/tensor';
import { flatten, unflatten } from '@lockstep/tree';
import { describe, expect, it } from 'vitest';
import { defineExperiment } from './define-experiment.ts';
import { trainLocally } from './local.ts';
import { compilePrograms } from './programs.ts';
import { resolveConfig } from './resolve-config.ts';

const data = fromArrays(
  {
    x: Array.from({ length: 24 }, (_, i) => [(i % 3) / 2, (i % 5) / 4, (i % 7) / 6]),
    y: Array.from({ length: 24 }, (_, i) => i % 3),
  },
  { name: 'remainders', dtypes: { y: 'int32' } },
);

/** Indices of outputs that are computed in another place and copied. */
function copiedIn({ program, places, numInPlace }: Plan): number[] {
  return program.outputs.flatMap((variable, index) => {
    const place = places.get(variable);
    const kind = index < numInPlace ? 'input' : 'output';
    return place?.kind === kind && place.index === index ? [] : [index];
  });
}

async function updateOf(optimizer: GradientTransformation): Promise<Plan> {
  const experiment = defineExperiment({
    data,
    model: sequential(dense(40), relu, dense(3)),
    loss: softmaxCrossEntropy(),
    penalty: l2(1e-3),
    optimizer,
    batch: { size: 8, shards: 2 },
  });
  return compilePrograms(experiment, await data.load(), resolveConfig(experiment), 10).update;
}

describe('an update needs no copy', () => {
  it.each<[string, GradientTransformation]>([
    ['plain descent', sgd(0.1)],
    ['momentum', sgd(0.1, { momentum: 0.9, nesterov: true, weightDecay: 1e-3 })],
    ['Adam', adam(1e-3)],
    ['Adam behind clipping, with decay', chain(clipByGlobalNorm(1), adamw(1e-3))],
  ])('of %s', async (_name, optimizer) => {
    const plan = await updateOf(optimizer);
    // The other two outputs are the guard's numbers and the step's metrics.
    expect(plan.numInPlace).toBe(plan.program.outputs.length - 2);
    expect(copiedIn(plan)).toEqual([]);
  });
});

const optimizers: Readonly<Record<string, GradientTransformation>> = {
  ...{ sgd: sgd(0.1, { momentum: 0.9 }), adam: adam(0.01), amsgrad: amsgrad(0.01), nadam: nadam(0.01) },
  ...{ rmsprop: rmsprop(0.01, { centered: true, momentum: 0.9 }), lion: lion(0.01), lamb: lamb(0.01) },
  averages: chain(adam(0.01), emaParams({ decay: 0.9 }), swaParams({ start: 1, every: 2 })),
  lookahead: lookahead(adam(0.01), { every: 2 }),
  accumulation: accumulateGradients(3, adam(0.01)),
  skipping: skipNonFinite(adam(0.01)),
  // Keeps the parameters and the gradient of the previous step, and two numbers that change places.
  memory: {
    init(params) {
      const { leaves } = flatten(params);
      return { params, grads: params, a: leaves[0]!, b: leaves[0]!.mul(2) };
    },
    update(grads, state, params) {
      const { a, b } = state as Record<string, Tensor>;
      return [grads, { params, grads, a: b, b: a }];
    },
  },
};

const drawn = (shape: readonly number[], seed: number): Tensor => normal(keyTensor(seed), shape);

/** Allocates consecutive views of a memory. */
function taker(memory: ReturnType<typeof createMemory>) {
  let end = MIN_SCRATCH_BYTES;
  return (dtype: DType, size: number): TypedArray => {
    const start = end;
    end = Math.ceil((start + size * bytesPerElement(dtype)) / 64) * 64;
    return viewOf(dtype, memory.buffer, start, size);
  };
}

describe.each(Object.entries(optimizers))('%s in place', (_name, optimizer) => {
  it('gives the bits of updates between separate memories', () => {
    const shapes = [[37, 41], [41], []];
    const { leaves, structure } = flatten(shapes.map((shape, i) => drawn(shape, i)));
    const start = flatten(optimizer.init(unflatten(structure, leaves)));
    const state = start.leaves;
    const numParams = leaves.length;
    const numMoved = numParams + state.length;
    const program = traceProgram(
      (...inputs) => {
        const params = unflatten(structure, inputs.slice(0, numParams));
        const grads = unflatten(structure, inputs.slice(numMoved, numMoved + numParams));
        const step = inputs.at(-1)!;
        const opt = unflatten(start.structure, inputs.slice(numParams, numMoved));
        const progress = { step, totalSteps: 4, loss: step.add(1), samples: step.add(2) };
        const [updates, next] = optimizer.update(grads, opt, params, progress);
        return [...flatten(applyUpdates(params, updates)).leaves, ...flatten(next).leaves];
      },
      [...leaves, ...state, ...leaves, { dtype: 'float32', shape: [] }],
    );
    const final = [0, numMoved].map((numInPlace) => {
      const plan = planProgram(program, { outputs: 'given', numInPlace });
      const memory = createMemory(1 << 22);
      const take = taker(memory);
      const kernels = createKernels({ memory, scratchOffset: 0, scratchBytes: MIN_SCRATCH_BYTES });
      const { byteOffset } = take('bool', plan.arenaBytes);
      const inputs = program.avals
        .slice(0, program.numInputs)
        .map(({ dtype, shape }) => take(dtype, sizeOf(shape)));
      for (const [i, { data }] of [...leaves, ...state].entries()) inputs[i]!.set(data);
      const outputs = program.avals
        .slice(numInPlace, numMoved)
        .map(({ dtype, shape }) => take(dtype, sizeOf(shape)));
      const instance = instantiate(plan, {
        ...{ kernels, buffer: memory.buffer, byteOffset },
        ...{ inputs, outputs, results: [] },
      });
      for (let step = 0; step < 4; step++) {
        for (let i = 0; i < numParams; i++) inputs[numMoved + i]!.set(drawn(shapes[i]!, 7 * step + i).data);
        inputs.at(-1)![0] = step;
        runAlone(instance);
        for (const [i, output] of instance.outputs.entries())
          if (output !== inputs[i]) inputs[i]!.set(output);
      }
      return inputs.slice(0, numMoved).map((array) => array.slice());
    });
    expect(final[1]).toEqual(final[0]);
  });
});

/** A layer whose state is two arrays that change places in every step, and the parameters that the step has read. */
const remembering: Layer = {
  kind: 'remembering',
  init: (key, input) => {
    const w = normal(key, [3]);
    return { params: { w }, state: { a: w.add(1), b: w.add(2), before: w.mul(0) }, output: input };
  },
  apply: (params, state, x, { training }) => {
    const { w } = params as { w: Tensor };
    const { a, b } = state as { a: Tensor; b: Tensor };
    return [x.mul(w), training ? { a: b, b: a, before: w } : state];
  },
};

describe('the state of a model', () => {
  const after = async (steps: number): Promise<Record<string, TypedArray>> => {
    const experiment = defineExperiment({
      data,
      model: sequential(remembering),
      loss: softmaxCrossEntropy(),
      optimizer: sgd(0.1, { momentum: 0.9 }),
      batch: { size: 8, shards: 4 },
    });
    const dataset = await data.load();
    const ranges = [
      { start: 0, count: 3 },
      { start: 3, count: 1 },
    ];
    const run = trainLocally({ experiment, dataset, config: resolveConfig(experiment, { steps }), ranges });
    return Object.fromEntries(run.variables.map(({ name }, i) => [name, run.arrays[i]!]));
  };
  it('may depend on itself and on parameters that the update overwrites', async () => {
    const runs = await Promise.all([1, 2, 3, 4].map(after));
    for (const [i, now] of runs.slice(1).entries()) {
      const then = runs[i]!;
      expect(now['0/a']).not.toEqual(now['0/b']);
      expect(now).toEqual({
        ...{ '0/w': expect.not.toSatisfy((w: TypedArray) => w.join() === then['0/w']!.join()) },
        ...{ '0/a': then['0/b'], '0/b': then['0/a'], '0/before': then['0/w'] },
      });
    }
  });
});
