/** Equations made of programs: the optimizer, hashes, printing and threads handle them. */
import { createKernels, createMemory, MIN_SCRATCH_BYTES, referenceKernels } from '@lockstep/kernels';
import { allocateStorage, type Storage } from '@lockstep/tensor';
import { describe, expect, it } from 'vitest';
import { runBlocks } from '../fixtures/blocks.ts';
import { opsOf } from '../fixtures/programs.ts';
import { bitsOf, bytesOf, ordinary } from '../fixtures/values.ts';
import {
  type Aval,
  allReduceSum,
  cast,
  checkpoint,
  cond,
  describePlan,
  evaluateProgram,
  formatProgram,
  grad,
  inlineCalls,
  instantiate,
  type Plan,
  planProgram,
  programHash,
  scan,
  type Tensor,
  traceProgram,
  valueAndGrad,
  whileLoop,
} from '../index.ts';
import { optimize } from './optimize.ts';

/** Branches in a loop around a loop, differentiated in float32: every way of nesting. */
const model = (h: Tensor, w: Tensor): Tensor =>
  scan(
    (y) => {
      const next = y.matmul(w).tanh();
      const scaled = cond(
        next.sum().greater(0),
        (z) => z.mul(0.5),
        (z) => scan((s) => [s.mul(w.sum()).sin(), null], z, null, { length: 2 })[0],
        next,
      );
      return [scaled, scaled.sum()];
    },
    h,
    null,
    { length: 5 },
  )[1].sum();
const f = (h: Tensor, w: Tensor): Tensor[] => {
  const [value, gradients] = valueAndGrad(model, [0, 1])(h, w);
  return [value, ...gradients];
};

const float32 = (shape: readonly number[], seed: number): Tensor => cast(ordinary(shape)(seed), 'float32');
const inputs = [float32([3, 4], 1), float32([4, 4], 2)];
const avals: readonly Aval[] = inputs.map(({ dtype, shape }) => ({ dtype, shape }));
const program = traceProgram((h, w) => f(h!, w!), avals);
const expected = f(inputs[0]!, inputs[1]!);

/** Two runs in a row, so that the second one starts from the memory of the first. */
function run(plan: Plan, portable = false): string[] {
  const memory = createMemory(MIN_SCRATCH_BYTES + plan.arenaBytes);
  const kernels = portable
    ? referenceKernels()
    : createKernels({ memory, scratchOffset: 0, scratchBytes: MIN_SCRATCH_BYTES, profile: 'portable' });
  const views = inputs.map((x) => x.data);
  const place = { buffer: memory.buffer, byteOffset: MIN_SCRATCH_BYTES, results: [] };
  const instance = instantiate(plan, { kernels, ...place, inputs: views });
  instance.run(0);
  instance.run(0);
  return instance.outputs.map(bytesOf);
}

