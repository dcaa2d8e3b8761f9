/** Loops with a known number of turns: the same results outside and within programs. */
import { describe, expect, it } from 'vitest';
import { opsOf } from '../fixtures/programs.ts';
import { bitsOf, ordinary } from '../fixtures/values.ts';
import {
  allReduceSum,
  cast,
  checkGrads,
  checkpoint,
  customVjp,
  describePlan,
  forLoop,
  formatProgram,
  grad,
  jit,
  jvp,
  mapOver,
  matmul,
  type Plan,
  planProgram,
  programHash,
  scan,
  type Tensor,
  tensor,
  traceProgram,
  vmap,
} from '../index.ts';

interface Cell {
  readonly u: Tensor;
  readonly w: Tensor;
}

/** A recurrent network: h ← tanh(xU + hW). The body reads the weights from outside. */
const recurrent = ({ u, w }: Cell, h0: Tensor, xs: Tensor): [Tensor, Tensor] =>
  scan(
    (h, x) => {
      const next = x.matmul(u).add(h.matmul(w)).tanh();
      return [next, next.square()];
    },
    h0,
    xs,
  );

const cell: Cell = { u: ordinary([3, 4])(1), w: ordinary([4, 4])(2) };
const h0 = ordinary([4])(3);
const xs = ordinary([6, 3])(4);

const rnnLoss = (c: Cell, h: Tensor, x: Tensor): Tensor => {
  const [last, squares] = recurrent(c, h, x);
  return last.sum().add(squares.mul(0.3).sum());
};
const gradients = grad(rnnLoss, [0, 1, 2]);
const bitsOfGradients = (f: typeof gradients): string[] => {
  const [{ u, w }, byH, byX] = f(cell, h0, xs);
  return [u, w, byH, byX].map(bitsOf);
};

