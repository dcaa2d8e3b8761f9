/**
 * Branches of a batch whose examples differ: each example has its own results and derivatives, with the bits of a loop
 * over the examples.
 */
import { describe, expect, it } from 'vitest';
import { bitsOf } from '../fixtures/values.ts';
import {
  checkpoint,
  cond,
  forLoop,
  grad,
  jit,
  jvp,
  mapOver,
  scan,
  stack,
  switchCase,
  type Tensor,
  tensor,
  vmap,
  whileLoop,
} from '../index.ts';

type F = (x: Tensor) => Tensor;
const scalar = (x: number): Tensor => tensor(x);
const zero = scalar(0);

/** Functions of which another branch would give NaN or ∞, or not end. */
const functions: Readonly<Record<string, F>> = {
  root: (x) =>
    cond(
      x.greater(0),
      (y) => y.sqrt(),
      (y) => y.mul(0.5),
      x,
    ),
  captured: (x) =>
    cond(
      x.greater(0),
      () => x.log().mul(x),
      () => x.neg(),
    ),
  nested: (x) =>
    cond(
      x.greater(-1),
      (y) =>
        cond(
          y.greater(0),
          (z) => z.pow(1.5).div(z.sqrt()),
          (z) => z.neg().add(0.5).log(),
          y,
        ),
      (y) => y.neg().sqrt(),
      x,
    ),
  around: (x) => {
    const y = x.sin();
    return cond(
      x.lessEqual(0),
      () => y.square(),
      () => x.reciprocal().mul(x.log()),
    );
  },
  constant: (x) =>
    cond(
      x.greater(0),
      (y) => y.log(),
      () => scalar(2),
      x,
    ),
  switched: (x) =>
    switchCase(
      x.add(1).floor().cast('int32'),
      [(y) => y.neg().sqrt(), (y) => y.mul(3), (y) => y.log(), (y) => y.sub(1).reciprocal()],
      x,
    ),
  scanned: (x) =>
    scan(
      (s, t) => [
        cond(
          s.greater(0),
          (y) => y.sqrt().mul(t),
          (y) => y.square().sub(t),
          s,
        ),
        s,
      ],
      x,
      tensor([1.5, -0.25, 2]),
    )[0],
  counted: (x) =>
    forLoop(
      0,
      3,
      (i, s) =>
        cond(
          s.greater(0.5),
          (y) => y.sub(0.4).sqrt(),
          (y) => y.mul(i.cast('float64').add(0.5)),
          s,
        ),
      x,
    ),
  mapped: (x) =>
    mapOver(
      (t) =>
        cond(
          t.add(x).greater(0),
          (y) => y.add(x).log(),
          (y) => y.mul(x),
          t,
        ),
      tensor([-1, 0.5, 2]),
    ).sum(),
  checkpointed: (x) =>
    checkpoint((y: Tensor) =>
      cond(
        y.greater(0),
        (z) => z.sqrt(),
        (z) => z.exp(),
        y,
      ),
    )(x).mul(2),
};

/** Functions with loops, which have a reverse mode outside of programs only. */
const loops: Readonly<Record<string, F>> = {
  ends: (x) =>
    cond(
      x.greater(0),
      (y) =>
        whileLoop(
          (z) => z.less(100),
          (z) => z.mul(2).add(z.sqrt()),
          y,
        ),
      (y) => y.mul(3),
      x,
    ),
  // At the state where an example ends, the next square root does not exist.
  stops: (x) =>
    whileLoop(
      (z) => z.greater(0.25),
      (z) => z.sub(0.25).sqrt().mul(0.75),
      x,
    ),
  // The inner loop would not end for an example that has ended.
  inner: (x) =>
    whileLoop(
      ({ n }) => n.greater(0.5),
      ({ n, s }) => ({
        n: n.sub(1),
        s: s.add(
          whileLoop(
            (z) => z.notEqual(0),
            (z) => z.sub(z.sign()),
            n.ceil(),
          ),
        ),
      }),
      { n: x.abs().ceil(), s: x },
    ).s,
};

const values = [2.5, -0.5, 0, 1, -2, 0.25, 1.75];
const batch = tensor(values);
const each = (f: F): Tensor => stack(values.map((x) => f(scalar(x))));

const derivatives: Readonly<Record<string, (f: F) => F>> = {
  value: (f) => f,
  grad: (f) => grad(f),
  jvp: (f) => (x) => jvp(f, [x], [scalar(1.25)])[1],
  'grad of grad': (f) => grad(grad(f)),
  'jvp of grad': (f) => (x) => jvp(grad(f), [x], [scalar(1)])[1],
  'grad of jvp': (f) => grad((x: Tensor) => jvp(f, [x], [scalar(1)])[1]),
};

const forward = ['value', 'jvp'];

/**
 * Compares the bits, except for second derivatives of loops. Within a program each derivative recomputes a turn; a
 * JavaScript loop shares the turn. The last digit and the sign of a zero may therefore differ.
 */
function expectSame(what: string, name: string, how: string, found: Tensor, expected: Tensor): void {
  const isLast = ['counted', 'stops', 'inner'].includes(name) && how.includes(' of ');
  if (!isLast) expect(bitsOf(found), what).toBe(bitsOf(expected));
  for (const [i, value] of expected.data.entries())
    if (isLast) expect(Math.abs(found.data[i]! - value) / (1 + Math.abs(value)), what).toBeLessThan(1e-12);
}

