/** Rematerialisation: the same bits, less memory, one more forward pass. */
import { describe, expect, it } from 'vitest';
import { bitsOf, ordinary } from '../fixtures/values.ts';
import {
  allReduceSum,
  cast,
  checkGrads,
  checkpoint,
  describePlan,
  formatProgram,
  grad,
  jit,
  jvp,
  overShards,
  type Plan,
  planProgram,
  scan,
  type Tensor,
  tensor,
  traceProgram,
  vjp,
  vmap,
} from '../index.ts';

type Block = (x: Tensor, w: Tensor) => Tensor;
const block: Block = (x, w) => x.matmul(w).tanh().matmul(w.transpose()).sigmoid();

const chain =
  (numBlocks: number, kept: (f: Block) => Block) =>
  (x: Tensor, ws: readonly Tensor[]): Tensor => {
    let y = x;
    for (let i = 0; i < numBlocks; i++) y = kept(block)(y, ws[i]!);
    return y.sum();
  };
const plain = (f: Block): Block => f;
const again = (f: Block): Block => checkpoint(f) as Block;

const numBlocks = 16;
const x = ordinary([8, 6])(1);
const ws = Array.from({ length: numBlocks }, (_, i) => ordinary([6, 10])(i + 2));

describe('values and derivatives', () => {
  it('keep every bit, eager and compiled', () => {
    const gradientOf = (kept: (f: Block) => Block) => grad(chain(4, kept), [0, 1]);
    const bits = (f: ReturnType<typeof gradientOf>): string[] => {
      const [byX, byWs] = f(x, ws);
      return [byX, ...byWs].map(bitsOf);
    };
    const expected = bits(gradientOf(plain));
    expect(bits(gradientOf(again))).toEqual(expected);
    expect(bits(jit(gradientOf(again)) as ReturnType<typeof gradientOf>)).toEqual(expected);
  });
  it('keep every bit, compiled, if the recomputed values are part of a fused chain', () => {
    const own = checkpoint((a: Tensor, b: Tensor) => a.add(a.matmul(b)).tanh());
    const step = (a: Tensor, b: Tensor): [Tensor, Tensor] => {
      const next = own(a, b);
      return [next, next.mul(3)];
    };
    const gradient = grad((a: Tensor, b: Tensor) => {
      const [last, all] = scan((state: Tensor) => step(state, b), a, null, { length: 3 });
      return last.sum().add(all.sum());
    }, 1);
    const [a, b] = [1, 2].map((seed) => cast(ordinary([2, 2])(seed), 'float32')) as [Tensor, Tensor];
    expect(bitsOf(jit(gradient)(a, b) as Tensor)).toBe(bitsOf(gradient(a, b)));
  });
  it('flow to values that the function reads from outside', () => {
    const f = (a: Tensor, b: Tensor): Tensor => checkpoint((y: Tensor) => y.mul(a).sin().mul(a))(b).sum();
    const g = (a: Tensor, b: Tensor): Tensor => b.mul(a).sin().mul(a).sum();
    const [a, b] = [tensor([0.3, -1.2]), tensor([0.7, 0.1])];
    const bits = (h: typeof f): string[] => (grad(h, [0, 1])(a, b) as Tensor[]).map(bitsOf);
    expect(bits(f)).toEqual(bits(g));
    expect((jit(grad(f, [0, 1]))(a, b) as Tensor[]).map(bitsOf)).toEqual(bits(g));
    const noArguments = (c: Tensor): Tensor => checkpoint(() => c.square().sum())();
    expect(grad(noArguments)(a).toArray()).toEqual([0.6, -2.4]);
  });
  it('agree with finite differences to second order, in both modes', () => {
    const f = checkpoint((a: Tensor, b: Tensor) => a.sin().mul(b).tanh());
    checkGrads(f as never, [ordinary([3])(1), ordinary([3])(2)]);
    checkGrads(jit(f) as never, [ordinary([3])(1), ordinary([3])(2)], { order: 2 });
  });
  it('nest in each other and in every transformation', () => {
    const inner = checkpoint((y: Tensor) => y.sin().mul(y));
    const outer = checkpoint((y: Tensor) => inner(inner(y)).mul(2));
    const bare = (y: Tensor): Tensor => {
      const z = y.sin().mul(y);
      return z.sin().mul(z).mul(2);
    };
    const y = tensor([0.4, 1.3, -0.8]);
    expect(bitsOf(vmap(grad(outer as typeof bare))(y))).toBe(bitsOf(vmap(grad(bare))(y)));
    expect(bitsOf(grad((a: Tensor) => vmap(outer)(a).sum())(y))).toBe(
      bitsOf(grad((a: Tensor) => vmap(bare)(a).sum())(y)),
    );
    // Second derivatives are added in another order, so the last digit may differ.
    const second = (f: (a: Tensor) => Tensor): Tensor[] => [
      grad((a: Tensor) => grad((b: Tensor) => f(b).sum())(a).sum())(y),
      jvp((a: Tensor) => grad((b: Tensor) => f(b).sum())(a), [y], [y])[1],
      grad((a: Tensor) => jvp(f, [a], [tensor([1, 1, 1])])[1].sum())(y),
    ];
    const expected = second(bare).flatMap((result) => [...result.data]);
    const found = second(outer as typeof bare).flatMap((result) => [...result.data]);
    for (const [i, value] of found.entries()) expect(value).toBeCloseTo(expected[i]!, 13);
  });
  it('may depend on values in branches and loops outside of programs', () => {
    let numTurns = 0;
    const grow = (c: Tensor) =>
      checkpoint((y: Tensor) => {
        let z = y;
        for (numTurns = 0; z.item() < 100; numTurns++) z = z.mul(c).mul(2);
        return z.item() > 150 ? z.square() : z;
      });
    expect(grad((c: Tensor) => grow(c)(tensor(3)) as Tensor)(1).item()).toBe(6 * 2 * 192 * 192);
    expect(numTurns).toBe(6);
    expect(grad(grow(tensor(1)))(5).item()).toBe(2 * 160 * 32);
    expect(grad(grad(grow(tensor(1)) as (y: Tensor) => Tensor))(5).item()).toBe(2 * 32 * 32);
    expect(() => jit(grad(grow(tensor(1)) as (y: Tensor) => Tensor))(5)).toThrow(/no value yet/);
    expect(() => vmap(grow(tensor(1)))(tensor([5, 6]))).toThrow(/inside vmap/);
  });
  it('may contain sums over all shards', () => {
    const f = (kept: (g: (a: Tensor) => Tensor) => (a: Tensor) => Tensor) => (w: Tensor, rows: Tensor) =>
      grad((v: Tensor) => kept((a) => allReduceSum(a.mul(v).tanh()).mul(a))(rows).sum())(w);
    const over = (kept: (g: (a: Tensor) => Tensor) => (a: Tensor) => Tensor) =>
      overShards(
        (w: Tensor, rows: Tensor) => allReduceSum(f(kept)(w, rows)),
        [null, 0],
        () => 'w',
      );
    const [w, rows] = [tensor([0.3, 0.4], { dtype: 'float32' }), cast(ordinary([4, 2])(3), 'float32')];
    const expected = bitsOf(over((g) => g)(w, rows));
    expect(bitsOf(over((g) => checkpoint(g) as typeof g)(w, rows))).toBe(expected);
    expect(bitsOf(jit(over((g) => checkpoint(g) as typeof g))(w, rows))).toBe(expected);
  });
  it('takes and gives trees', () => {
    const f = checkpoint(({ a, b }: { a: Tensor; b: readonly Tensor[] }) => ({ c: a.mul(b[0]!), d: [a] }));
    const [y, pull] = vjp(f as (tree: { a: Tensor; b: readonly Tensor[] }) => { c: Tensor; d: Tensor[] }, {
      a: tensor(2),
      b: [tensor(5)],
    });
    expect([y.c.item(), y.d[0]!.item()]).toEqual([10, 2]);
    const [{ a, b }] = pull({ c: tensor(1), d: [tensor(100)] });
    expect([a.item(), b[0]!.item()]).toEqual([105, 2]);
  });
});