describe('a recurrent network', () => {
  it('computes the values of its loop', () => {
    let h = h0;
    const squares: Tensor[] = [];
    for (let t = 0; t < 6; t++) {
      h = xs.at(t).matmul(cell.u).add(h.matmul(cell.w)).tanh();
      squares.push(h.square());
    }
    for (const f of [recurrent, jit(recurrent)]) {
      const [last, ys] = f(cell, h0, xs) as [Tensor, Tensor];
      expect(bitsOf(last)).toBe(bitsOf(h));
      expect(squares.map((y, t) => bitsOf(ys.at(t)) === bitsOf(y))).toEqual(squares.map(() => true));
    }
  });
  it('has the same gradient eager and compiled, to the bit', () => {
    const expected = bitsOfGradients(gradients);
    expect(bitsOfGradients(jit(gradients) as typeof gradients)).toEqual(expected);
    // jit within grad is called, not compiled.
    expect(bitsOfGradients(grad(jit(rnnLoss) as typeof rnnLoss, [0, 1, 2]))).toEqual(expected);
  });
  it('agrees with finite differences to second order in both modes, eager and compiled', () => {
    const f = (u: Tensor, w: Tensor, h: Tensor, x: Tensor): Tensor => rnnLoss({ u, w }, h, x);
    const at = [cell.u, cell.w, h0, ordinary([3, 3])(5)];
    checkGrads(f, at);
    checkGrads(checkpoint(f) as typeof f, at);
    // Compiled as a whole: these are derivatives of the equation instead of the loop.
    const order2 = jit((...args: Tensor[]) =>
      grad((...ys: Tensor[]) =>
        (grad(f as never, [0, 1, 2, 3])(...(ys as never[])) as unknown as Tensor[])
          .map((g) => g.square().sum())
          .reduce((a, b) => a.add(b)),
      )(...(args as never[])),
    );
    const eager = (...args: Tensor[]): Tensor =>
      (grad(f as never, [0, 1, 2, 3])(...(args as never[])) as unknown as Tensor[])
        .map((g) => g.square().sum())
        .reduce((a, b) => a.add(b));
    const expected = grad(eager as never)(...(at as never[])) as unknown as Tensor;
    for (const [i, value] of (order2(...at) as unknown as Tensor).data.entries())
      expect(value).toBeCloseTo(expected.data[i]!, 10);
  });
  it('is one equation, for any length', () => {
    const program = (length: number) =>
      traceProgram(
        (u, w, h, x) => {
          const [{ u: byU, w: byW }] = gradients({ u: u!, w: w! }, h!, x!);
          return [byU, byW];
        },
        [cell.u, cell.w, h0, { dtype: 'float64', shape: [length, 3] }],
      );
    const [short, long] = [program(4), program(4000)];
    expect(opsOf(long)).toEqual(opsOf(short));
    expect(opsOf(long).filter((op) => op === 'scan').length).toBe(2);
    expect(programHash(program(4))).toBe(programHash(short));
    expect(programHash(long)).not.toBe(programHash(short));
    expect(formatProgram(short)).toContain('matmul');
  });
  it('batches over any of its arguments', () => {
    const batch = (x: Tensor, n: number): Tensor =>
      tensor(
        Float64Array.from(
          { length: n * x.size },
          (_, i) => x.data[i % x.size]! * (1 + Math.floor(i / x.size) / 7),
        ),
        { shape: [n, ...x.shape] },
      );
    const manyH = batch(h0, 3);
    const manyX = batch(xs, 3);
    const one = (h: Tensor, x: Tensor): Tensor => {
      const [last, ys] = recurrent(cell, h, x);
      return last.sum().add(ys.sum());
    };
    for (const [axes, at] of [
      [[0, null], (i: number) => one(manyH.at(i), xs)],
      [[null, 0], (i: number) => one(h0, manyX.at(i))],
      [[0, 0], (i: number) => one(manyH.at(i), manyX.at(i))],
    ] as const) {
      const args = [axes[0] === 0 ? manyH : h0, axes[1] === 0 ? manyX : xs] as const;
      const f = vmap(one, { inAxes: axes });
      const expected = [0, 1, 2].map((i) => at(i).item());
      expect(f(...args).toArray()).toEqual(expected);
      expect(jit(f)(...args).toArray()).toEqual(expected);
      const total = (h: Tensor, x: Tensor): Tensor => f(h, x).sum();
      const [eager, compiled] = [grad(total, [0, 1]), jit(grad(total, [0, 1]))].map((g) => g(...args));
      for (const i of [0, 1])
        expect(eager![i]!.data.every((v, k) => Math.abs(v - compiled![i]!.data[k]!) < 1e-12)).toBe(true);
    }
    const perExample = jit(vmap((h: Tensor, x: Tensor) => grad(one)(h, x)));
    expect(bitsOf(perExample(manyH, manyX).at(1))).toBe(bitsOf(grad(one)(manyH.at(1), manyX.at(1))));
  });
});

