/** Rewrites leave every bit alone and achieve their purpose. */
import { type Shape, sizeOf } from '@lockstep/tensor';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { composed, interpret, opsOf, steps } from '../fixtures/programs.ts';
import { bytesOf, ordinary } from '../fixtures/values.ts';
import {
  conv2d,
  grad,
  jit,
  type MatmulOptions,
  mul,
  ones,
  type Program,
  sum,
  type Tensor,
  tensor,
  traceProgram,
  treeSum,
  vmap,
} from '../index.ts';
import type { ConcreteTensor } from '../tensor.ts';
import { fuseElementwise } from './fuse.ts';
import { joinPlaces } from './join-places.ts';
import {
  absorbBroadcasts,
  composeBroadcasts,
  dropUnitFactors,
  fuseTreeSums,
  optimize,
  removeDeadCode,
  shareSubexpressions,
} from './optimize.ts';

const passes = {
  removeDeadCode,
  shareSubexpressions,
  dropUnitFactors,
  composeBroadcasts,
  absorbBroadcasts,
  fuseTreeSums,
  joinPlaces,
  fuseElementwise: (program: Program) => fuseElementwise(removeDeadCode(program)),
  optimize,
};

type Fn = (...inputs: Tensor[]) => Tensor[];

const drawn = (shapes: readonly Shape[], dtype: 'float32' | 'float64' = 'float32'): ConcreteTensor[] =>
  shapes.map((shape, i) => ordinary(shape)(50 + i).cast(dtype) as ConcreteTensor);

const traced = (f: Fn, inputs: readonly Tensor[]): Program => traceProgram(f, inputs);

const run = (program: Program, inputs: readonly ConcreteTensor[]): string[] =>
  interpret(
    program,
    inputs.map(({ storage }) => storage),
  ).map(({ data }) => bytesOf(data));

/** Eager execution, the traced program, every pass over it and the compiled function have one result. */
function expectOneResult(f: Fn, inputs: readonly ConcreteTensor[]): void {
  const eager = f(...inputs).map(({ data }) => bytesOf(data));
  const program = traced(f, inputs);
  expect(run(program, inputs)).toEqual(eager);
  for (const pass of Object.values(passes)) expect(run(pass(program), inputs)).toEqual(eager);
  const compiled = jit(f);
  for (let i = 0; i < 2; i++) expect(compiled(...inputs).map(({ data }) => bytesOf(data))).toEqual(eager);
}

const shapes: readonly Shape[] = [[2, 4], [4], [], [2, 1], [4, 4]];

const gradientOf =
  (f: Fn): Fn =>
  (...inputs) =>
    grad(
      (...xs: Tensor[]) =>
        f(...xs).reduce((total, y) => total.add(sum(mul(y, y))), tensor(0).cast(xs[0]!.dtype)),
      inputs.map((_, i) => i),
    )(...inputs) as Tensor[];

describe('random programs', () => {
  const options = { numRuns: process.env.LOCKSTEP_THOROUGH === '1' ? 100 : 40, seed: 7 };
  it('have one result, with and without optimisation', () => {
    fc.assert(
      fc.property(steps, (list) => expectOneResult(composed(list), drawn(shapes))),
      options,
    );
  });
  it('have one gradient, with and without optimisation', () => {
    fc.assert(
      fc.property(steps, (list) => expectOneResult(gradientOf(composed(list)), drawn(shapes, 'float64'))),
      options,
    );
  });
  it('have one result for a batch', () => {
    const batched = (f: Fn): Fn => vmap(f, { inAxes: [0, null, 0, null, 0] }) as Fn;
    const inputs = drawn([[2, 2, 4], [4], [2], [2, 1], [2, 4, 4]]);
    fc.assert(
      fc.property(steps, (list) => expectOneResult(batched(composed(list)), inputs)),
      options,
    );
  });
});

