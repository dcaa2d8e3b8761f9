/** Plans: segments, and places in memory that no two live values share. */
import { referenceKernels } from '@lockstep/kernels';
import { allocate, bytesPerElement, type Shape, sizeOf, type TypedArray } from '@lockstep/tensor';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { planBlock } from '../fixtures/blocks.ts';
import { composed, opsOf, steps } from '../fixtures/programs.ts';
import { bytesOf, ordinary } from '../fixtures/values.ts';
import {
  type Aval,
  allReduceSum,
  bind,
  type InAxis,
  type Instance,
  instantiate,
  overShards,
  type Plan,
  planProgram,
  primitiveNamed,
  runAlone,
  shardMoments,
  type Tensor,
  tensor,
  traceProgram,
  valueAndGrad,
} from '../index.ts';
import type { ConcreteTensor } from '../tensor.ts';
import { isAlias, mayWriteOver } from './equation.ts';

/** Memory in use: the variable, and the first and last equation that need it. */
interface Holding {
  readonly variable: number;
  readonly from: number;
  to: number;
  readonly start: number;
  readonly end: number;
}

/**
 * The memory that each variable holds in the arena, computed from the definition of liveness and not from the planner's
 * own data.
 */
function holdings({ program, segments, places }: Plan): Holding[] {
  const order = segments.flat();
  const { length } = order;
  const held = new Map<number, Holding>();
  const rootOf = new Map<number, number>();
  const root = (variable: number): number => rootOf.get(variable) ?? variable;
  const hold = (variable: number, from: number): void => {
    const place = places.get(variable);
    if (place?.kind !== 'arena') return;
    const { dtype, shape } = program.avals[variable]!;
    const start = place.byteOffset;
    held.set(variable, {
      variable,
      from,
      to: from,
      start,
      end: start + sizeOf(shape) * bytesPerElement(dtype),
    });
  };
  const keep = (variable: number, until: number): void => {
    const holding = held.get(root(variable));
    if (holding !== undefined) holding.to = Math.max(holding.to, until);
  };
  for (const { variable } of program.constants) {
    hold(variable, -1);
    keep(variable, length);
  }
  for (const [time, equation] of order.entries()) {
    const { inputs, outputs } = equation;
    for (const input of inputs) keep(input, time);
    if (isAlias(equation)) rootOf.set(outputs[0]!, root(inputs[0]!));
    else for (const output of outputs) hold(output, time);
  }
  const exchanged = program.equations.filter(({ primitive }) => primitive === 'exchange');
  for (const { inputs } of exchanged) keep(inputs[0]!, length);
  for (const output of program.outputs) keep(output, length);
  return [...held.values()];
}

function expectNoOverlap(plan: Plan): void {
  const order = plan.segments.flat();
  const all = holdings(plan);
  for (const [i, a] of all.entries()) {
    expect(a.end).toBeLessThanOrEqual(plan.arenaBytes);
    for (const b of all.slice(0, i)) {
      const [first, second] = a.from < b.from ? [a, b] : [b, a];
      if (first.end <= second.start || second.end <= first.start || first.to < second.from) continue;
      // Both hold the same byte at the same time. This is allowed only to an op that writes over an operand that it
      // reads in place.
      const equation = order[second.from]!;
      const operand = equation.inputs.findIndex(
        (input) =>
          placeOf(plan, input) === first.start && !equation.patterns?.[equation.inputs.indexOf(input)],
      );
      expect({ primitive: equation.primitive, first, second, operand }).toMatchObject({
        first: { to: second.from, start: second.start, end: second.end },
        operand: expect.toSatisfy((place: number) => place >= 0),
      });
      expect(mayWriteOver(equation, second.variable)).toBe(true);
    }
  }
}

const placeOf = ({ places }: Plan, variable: number): number | undefined => {
  const place = places.get(variable);
  return place?.kind === 'arena' ? place.byteOffset : undefined;
};