describe('a program with loops and branches', () => {
  it('runs on every backend with the same bits, run after run', () => {
    const plan = planProgram(program);
    const [value] = run(plan);
    expect(value).toBe(bytesOf(expected[0]!.data));
    expect(run(plan, true)).toEqual(run(plan));
    const gradients = evaluateProgram(program, inputs);
    for (const [i, y] of gradients.entries())
      for (const [k, v] of y.data.entries()) expect(v).toBeCloseTo(expected[i]!.data[k]!, 5);
  });
  it('travels to another thread as data', () => {
    const plan = planProgram(program);
    expect(run(structuredClone(plan))).toEqual(run(plan));
  });
  it('has a hash that depends on what its bodies compute', () => {
    const loop = (factor: number): string =>
      programHash(
        traceProgram((x) => [scan((s) => [s.mul(factor), null], x!, null, { length: 3 })[0]], [avals[0]!]),
      );
    const hashes = [loop(2), loop(3), loop(0), loop(-0)];
    expect(new Set(hashes).size).toBe(4);
    expect(loop(2)).toBe(hashes[0]);
    expect(programHash(traceProgram((h, w) => f(h!, w!), avals))).toBe(programHash(program));
  });
  it('shares equal loops, and drops results, states and operands that no output needs', () => {
    const twice = traceProgram(
      (x) =>
        [
          scan((s) => [s.mul(2), s], x!, null, { length: 3 }),
          scan((s) => [s.mul(2), s], x!, null, { length: 3 }),
        ].flatMap(([a, b]) => [a!, b!]),
      [avals[0]!],
    );
    expect(opsOf(optimize(twice))).toEqual(['scan']);
    const wasteful = traceProgram(
      (x, w) => [
        scan(({ a, b }) => [{ a: a.mul(2), b: b.add(w!.sum()) }, [a, b]], { a: x!, b: w! }, null, {
          length: 3,
        })[0].a,
      ],
      avals,
    );
    const [lean] = optimize(wasteful).equations;
    expect([lean!.inputs, lean!.outputs.length]).toEqual([[0], 1]);
  });
  it('prints its bodies and states its cost', () => {
    const text = formatProgram(program);
    expect(text).toMatch(/= scan .*"length":5/);
    expect(text).toContain('= branch');
    expect(text).not.toContain('"bodies"');
    const plan = planProgram(program);
    expect(formatProgram(plan.program)).not.toContain('"plans"');
    const { segments, flops } = describePlan(plan);
    expect(segments[0]!.equations.filter(({ op }) => op === 'scan').length).toBe(2);
    // Five matmuls forward, and on the way back each of them again and two for its cotangents.
    expect(flops).toBeGreaterThan(4 * 5 * 2 * 3 * 4 * 4);
    const turns = traceProgram(
      (x) => [
        whileLoop(
          (y) => y.sum().less(9),
          (y) => y.add(1),
          x!,
        ),
      ],
      [avals[0]!],
    );
    expect(describePlan(planProgram(turns)).segments[0]!.equations.map(({ op }) => op)).toContain('while');
  });
  it('releases its work space when it is done', () => {
    const once = (x: Tensor): Tensor => scan((s) => [s.sin().mul(s.cos()), null], x, null, { length: 3 })[0];
    const bytes = (numLoops: number): number =>
      planProgram(
        traceProgram(
          (x) => {
            let y = x!;
            for (let i = 0; i < numLoops; i++) y = once(y);
            return [y];
          },
          [{ dtype: 'float32', shape: [1000] }],
        ),
      ).arenaBytes;
    expect(bytes(8)).toBe(bytes(3));
  });
  it('gives the same bits on any number of blocks', () => {
    const perShard = (h: Tensor, w: Tensor): Tensor[] => {
      const [byH, byW] = grad(model, [0, 1])(h, w);
      return [allReduceSum(byW), allReduceSum(checkpoint((y: Tensor) => allReduceSum(y).mul(y))(byH))];
    };
    const rows = float32([4, 3, 4], 7);
    const storageOf = ({ dtype, shape, data }: Tensor): Storage => {
      const storage = allocateStorage(dtype, shape);
      storage.data.set(data);
      return storage;
    };
    const arrays = [storageOf(rows), storageOf(inputs[1]!)];
    const one = runBlocks(perShard as never, arrays, [0, null], 1)[0]!.map(bytesOf);
    for (const numBlocks of [2, 4])
      for (const block of runBlocks(perShard as never, arrays, [0, null], numBlocks))
        expect(block.map(bytesOf)).toEqual(one);
  });
});

describe('calls', () => {
  it('are replaced by what they compute', () => {
    const nested = checkpoint((x: Tensor) => checkpoint((y: Tensor) => y.sin())(x).mul(2));
    const called = traceProgram((x) => [nested(x!), nested(x!.mul(3))], [avals[0]!]);
    expect(opsOf(called).filter((op) => op === 'checkpoint').length).toBe(2);
    const plain = inlineCalls(called);
    expect(opsOf(plain)).not.toContain('checkpoint');
    expect(evaluateProgram(plain, [inputs[0]!]).map(bitsOf)).toEqual(
      evaluateProgram(called, [inputs[0]!]).map(bitsOf),
    );
    expect(inlineCalls(plain)).toBe(plain);
  });
});