describe('each pass', () => {
  const x = drawn([[2, 3]]);
  it('removes equations and constants that no result needs', () => {
    const program = traced((y) => {
      y!.exp().mul([1, 2, 3]);
      return [y!.neg()];
    }, x);
    expect(program.constants).toHaveLength(1);
    const lean = removeDeadCode(program);
    expect([opsOf(lean), lean.constants]).toEqual([['neg'], []]);
  });
  it('computes a common subexpression once', () => {
    const program = traced((y) => [y!.sin().add(2), y!.sin().add(2)], x);
    expect(opsOf(program).filter((op) => op === 'sin')).toHaveLength(2);
    const shared = removeDeadCode(shareSubexpressions(program));
    expect(opsOf(shared)).toEqual(['sin', 'broadcast', 'add']);
    expect(shared.outputs[0]).toBe(shared.outputs[1]);
    expect(shared.constants).toHaveLength(1);
  });
  it('tells constants and attributes apart', () => {
    const program = traced((y) => [y!.mul(0), y!.mul(-0), y!.sum(0), y!.sum(1)], x);
    expect(opsOf(shareSubexpressions(program)).filter((op) => op === 'mul' || op === 'sum')).toHaveLength(4);
  });
  it('drops factors of one, including repeated ones', () => {
    const f: Fn = (y) => [
      y!
        .mul(1)
        .mul(ones([2, 3]))
        .sin(),
      mul(1, y!),
    ];
    expect(opsOf(optimize(traced(f, x)))).toEqual(['sin']);
    expectOneResult(f, drawn([[2, 3]]));
  });
  it('removes the cotangent 1 that differentiation starts from', () => {
    const program = optimize(traced((y) => [grad((z: Tensor) => z.sin().sum())(y!)], x));
    expect(opsOf(program)).toEqual(['cos']);
  });
  it('reads bias, row weight and scalar in place', () => {
    const f: Fn = (y, bias, perRow, scalar) => [
      y!
        .add(bias!)
        .mul(perRow!.reshape([2, 1]))
        .sub(scalar!),
    ];
    const inputs = drawn([[2, 3], [3], [2], []]);
    const program = removeDeadCode(absorbBroadcasts(traced(f, inputs)));
    expect(opsOf(program).filter((op) => op !== 'reshape')).toEqual(['add', 'mul', 'sub']);
    const patterns = program.equations
      .flatMap((equation) => equation.patterns ?? [])
      .filter((p) => p !== null);
    expect(patterns).toEqual([
      { repeat: 1, period: 3 },
      { repeat: 3, period: 2 },
      { repeat: 1, period: 1 },
    ]);
    expectOneResult(f, inputs);
  });
  it('keeps a broadcast whose elements are not a single run', () => {
    const f: Fn = (y, outer) => [y!.add(outer!.reshape([2, 1, 2]))];
    const inputs = drawn([
      [2, 3, 2],
      [2, 2],
    ]);
    expect(opsOf(optimize(traced(f, inputs)))).toContain('broadcast');
    expectOneResult(f, inputs);
  });
  it('joins two broadcasts', () => {
    const f: Fn = (y) => [y!.broadcastTo([2, 3]).broadcastTo([4, 2, 3])];
    const program = removeDeadCode(composeBroadcasts(traced(f, drawn([[3]]))));
    expect(program.equations).toMatchObject([
      { primitive: 'broadcast', attrs: { shape: [4, 2, 3], axes: [2] } },
    ]);
    expectOneResult(f, drawn([[3]]));
  });
});

describe('tree sums', () => {
  const segments = 4;
  /** The total gradient of all segments, as a shard program computes it. */
  const summed =
    (loss: (w: Tensor, x: Tensor) => Tensor): Fn =>
    (w, x) => [treeSum(vmap(grad(loss), { inAxes: [null, 0] })(w!, x!))];

  it.each<[string, string, (w: Tensor, x: Tensor) => Tensor, Shape, Shape]>([
    ['a dense layer', 'segmentedContraction', (w, x) => x.matmul(w).tanh().sum(), [3, 2], [segments, 5, 3]],
    [
      'a convolution',
      'conv2dKernelGradTree',
      (w, x) => conv2d(x, w).tanh().sum(),
      [2, 2, 1, 2],
      [segments, 2, 3, 3, 1],
    ],
  ])('are taken inside the gradient of %s', (_what, fused, loss, w, x) => {
    const inputs = drawn([w, x]);
    const program = traced(summed(loss), inputs);
    expect(opsOf(program)).toContain('treeSum');
    const optimized = optimize(program);
    expect(opsOf(optimized)).toContain(fused);
    expect(opsOf(optimized)).not.toContain('treeSum');
    expect(run(optimized, inputs)).toEqual(run(program, inputs));
    expectOneResult(summed(loss), inputs);
    expect(optimized.avals[optimized.outputs[0]!]!.shape).toEqual(w);
    expect(sizeOf(w)).toBeGreaterThan(0);
  });
  it('stay where the product itself is also an output', () => {
    const f: Fn = (a, b) => {
      const products = a!.matmul(b!, { transposeA: true });
      return [treeSum(products), products];
    };
    const inputs = drawn([
      [segments, 3, 2],
      [segments, 3, 2],
    ]);
    expect(opsOf(optimize(traced(f, inputs)))).toEqual(['matmul', 'treeSum']);
    expectOneResult(f, inputs);
  });
  it.each<[string, Shape, Shape, MatmulOptions]>([
    ['rows', [segments, 2, 3], [segments, 3, 2], {}],
    ['transposed columns', [segments, 3, 2], [segments, 2, 3], { transposeA: true, transposeB: true }],
    ['one shared factor', [segments, 3, 2], [3, 2], { transposeA: true }],
  ])('stay after a product of %s', (_what, a, b, options) => {
    const f: Fn = (x, y) => [treeSum(x!.matmul(y!, options))];
    expect(opsOf(optimize(traced(f, drawn([a, b]))))).toEqual(['matmul', 'treeSum']);
    expectOneResult(f, drawn([a, b]));
  });
});