/** The results of an instance with given output buffers. */
function runInto(plan: Plan, inputs: readonly ConcreteTensor[]): readonly TypedArray[] {
  const outputs = plan.program.outputs.map((variable) => {
    const { dtype, shape } = plan.program.avals[variable]!;
    return allocate(dtype, sizeOf(shape));
  });
  const instance = instantiate(plan, {
    ...{ kernels: referenceKernels(), buffer: new ArrayBuffer(plan.arenaBytes), byteOffset: 0 },
    ...{ inputs: inputs.map(({ data }) => data), outputs, results: [] },
  });
  runAlone(instance);
  return outputs;
}

const drawn = (shapes: readonly Shape[]): ConcreteTensor[] =>
  shapes.map((shape, i) => ordinary(shape)(90 + i).cast('float32') as ConcreteTensor);

const storages = (tensors: readonly ConcreteTensor[]) => tensors.map(({ storage }) => storage);

describe('memory', () => {
  const options = { numRuns: 200, seed: 11 };
  it('is never shared by two live values of a random program', () => {
    const inputs = drawn([[2, 4], [4], [], [2, 1], [4, 4]]);
    fc.assert(
      fc.property(steps, (list) => expectNoOverlap(planProgram(traceProgram(composed(list), inputs)))),
      options,
    );
  });
  it('… or of a random program over shards', () => {
    const inputs = storages(drawn([[2, 2, 4], [4], [2], [2, 1], [2, 4, 4]]));
    const axes: InAxis[] = [0, null, 0, null, 0];
    const reduced =
      (list: Parameters<typeof composed>[0]) =>
      (...xs: Tensor[]) =>
        composed(list, { shards: true })(...xs).map(allReduceSum);
    let numSegments = 0;
    fc.assert(
      fc.property(steps, (list) => {
        const plan = planBlock(reduced(list), inputs, axes);
        numSegments = Math.max(numSegments, plan.segments.length);
        expectNoOverlap(plan);
      }),
      options,
    );
    expect(numSegments).toBeGreaterThan(3);
  });
  it('… or of a random program with given outputs', () => {
    const inputs = drawn([[2, 4], [4], [], [2, 1], [4, 4]]);
    fc.assert(
      fc.property(steps, (list) => {
        const f = composed(list);
        const plan = planProgram(traceProgram(f, inputs), { outputs: 'given' });
        expectNoOverlap(plan);
        const eager = f(...inputs).map(({ data }) => bytesOf(data));
        expect(runInto(plan, inputs).map(bytesOf)).toEqual(eager);
      }),
      options,
    );
  });
  it('holds no copy of a result that is computed once', () => {
    const f = (x: Tensor, y: Tensor) => {
      const z = x.matmul(y);
      return [z, x, z.reshape([16]), z.exp().matmul(y)];
    };
    const square = { dtype: 'float32', shape: [4, 4] } as const;
    const plan = planProgram(
      traceProgram((x, y) => f(x!, y!), [square, square]),
      { outputs: 'given' },
    );
    expect(plan.program.outputs.map((variable) => plan.places.get(variable))).toEqual([
      { kind: 'output', index: 0 },
      { kind: 'input', index: 0 },
      { kind: 'output', index: 0 },
      { kind: 'output', index: 3 },
    ]);
    expect(plan.arenaBytes).toBe(64);
    const inputs = drawn([
      [4, 4],
      [4, 4],
    ]);
    expect(runInto(plan, inputs).map(bytesOf)).toEqual(
      f(inputs[0]!, inputs[1]!).map(({ data }) => bytesOf(data)),
    );
  });
  it('does not grow with the length of a chain', () => {
    const chain = (length: number): number =>
      planProgram(
        traceProgram(
          (x) => {
            let y = x!.sin();
            for (let i = 0; i < length; i++) y = y.add(x!).tanh();
            return [y];
          },
          [{ dtype: 'float32', shape: [64] }],
        ),
      ).arenaBytes;
    expect(chain(100)).toBe(chain(1));
    expect(chain(1)).toBe(256);
  });
  it('is seen by a checker: too short lifetimes are reported', () => {
    const plan = planProgram(
      traceProgram((x) => [x!.sin().matmul(x!.cos())], [{ dtype: 'float32', shape: [4, 4] }]),
    );
    const [first, second] = plan.segments[0]!.map(({ outputs }) => outputs[0]);
    const broken: Plan = { ...plan, places: new Map(plan.places).set(second!, plan.places.get(first!)!) };
    expectNoOverlap(plan);
    expect(() => expectNoOverlap(broken)).toThrow();
  });
});