describe('the forms of a loop', () => {
  const both = <A extends readonly unknown[], R>(f: (...args: A) => R): ((...args: never[]) => R)[] =>
    [f, jit(f as never)] as never;

  it('takes and gives trees, carries state of several types, swaps, and passes values through', () => {
    const f = (a: Tensor, b: Tensor) =>
      scan(
        ({ left, right, n }, { x }) => [
          { left: right, right: left, n: n.add(1) },
          { sum: left.add(x), n },
        ],
        { left: a, right: b, n: tensor(0, { dtype: 'int32' }) },
        { x: tensor([1, 2, 3]) },
      );
    for (const run of both(f)) {
      const [{ left, right, n }, { sum, n: ns }] = run(...([tensor(10), tensor(20)] as never[]));
      expect([left.item(), right.item(), n.item()]).toEqual([20, 10, 3]);
      expect([sum.toArray(), ns.toArray(), ns.dtype]).toEqual([[11, 22, 13], [0, 1, 2], 'int32']);
    }
  });
  it('goes backwards, and keeps results in their places', () => {
    const f = (x: Tensor) => scan((sum, y) => [sum.add(y), sum.add(y)], 0, x, { reverse: true });
    for (const run of both(f)) {
      const [total, sums] = run(...([tensor([1, 2, 4])] as never[]));
      expect([total.item(), sums.toArray()]).toEqual([7, [7, 6, 4]]);
    }
    const weighted = (x: Tensor): Tensor =>
      f(x)[1]
        .mul(tensor([1, 10, 100]))
        .sum();
    expect(grad(weighted)(tensor([1, 2, 4])).toArray()).toEqual([1, 11, 111]);
    expect(jit(grad(weighted))(tensor([1, 2, 4])).toArray()).toEqual([1, 11, 111]);
  });
  it('may have results of which only some are differentiated', () => {
    const product = (x: Tensor): Tensor => {
      const [end, [sines]] = scan((s, y) => [s.mul(y), [y.sin(), y.cos()]], tensor(1), x);
      return end.add(sines.sum());
    };
    const x = tensor([2, 3, 5]);
    const expected = [15, 10, 6].map((others, i) => others + Math.cos(x.data[i]!));
    for (const run of both(grad(product))) {
      const found = run(...([x] as never[]));
      for (const [i, value] of expected.entries()) expect(found.data[i]).toBeCloseTo(value, 12);
    }
  });
  it('may have no turns at all', () => {
    const f = (x: Tensor) =>
      scan(
        (s, y) => [s.mul(y), [s, y.sum()]],
        x,
        tensor([], { shape: [0, 2] })
          .cast('float64')
          .sum(1),
      );
    for (const run of both(f)) {
      const [s, [a, b]] = run(...([tensor(3)] as never[]));
      expect([s.item(), a!.shape, b!.shape]).toEqual([3, [0], [0]]);
    }
    expect(grad((x: Tensor) => f(x)[0].square())(3).item()).toBe(6);
    expect(jit(grad((x: Tensor) => f(x)[0].square()))(3).item()).toBe(6);
  });
  it('counts with forLoop and maps with mapOver', () => {
    const power = (x: Tensor): Tensor => forLoop(2, 7, (i, y) => y.mul(x).add(i.cast('float64')), 1);
    let expected = 1;
    for (let i = 2; i < 7; i++) expected = expected * 3 + i;
    for (const run of both(power)) expect(run(...([tensor(3)] as never[])).item()).toBe(expected);
    checkGrads(power, [tensor(1.1)]);
    expect(jit(grad(grad(power)))(1.1).item()).toBeCloseTo(grad(grad(power))(1.1).item(), 12);
    const squares = (x: Tensor): { y: Tensor } => mapOver(({ a }) => ({ y: a.square() }), { a: x });
    for (const run of both(squares))
      expect(run(...([tensor([1, 2, 3])] as never[])).y.toArray()).toEqual([1, 4, 9]);
    expect(forLoop(5, 3, (_i, y) => y.mul(2), 7).item()).toBe(7);
  });
  it('nests, with closures over every level', () => {
    const table = (a: Tensor): Tensor =>
      scan(
        (rows, x) => [
          rows.add(a),
          scan((s, y) => [s.add(y.mul(x)).mul(a), s.mul(rows)], a, tensor([1, 2]))[1],
        ],
        tensor(0),
        tensor([1, 2, 3]),
      )[1].sum();
    const expected = table(tensor(1.3)).item();
    expect(jit(table)(1.3).item()).toBe(expected);
    checkGrads(table, [tensor(1.3)]);
    expect(jit(grad(table))(1.3).item()).toBeCloseTo(grad(table)(1.3).item(), 12);
    expect(jit(grad(grad(table)))(1.3).item()).toBeCloseTo(grad(grad(table))(1.3).item(), 10);
    expect(
      jit(vmap(grad(table)))(tensor([1.3, 0.2]))
        .at(0)
        .item(),
    ).toBeCloseTo(grad(table)(1.3).item(), 12);
  });
  it('takes large arrays from outside, and transformations inside', () => {
    const weights = ordinary([4, 4])(9);
    const f = (x: Tensor): Tensor =>
      scan((h) => [grad((y: Tensor) => matmul(y, weights).tanh().mul(x).sum())(h), null], x, null, {
        length: 3,
      })[0].sum();
    const x = ordinary([4])(8);
    expect(bitsOf(jit(f)(x))).toBe(bitsOf(f(x)));
    checkGrads(f, [x], { order: 1 });
    const [eager, compiled] = [grad(f)(x), jit(grad(f))(x)];
    for (const [i, value] of compiled.data.entries()) expect(value).toBeCloseTo(eager.data[i]!, 12);
  });
});