describe('the cost', () => {
  const planOf = (kept: (f: Block) => Block): Plan => {
    const f = grad(chain(numBlocks, kept), [0, 1]);
    const avals = [
      { dtype: 'float32', shape: [256, 32] },
      ...ws.map(() => ({ dtype: 'float32', shape: [32, 128] }) as const),
    ] as const;
    return planProgram(
      traceProgram((first, ...rest) => {
        const [byX, byWs] = f(first!, rest) as unknown as [Tensor, Tensor[]];
        return [byX, ...byWs];
      }, avals),
    );
  };
  it('a chain of 16 blocks needs less than a third of the memory, for one more forward pass', () => {
    const [without, within] = [planOf(plain), planOf(again)];
    // A block keeps tanh [256, 128] and sigmoid [256, 32]; with a checkpoint it keeps only its input [256, 32]. That is
    // 5 to 1, apart from what a single block needs: 3.0 MB become 0.9 MB.
    expect(without.arenaBytes / within.arenaBytes).toBeGreaterThan(3);
    // The backward pass costs two forward passes, so a second forward pass makes 4/3 of the operations.
    const flops = [without!, within!].map((plan) => describePlan(plan).flops);
    expect(flops[1]! / flops[0]!).toBeGreaterThan(1.25);
    expect(flops[1]! / flops[0]!).toBeLessThan(1.4);
  });
  it('leaves no trace in a program that is not differentiated', () => {
    const avals = [{ dtype: 'float64', shape: [3] }] as const;
    const program = (f: (y: Tensor) => Tensor): string =>
      formatProgram(planProgram(traceProgram((y) => [f(y!)], avals)).program);
    const f = (y: Tensor): Tensor => y.sin().mul(y);
    expect(program(checkpoint(f) as typeof f).replaceAll(/v\d+/g, '')).toBe(
      program(f).replaceAll(/v\d+/g, ''),
    );
  });
});