describe('segments', () => {
  const inputs = storages(
    drawn([
      [2, 3, 2],
      [2, 3],
    ]),
  );
  const planned = (f: (x: Tensor, weights: Tensor) => Tensor[]): Plan =>
    planBlock(f as (...xs: Tensor[]) => Tensor[], inputs, [0, 0]);

  it('are one segment without an exchange', () => {
    const plan = planProgram(traceProgram((x) => [x!.sin()], [{ dtype: 'float64', shape: [2] }]));
    expect([plan.segments.length, plan.exchanges.length]).toEqual([1, 0]);
  });
  it('send independent sums together, one after the other', () => {
    const plan = planned((x) => [
      allReduceSum(x.sum()),
      allReduceSum(x.sum(0)),
      allReduceSum(x.square().sum(1)),
    ]);
    expect(plan.segments).toHaveLength(2);
    expect(plan.exchanges).toMatchObject([[{ op: 'sum', size: 1 + 2 + 3 }]]);
    const offsets = plan.program.outputs.map((variable) => plan.places.get(variable));
    expect(offsets).toEqual([0, 1, 3].map((offset) => ({ kind: 'result', exchange: 0, bucket: 0, offset })));
  });
  it('follow one another where an exchange depends on another', () => {
    const plan = planned((x) => {
      const total = allReduceSum(x.sum());
      const centred = allReduceSum(x.sub(total).square().sum());
      return [total, centred, allReduceSum(x.max())];
    });
    expect(plan.segments).toHaveLength(3);
    expect(plan.exchanges.map((buckets) => buckets.map(({ size }) => size))).toEqual([[2], [1]]);
  });
  it('send moments as a bucket of their own', () => {
    const plan = planned((x, weights) => {
      const { mean } = shardMoments(x, weights);
      return [mean, allReduceSum(weights.sum())];
    });
    expect(plan.exchanges).toMatchObject([
      [
        { op: 'sum', size: 1 },
        { op: 'moments', size: 5 },
      ],
    ]);
  });
  it('copy values that are exchanged twice, outputs, inputs and constants', () => {
    const exchange = (x: Tensor): Tensor => bind(primitiveNamed('exchange'), [x], { combine: 'sum' });
    const plan = planProgram(
      traceProgram(
        (x) => {
          const partial = x!.neg();
          const constant = tensor([7, 8], { dtype: 'float32' });
          return [partial, partial.reshape([2, 1]), x!, constant, x!.stopGradient()]
            .map(exchange)
            .concat(exchange(exchange(x!.abs())));
        },
        [{ dtype: 'float32', shape: [2] }],
      ),
    );
    expect(opsOf(plan.program).filter((op) => op === 'copy')).toHaveLength(5);
    expectNoOverlap(plan);
    const outputs = plan.program.outputs.map(
      (variable) => new Float32Array(sizeOf(plan.program.avals[variable]!.shape)),
    );
    const instance = instantiate(plan, {
      kernels: referenceKernels(),
      buffer: new ArrayBuffer(plan.arenaBytes),
      byteOffset: 0,
      inputs: [Float32Array.of(1, -2)],
      results: plan.exchanges.map((buckets) => buckets.map(({ size }) => new Float32Array(size))),
      outputs,
    });
    runAlone(instance);
    expect(instance.outputs).toBe(outputs);
    expect(outputs.map((y) => [...y])).toEqual([
      [-1, 2],
      [-1, 2],
      [1, -2],
      [7, 8],
      [1, -2],
      [1, 2],
    ]);
  });
  const units = [700, 800, 600];
  /** Two sums of more than 1 MiB: the weights of the last layer and of the one before, with the small values. */
  const perceptron = (x: Tensor, ...weights: Tensor[]): Tensor[] => {
    const loss = (layers: readonly Tensor[]): Tensor =>
      layers.reduce((h, w, i) => (i === 0 ? h.matmul(w) : h.relu().matmul(w)), x).sum();
    const [value, grads] = valueAndGrad(loss)(weights);
    return [...grads.map(allReduceSum), allReduceSum(value)];
  };
  const plannedPerceptron = (numShards: number): Plan => {
    const shapes = [[numShards, 2, 500], ...[500, ...units].slice(0, -1).map((n, i) => [n, units[i]!])];
    const inputs = shapes.map((shape): Aval => ({ dtype: 'float32', shape }));
    const axes = [0, ...units.map(() => null)] as const;
    return planProgram(traceProgram(overShards(perceptron, axes, String), inputs));
  };
  it('leave in buckets, the last layers first, with the same buckets for all blocks', () => {
    const one = plannedPerceptron(1);
    const [buckets] = one.exchanges;
    expect(buckets!.map(({ size }) => size)).toEqual([1 + 800 * 600, 700 * 800, 500 * 700]);
    for (const numShards of [2, 4]) {
      const plan = plannedPerceptron(numShards);
      expect(plan.exchanges[0]!.map(({ exchanged }) => exchanged)).toEqual(
        buckets!.map(({ exchanged }) => exchanged),
      );
    }
  });
  it('announce a bucket as soon as it is complete, and never change it afterwards', () => {
    const plan = plannedPerceptron(2);
    const [buckets] = plan.exchanges;
    const inputs = plan.program.avals
      .slice(0, plan.program.numInputs)
      .map(({ shape }, i) =>
        Float32Array.from({ length: sizeOf(shape) }, (_, j) => Math.fround(((i + j) % 7) - 3)),
      );
    const ready: { numBuckets: number; partials: Float32Array[] }[] = [];
    const instance: Instance = instantiate(plan, {
      kernels: referenceKernels(),
      buffer: new ArrayBuffer(plan.arenaBytes),
      byteOffset: 0,
      inputs,
      results: plan.exchanges.map((list) => list.map(({ size }) => new Float32Array(size))),
      onReady: (segment, numBuckets) => {
        const partials = instance.exchanges[segment]!.slice(0, numBuckets).map(({ partial }) =>
          partial.slice(),
        );
        ready.push({ numBuckets, partials });
      },
    });
    instance.run(0);
    expect(ready.map(({ numBuckets }) => numBuckets)).toEqual([1, 2]);
    expect(buckets!.at(-1)!.readyAfter).toBe(plan.segments[0]!.length);
    const final = instance.exchanges[0]!.map(({ partial }) => partial);
    const bytes = ({ buffer, byteOffset, byteLength }: Float32Array): Buffer =>
      Buffer.from(buffer as ArrayBuffer, byteOffset, byteLength);
    for (const { partials } of ready)
      expect(partials.every((partial, i) => bytes(partial).equals(bytes(final[i]!)))).toBe(true);
    expect(final.every((partial) => partial.some((element) => element !== 0))).toBe(true);
  });
  it('let only float32 cross', () => {
    const wide = storages(drawn([[2, 3]]).map((x) => x.cast('float64') as ConcreteTensor));
    expect(() => planBlock((x) => [allReduceSum(x!.sum())], wide, [0])).toThrow(
      /exchange: only float32 crosses shards, not float64; cast it first/,
    );
  });
});
