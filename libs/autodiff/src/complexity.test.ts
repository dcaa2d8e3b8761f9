/**
 * Lists of arrays cost time in proportion to their length, in both modes: ten times as many pieces take about ten times
 * as many rule calls and elements, not a hundred times. Work is counted, not timed.
 */
import { describe, expect, it } from 'vitest';
import { ordinary } from './fixtures/values.ts';
import {
  allPrimitives,
  concatenate,
  grad,
  jvp,
  type Primitive,
  split,
  stack,
  type Tensor,
  tensor,
  unstack,
} from './index.ts';

interface Work {
  calls: number;
  elements: number;
}

type Rules = { -readonly [K in 'kernel' | 'vjp' | 'jvp']: Primitive[K] };

/** The number of rule and kernel calls that `f` makes, and of elements that the kernels fill. */
function workOf(f: () => unknown): Work {
  const work: Work = { calls: 0, elements: 0 };
  const counted = allPrimitives().map((primitive) => {
    const { kernel, vjp, jvp } = primitive;
    const rules = primitive as Rules;
    rules.kernel = (out, inputs, attrs) => {
      work.calls++;
      work.elements += out.data.length;
      return kernel(out, inputs, attrs);
    };
    if (vjp) {
      rules.vjp = (...args) => {
        work.calls++;
        return vjp(...args);
      };
    }
    if (jvp) {
      rules.jvp = (...args) => {
        work.calls++;
        return jvp(...args);
      };
    }
    return () => Object.assign(rules, { kernel, ...(vjp && { vjp }), ...(jvp && { jvp }) });
  });
  try {
    f();
  } finally {
    for (const restore of counted) restore();
  }
  return work;
}

const x = ordinary([4])(1);
const range = (n: number): number[] => Array.from({ length: n }, (_, i) => i);
const pieces = (y: Tensor, n: number): Tensor[] => range(n).map((i) => y.mul(i));

/** Programs of size n. Each is differentiated by its argument. */
const programs: Readonly<Record<string, (y: Tensor, n: number) => Tensor>> = {
  'a list that is stacked': (y, n) => stack(pieces(y, n)).sum(),
  'a list that is concatenated along its last axis': (y, n) => concatenate(pieces(y, n), -1).square().sum(),
  'an array that is taken apart and put together again': (y, n) =>
    stack(unstack(concatenate(pieces(y, n))).map((piece) => piece.square())).sum(),
  'an array that is split': (y, n) =>
    split(concatenate(pieces(y, n)), n).reduce((sum, piece) => sum.add(piece.sum()), tensor(0)),
  'a list whose items are read in a loop': (y, n) => {
    const list = pieces(y, n);
    return range(n).reduce((sum, i) => sum.add(list[i]!.sum()), tensor(0));
  },
  'fan-out and fan-in': (y, n) =>
    range(n)
      .reduce((z) => z.add(z).mul(0.5), y)
      .sum(),
};

describe.each(Object.entries(programs))('%s', (_name, f) => {
  const modes = {
    reverse: (n: number) => grad((y: Tensor) => f(y, n))(x),
    forward: (n: number) => jvp((y: Tensor) => f(y, n), [x], [x]),
  };
  it.each(Object.entries(modes))('costs grow in proportion to the length: %s mode', (_mode, run) => {
    const [small, large] = [64, 640].map((n) => workOf(() => run(n))) as [Work, Work];
    expect(small.calls).toBeGreaterThan(64);
    for (const of of ['calls', 'elements'] as const) {
      expect(large[of] / small[of]).toBeGreaterThan(5);
      expect(large[of] / small[of]).toBeLessThan(20);
    }
  });
});

it('indexing in a loop calls as many rules as there are indices', () => {
  const calls = [20, 200].map(
    (n) =>
      workOf(() => {
        const sum = (y: Tensor): Tensor => range(n).reduce((total, i) => total.add(y.at(i)), tensor(0));
        return grad(sum)(ordinary([n])(2));
      }).calls,
  ) as [number, number];
  expect(calls[1] / calls[0]).toBeGreaterThan(9);
  expect(calls[1] / calls[0]).toBeLessThan(11);
});
