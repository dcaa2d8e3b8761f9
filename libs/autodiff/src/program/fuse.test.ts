/** What fusion achieves. optimize.test.ts draws random programs to show that it leaves every bit alone. */
import { describe, expect, it } from 'vitest';
import { bind } from '../core.ts';
import { planBlock } from '../fixtures/blocks.ts';
import { opsOf } from '../fixtures/programs.ts';
import {
  type Aval,
  allReduceSum,
  formatProgram,
  logicalNot,
  type Program,
  type Tensor,
  traceProgram,
  where,
} from '../index.ts';
import { barrier } from '../primitives/shape/barrier.ts';
import { isFused } from './equation.ts';
import { optimize } from './optimize.ts';

type Fn = (...inputs: Tensor[]) => Tensor[];
const float = (...shape: number[]): Aval => ({ dtype: 'float32', shape });
const optimized = (f: Fn, ...inputs: Aval[]): Program => optimize(traceProgram(f, inputs));

/** The ops of fused equations, with a + for each sum; the names of the other equations. */
const shapeOf = ({ equations }: Pick<Program, 'equations'>) =>
  equations.map((equation) => {
    if (!isFused(equation)) return equation.primitive;
    const { instructions, sums = [] } = equation.attrs;
    return [...instructions.map(({ op }) => op), ...sums.flatMap((sum) => (sum === null ? [] : ['+']))];
  });

describe('a chain', () => {
  it('is one equation, through reshapes and with patterns', () => {
    const f: Fn = (x, bias) => [x!.add(bias!).reshape([2, 6]).exp().reshape([12]).mul(3)];
    const program = optimized(f, float(4, 3), float(3));
    expect(formatProgram(program)).toMatchInlineSnapshot(`
      "(v0: float32[4, 3], v1: float32[3]) →
        const v7: float32[] = 3
        v9: float32[12] = fused v0 v1×(1/3) v7×(1/1)
          t0 = add v0 v1
          t1 = exp t0
          v9 = mul t1 v7
        return v9"
    `);
  });
  it('writes values that are read outside, and nothing else', () => {
    const program = optimized(
      (x) => {
        const y = x!.sin();
        const z = y.mul(x!).exp();
        return [y, z.add(1), z.matmul(z)];
      },
      float(4, 4),
    );
    expect(shapeOf(program)).toEqual([['sin', 'mul', 'exp', 'add'], 'matmul']);
    expect(program.equations[0]!.outputs).toHaveLength(3);
  });
  it('includes comparisons and choices, but only of float32', () => {
    const chosen: Fn = (x) => [where(logicalNot(x!.greater(0)), x!, x!.mul(2)).neg()];
    expect(shapeOf(optimized(chosen, float(4)))).toEqual([['gt', 'not', 'mul', 'select', 'neg']]);
    const wide = optimized(chosen, { dtype: 'float64', shape: [4] });
    expect(opsOf(wide)).not.toContain('fused');
    const counts: Fn = (x) => [where(x!.greater(0), x!, x!.mul(2))];
    expect(opsOf(optimized(counts, { dtype: 'int32', shape: [4] }))).not.toContain('fused');
  });
  it('is not joined with a chain that depends on it through another equation', () => {
    const f: Fn = (x) => {
      const y = x!.sin().neg();
      return [y.matmul(y).add(y).exp()];
    };
    expect(shapeOf(optimized(f, float(4, 4)))).toEqual([['sin', 'neg'], 'matmul', ['add', 'exp']]);
  });
  it('is not joined with a chain that waits for it', () => {
    const f: Fn = (x) => {
      const y = x!.sin();
      const later = bind(barrier, [x!, y], {});
      return [later.matmul(later).add(y).exp()];
    };
    expect(shapeOf(optimized(f, float(4, 4)))).toEqual(['sin', 'barrier', 'matmul', ['add', 'exp']]);
  });
  it('includes the sums over its values, and stays open after them', () => {
    const f: Fn = (x, y) => {
      const z = x!.mul(y!);
      const total = z.sum(0);
      const scaled = total.mul(2);
      return [scaled, z.neg().sum(0), z.abs().sum(0).add(scaled)];
    };
    const program = optimized(f, float(8, 4), float(8, 4));
    expect(shapeOf(program)).toEqual([
      ['mul', 'neg', 'abs', '+', '+', '+'],
      ['mul', 'add'],
    ]);
    expect(program.equations[0]!.outputs).toHaveLength(3);
  });
  it('sums a value that only several sums read, and says so', () => {
    const program = optimized((x) => [x!.sum(0), x!.reshape([2, 6]).sum(1)], float(4, 3));
    expect(formatProgram(program)).toMatchInlineSnapshot(`
      "(v0: float32[4, 3]) →
        v1: float32[3], v3: float32[2] = fused v0
          v1 = sum v0 [1, 4, 3]
          v3 = sum v0 [2, 6, 1]
        return v1 v3"
    `);
  });
  it('ends at a reader of its sums', () => {
    const f: Fn = (x) => [
      x!
        .sub(x!.sum(-1, { keepDims: true }))
        .square()
        .sum(0),
    ];
    expect(shapeOf(optimized(f, float(4, 3)))).toEqual(['sum', ['sub', 'square', '+']]);
  });
  it('leaves sums of other types alone', () => {
    const f: Fn = (x) => [x!.mul(2).sum(0), x!.sum(1)];
    const program = optimized(f, { dtype: 'float64', shape: [4, 3] });
    expect(opsOf(program)).not.toContain('fused');
  });
  it('includes all single elements', () => {
    const f: Fn = (x, y) => [x!.sqrt().add(1), y!.mul(3).exp()];
    expect(shapeOf(optimized(f, float(), float(1)))).toEqual([['sqrt', 'add', 'mul', 'exp']]);
    expect(shapeOf(optimized(f, float(3), float(3)))).toEqual([
      ['sqrt', 'add'],
      ['mul', 'exp'],
    ]);
  });
  it('is bounded in length', () => {
    const f: Fn = (x) => {
      let y = x!;
      for (let i = 0; i < 100; i++) y = y.sin();
      return [y];
    };
    const lengths = optimized(f, float(4)).equations.map((e) =>
      isFused(e) ? e.attrs.instructions.length : 1,
    );
    expect(lengths).toEqual([48, 48, 4]);
  });
});