describe('derivatives in derivatives', () => {
  it('do not confuse perturbations', () => {
    // d/dx [x · d/dy Σ (x + y)] over two turns: each inner derivative is 1.
    const f = (x: Tensor): Tensor =>
      scan((s) => [s.add(x.mul(grad((y: Tensor) => x.add(y))(1))), null], 0, null, { length: 2 })[0];
    for (const d of [
      grad,
      (g: typeof f) => (x: Tensor | number) => jvp(g, [x as Tensor], [tensor(1)])[1],
    ] as const) {
      expect((d as typeof grad)(f)(tensor(1)).item()).toBe(2);
      expect(jit((d as typeof grad)(f))(tensor(1)).item()).toBe(2);
    }
    // A gradient around a loop whose body reads the outer variable of another gradient.
    const nested = (x: Tensor): Tensor =>
      grad((y: Tensor) => scan((s) => [s.mul(y).mul(x), null], 1, null, { length: 3 })[0])(x);
    // d/dy x³y³ at y = x is 3x⁵, whose derivative is 15x⁴.
    expect(grad(nested)(2).item()).toBe(240);
    expect(jit(grad(nested))(2).item()).toBe(240);
  });
  it('compose as jvp of vjp and vjp of jvp, within a program', () => {
    const f = (x: Tensor): Tensor => scan((h) => [h.sin().mul(x), h], x, null, { length: 5 })[1].sum();
    const forwardOverReverse = (x: Tensor): Tensor => jvp(grad(f), [x], [tensor(1)])[1];
    const reverseOverForward = grad((x: Tensor) => jvp(f, [x], [tensor(1)])[1]);
    const expected = grad(grad(f))(0.7).item();
    for (const second of [forwardOverReverse, reverseOverForward, grad(grad(f))]) {
      expect((second as (x: Tensor) => Tensor)(tensor(0.7)).item()).toBeCloseTo(expected, 11);
      expect(jit(second as (x: Tensor) => Tensor)(0.7).item()).toBeCloseTo(expected, 11);
    }
  });
  it('keep custom rules and checkpoints inside bodies', () => {
    const limited = customVjp(
      (x: Tensor) => x.mul(2),
      (x: Tensor) => [x.mul(2), null] as const,
      (_none: null, ct: Tensor) => [ct.mul(2).minimum(5)] as const,
    );
    const f = (x: Tensor): Tensor => scan((h) => [checkpoint(limited)(h), null], x, null, { length: 4 })[0];
    expect(f(tensor(1)).item()).toBe(16);
    // The state is 2, then 4, then limited to 5.
    for (const g of [grad(f), jit(grad(f))]) expect(g(1).item()).toBe(5);
    for (const g of [vmap(grad(f)), jit(vmap(grad(f)))]) expect(g(tensor([1, 3])).toArray()).toEqual([5, 5]);
  });
});