describe('a batch whose examples take different branches', () => {
  const cases = Object.entries({ ...functions, ...loops }).flatMap(([name, f]) =>
    Object.entries(derivatives).map(([how, d]) => [how, name, f, d] as const),
  );
  it.each(cases)('has the bits of a loop over them: %s of %s', (how, name, f, d) => {
    const expected = each(d(f));
    const same = (what: string, found: Tensor): void => expectSame(what, name, how, found, expected);
    same('eager', vmap(d(f))(batch));
    const rows = stack([batch, batch.flip()]);
    same(
      'eager, twice',
      vmap(vmap(d(f)))(rows)
        .at(1)
        .flip(),
    );
    if (name in loops && !forward.includes(how)) return;
    same('a loop over the compiled one', each(jit(d(f)) as F));
    same('compiled', jit(vmap(d(f)))(batch));
    same(
      'compiled, twice',
      jit(vmap(vmap(d(f))))(rows)
        .at(1)
        .flip(),
    );
    same('mapped', mapOver(d(f), batch));
    same('mapped, compiled', jit((xs: Tensor) => mapOver(d(f), xs))(batch));
  });
  it.each(Object.entries({ ...functions, ...loops }))(
    'also when it is differentiated from outside: %s',
    (name, f) => {
      const ones = tensor(new Float64Array(values.length).fill(1.25));
      const total = (xs: Tensor): Tensor => vmap(f)(xs).sum();
      const slope = grad(total);
      const moved: F = (xs) => jvp((ys: Tensor) => vmap(f)(ys), [xs], [ones])[1];
      const curved: F = (xs) => grad((ys: Tensor) => slope(ys).sum())(xs);
      const turned: F = (xs) => jvp(slope, [xs], [ones.mul(0).add(1)])[1];
      const same = (how: string, found: Tensor): void =>
        expectSame(how, name, how, found, each(derivatives[how]!(f)));
      same('grad', slope(batch));
      same('jvp', moved(batch));
      same('grad of grad', curved(batch));
      same('jvp of grad', turned(batch));
      same('jvp', jit(moved)(batch));
      if (name in loops) return;
      same('grad', jit(slope)(batch));
      same('grad of grad', jit(curved)(batch));
      same('jvp of grad', jit(turned)(batch));
    },
  );
  it('does not change shared values in a branch that no example takes', () => {
    const f = (w: Tensor, x: Tensor): Tensor =>
      cond(
        x.greater(0),
        () => w.sqrt().mul(x),
        () => w.mul(x),
      );
    const total = (w: Tensor, xs: Tensor): Tensor => vmap(f, { inAxes: [null, 0] })(w, xs).sum();
    for (const g of [grad(total), jit(grad(total))]) {
      expect(g(zero, tensor([-1, -2])).item()).toBe(-3);
      expect(g(scalar(4), tensor([-1, 2])).item()).toBe(-1 + 2 * 0.25);
    }
  });
  it('runs a loop only for the examples that take it, and not at all if there are none', () => {
    const endless: F = (x) =>
      cond(
        x.greater(0),
        (y) =>
          whileLoop(
            (z) => z.less(10),
            (z) => z.mul(2),
            y,
          ),
        (y) => y,
        x,
      );
    const rows = tensor([
      [1, -1],
      [-3, 3],
    ]);
    for (const f of [vmap(vmap(endless)), jit(vmap(vmap(endless)))])
      expect(f(rows).toArray()).toEqual([
        [16, -1],
        [-3, 12],
      ]);
    for (const f of [vmap(endless), jit(vmap(endless))]) {
      expect(f(tensor([1, -1, 3, -2])).toArray()).toEqual([16, -1, 12, -2]);
      expect(f(tensor([-1, -2])).toArray()).toEqual([-1, -2]);
    }
  });
  it('may have no examples', () => {
    const f = vmap((x: Tensor) =>
      cond(
        x.greater(0),
        (y) => y.add(1),
        (y) => y.sub(1),
        x,
      ),
    );
    expect(f(tensor(new Float64Array(0), { shape: [0] })).shape).toEqual([0]);
  });
});

describe('values that cannot steer', () => {
  const untyped = (f: unknown, ...args: unknown[]) => {
    return () => (f as (...all: unknown[]) => unknown)(...args);
  };
  const one: F = (x) => x;
  it.each<[string, () => unknown, RegExp]>([
    [
      'a number as a predicate',
      untyped(cond, 2, one, one, 1),
      /cond: the predicate is 2, not true, false or/,
    ],
    ['a string as a predicate', untyped(cond, 'no', one, one, 1), /cond: the predicate is the string 'no'/],
    ['nothing as a predicate', untyped(cond, undefined, one, one, 1), /cond: the predicate is undefined/],
    [
      'a fraction as an index',
      untyped(switchCase, 1.5, [one], 1),
      /switchCase: the index is 1\.5, not a whole/,
    ],
    ['NaN as an index', untyped(switchCase, Number.NaN, [one], 1), /switchCase: the index is NaN/],
    ['a truth value as an index', untyped(switchCase, true, [one, one], 1), /switchCase: the index is true/],
    [
      'an undefined batch axis',
      () => vmap(one, { inAxes: [undefined] as never })(batch),
      /vmap: inAxes is the list \[undefined\]; it must be/,
    ],
    ['a fractional batch axis', untyped(vmap(one, { inAxes: 0.5 }), batch), /vmap: 0\.5 in inAxes/],
    [
      'a string for an argument',
      () => grad(one, 'x' as never),
      /grad: wrt is the string 'x'; it must be the number of an argument/,
    ],
  ])('%s', (_what, call, message) => {
    expect(call).toThrow(message);
  });
});