describe('cheap values', () => {
  it('are recomputed by all readers instead of being kept', () => {
    const f: Fn = (x, w) => {
      const centred = x!.sub(w!);
      const spread = centred.square().sum(-1, { keepDims: true }).sqrt();
      const y = centred.div(spread);
      return [y.matmul(y).tanh().mul(centred)];
    };
    const { equations } = optimized(f, float(4, 4), float(4));
    const computed = equations.filter(({ primitive }) => primitive !== 'reshape');
    expect(shapeOf({ equations: computed })).toEqual([
      ['sub', 'square', '+'],
      'sqrt',
      ['sub', 'div'],
      'matmul',
      ['sub', 'tanh', 'mul'],
    ]);
  });
  it('are read where they must be kept, unless their source is read anyway', () => {
    const product =
      (factor: (x: Tensor, y: Tensor) => Tensor): Fn =>
      (x, w) => {
        const y = x!.mul(2);
        return [y.matmul(w!).mul(factor(x!, y)), y];
      };
    const inputs = [float(4, 4), float(4, 4)];
    expect(
      shapeOf(
        optimized(
          product((_x, y) => y),
          ...inputs,
        ),
      ),
    ).toEqual(['mul', 'matmul', 'mul']);
    const withBoth = product((x, y) => y.matmul(x).mul(x).add(y));
    expect(shapeOf(optimized(withBoth, ...inputs))).toEqual([
      ...['mul', 'matmul', 'matmul'],
      ['mul', 'mul', 'add', 'mul'],
    ]);
  });
  it('are kept when recomputing takes too many steps', () => {
    const f: Fn = (x, w) => {
      const y = x!.mul(2).add(1).square().neg().abs().mul(3);
      return [y.exp().matmul(w!).mul(y)];
    };
    expect(shapeOf(optimized(f, float(4, 4), float(4, 4)))).toEqual([
      ['mul', 'add', 'square', 'neg', 'abs', 'mul', 'exp'],
      'matmul',
      'mul',
    ]);
  });
});

describe('between segments', () => {
  const inputs = [float(2, 3, 4), float(2, 3, 4)].map((aval) => ({ ...aval, data: new Float32Array(24) }));
  const segmentsOf = (f: Fn) =>
    planBlock(f, inputs, [0, 0]).segments.map((equations) => shapeOf({ equations }));

  it('cheap values are recomputed instead of being kept', () => {
    const f: Fn = (x) => {
      const centred = x!.sub(1);
      const total = allReduceSum(centred.square().sum(0));
      return [allReduceSum(centred.mul(total).exp().sum(0))];
    };
    expect(segmentsOf(f)).toEqual([
      [['sub', 'square', '+'], 'treeSum'],
      [['sub', 'mul', 'exp', '+'], 'treeSum'],
      [],
    ]);
  });
  it('expensive values are kept', () => {
    const f: Fn = (x) => {
      const y = x!.tanh();
      const total = allReduceSum(y.square().sum(0));
      return [allReduceSum(y.mul(total).exp().sum(0))];
    };
    expect(segmentsOf(f)).toEqual([
      [['tanh', 'square', '+'], 'treeSum'],
      [['mul', 'exp', '+'], 'treeSum'],
      [],
    ]);
  });
  it('cheap values are computed where they are first read', () => {
    const f: Fn = (x, y) => {
      const late = y!.mul(2);
      const total = allReduceSum(x!.sum(0));
      return [allReduceSum(late.mul(total).sum(0))];
    };
    expect(segmentsOf(f)).toEqual([['sum', 'treeSum'], [['mul', 'mul', '+'], 'treeSum'], []]);
  });
});