describe('the cost', () => {
  const chain = (length: number): Plan =>
    planProgram(
      traceProgram(
        (x, w) => [
          grad(
            (y: Tensor, v: Tensor) => scan((h) => [h.matmul(v).tanh(), null], y, null, { length })[0].sum(),
            1,
          )(x!, w!),
        ],
        [
          { dtype: 'float32', shape: [8, 8] },
          { dtype: 'float32', shape: [8, 8] },
        ],
      ),
    );
  it('grows with the number of turns, and the memory only by the states', () => {
    const [short, long] = [chain(250), chain(1000)];
    const flops = [short, long].map((plan) => describePlan(plan!).flops);
    expect(flops[1]! / flops[0]!).toBeGreaterThan(3.9);
    expect(flops[1]! / flops[0]!).toBeLessThan(4.1);
    expect(long!.arenaBytes - short!.arenaBytes).toBe(750 * 8 * 8 * 4);
    expect(long!.program.equations.length).toBe(short!.program.equations.length);
  });
  it('differentiates 1,000 turns within a program as outside', () => {
    const f = (x: Tensor): Tensor =>
      scan((h) => [h.mul(0.9).add(x.sin()).tanh(), null], x, null, { length: 1000 })[0];
    expect(bitsOf(jit(f)(0.3))).toBe(bitsOf(f(tensor(0.3))));
    expect(jit(grad(f))(0.3).item()).toBeCloseTo(grad(f)(0.3).item(), 13);
  });
  it('keeps nothing that no result needs', () => {
    // The derivative of a sum needs no state, so no array of states is kept.
    const total = planProgram(
      traceProgram(
        (x) => [
          grad(
            (y: Tensor) => scan((s, v) => [s.add(v.mul(3)), [s, v]], tensor(0, { dtype: 'float32' }), y)[0],
          )(x!),
        ],
        [{ dtype: 'float32', shape: [1000] }],
      ),
    );
    expect(total.program.equations.filter(({ primitive }) => primitive === 'scan').length).toBe(1);
    // The gradient itself, and a few places.
    expect(total.arenaBytes).toBeLessThan(4000 + 1024);
  });
  it('costs as much in reverse mode as forward, also outside of programs', () => {
    const count = (length: number): number =>
      traceProgram(
        (x) => [grad((y: Tensor) => scanUnrolled(y, length))(x!)],
        [{ dtype: 'float64', shape: [length] }],
      ).equations.length;
    const scanUnrolled = (y: Tensor, length: number): Tensor => {
      let s: Tensor = y.at(0);
      for (let i = 1; i < length; i++) s = s.mul(y.at(i));
      return s;
    };
    expect((count(80) - count(40)) / 40).toBe((count(40) - count(20)) / 20);
    const product = (y: Tensor): Tensor => scan((s, v) => [s.mul(v), null], 1, y)[0];
    const y = tensor(Float64Array.from({ length: 500 }, (_, i) => 1 + ((i * 7) % 11) / 1000));
    const byHand = product(y).item();
    for (const [i, slope] of grad(product)(y).data.entries())
      expect(slope).toBeCloseTo(byHand / y.data[i]!, 10);
  });
});

describe('mistakes', () => {
  const one = tensor(1, { dtype: 'float32' });
  it.each<[string, () => unknown, RegExp]>([
    [
      'another structure',
      () => scan((c) => [[c, c] as never, null], 1, tensor([1])),
      /scan: the body returns an array of 2 for a state that is a leaf/,
    ],
    [
      'another shape',
      () => scan(({ a }) => [{ a: a.add(tensor([1, 2])) }, null], { a: tensor(1) }, tensor([1])),
      /scan: 'a' of the state goes in as float64\[\] and comes back as float64\[2\]/,
    ],
    [
      'another type',
      () => scan((c) => [c.cast('float64'), null], one, tensor([1])),
      /scan: the state goes in as float32\[\] and comes back as float64\[\]; a loop keeps types and shapes/,
    ],
    [
      'the same within a program',
      () => jit((x: Tensor) => scan((c) => [c.cast('float64'), null], one, x)[0])(tensor([1])),
      /scan: the state goes in as float32\[\]/,
    ],
    [
      'a body without a pair',
      () => scan(((c: Tensor) => c) as never, 1, tensor([1])),
      /scan: the body must return \[state, result\], not object/,
    ],
    [
      'lengths that differ',
      () => scan((c) => [c, null], 1, [tensor([1]), tensor([1, 2])]),
      /scan: an array \[2\] does not have a row for each of 1 turns/,
    ],
    ['no length', () => scan((c) => [c, null], 1, null), /scan: the number of turns is unknown; give arrays/],
    [
      'a fraction of a turn',
      () => forLoop(0, 2.5, (_i, c) => c, 1),
      /forLoop: goes from 0 to 2.5.*whileLoop/,
    ],
    [
      'a sum over shards',
      () =>
        jit((x: Tensor) => scan((c, y) => [c.add(allReduceSum(cast(y, 'float64'))), null], 0, x)[0])(
          tensor([1, 2]),
        ),
      /scan: allReduceSum crosses shards/,
    ],
    [
      'a value that steers an if',
      () => jit((x: Tensor) => (x.item() > 0 ? x : x.neg()))(1),
      /choose with where\(condition, a, b\) or cond\(\), loop with scan\(\), forLoop\(\) or whileLoop\(\)/,
    ],
  ])('names %s', (_what, call, message) => {
    expect(call).toThrow(message);
  });
});
