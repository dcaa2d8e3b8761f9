/** Programs that write over their inputs give the bits of programs that do not. */
import { createKernels, createWasmKernels, referenceKernels } from '@lockstep/kernels';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { instanceOf } from '../fixtures/instances.ts';
import { allOf, opsOf, steps } from '../fixtures/programs.ts';
import { booleans, bytesOf, ordinary } from '../fixtures/values.ts';
import {
  bind,
  cond,
  forLoop,
  type Plan,
  planProgram,
  primitiveNamed,
  runAlone,
  scan,
  stack,
  type Tensor,
  tensor,
  traceProgram,
  where,
} from '../index.ts';
import type { ConcreteTensor } from '../tensor.ts';

const exchange = (x: Tensor): Tensor => bind(primitiveNamed('exchange'), [x], { combine: 'sum' });

type Function = (...inputs: Tensor[]) => Tensor[];

const backends = { reference: () => referenceKernels(), wasm: createWasmKernels, fastest: createKernels };

const floats = (...shapes: readonly (readonly number[])[]): ConcreteTensor[] =>
  shapes.map((shape, i) => ordinary(shape)(40 + i).cast('float32') as ConcreteTensor);

const planned = (f: Function, inputs: readonly ConcreteTensor[], numInPlace: number): Plan =>
  planProgram(traceProgram(f, inputs), { outputs: 'given', numInPlace });

/** The outputs after a run. The outputs in place lie in copies of the inputs. */
function outputsOf(
  plan: Plan,
  inputs: readonly ConcreteTensor[],
  backend: keyof typeof backends = 'reference',
): string[] {
  const { instance } = instanceOf(plan, inputs, backends[backend]);
  runAlone(instance);
  return instance.outputs.map((data) => bytesOf(data.slice()));
}

/** How many of the outputs in place are computed in their final place. */
const numDirect = ({ program, places, numInPlace }: Plan): number =>
  program.outputs.slice(0, numInPlace).filter((variable, index) => {
    const place = places.get(variable);
    return place?.kind === 'input' && place.index === index;
  }).length;

/** Compares the program in place with the one with separate outputs, on all backends; returns the plan. */
function expectSame(f: Function, inputs: readonly ConcreteTensor[], numInPlace: number): Plan {
  const plan = planned(f, inputs, numInPlace);
  const apart = planned(f, inputs, 0);
  for (const backend of ['reference', 'wasm', 'fastest'] as const)
    expect(outputsOf(plan, inputs, backend), backend).toEqual(outputsOf(apart, inputs, backend));
  return plan;
}

describe('an output in place', () => {
  const [a, b, c] = floats([40, 33], [40, 33], [40, 33]) as [ConcreteTensor, ConcreteTensor, ConcreteTensor];

  it('is computed there if its input is read for the last time', () => {
    const plan = expectSame((x, y) => [x!.mul(y!).add(1), x!.sub(y!)], [a, b], 1);
    expect(numDirect(plan)).toBe(1);
    expect(opsOf(plan.program)).toEqual(['fused']);
  });
  it('… also several at once, each over an operand that the others read', () => {
    const f: Function = (x, y, z) => {
      const m = y!.mul(0.9).add(z!.mul(0.1));
      const v = z!.square().mul(0.01).add(x!.abs());
      return [x!.sub(m.div(v.sqrt().add(1e-3))), m, v, m.square().sum(), x!.sum(0), y!.mul(z!).sum(1)];
    };
    expect(numDirect(expectSame(f, [a, b, c], 3))).toBe(3);
  });
  it('is computed elsewhere if its input is read later', () => {
    const f: Function = (x, w) => {
      const y = x!.matmul(w!);
      return [y.matmul(w!).add(1), y.transpose().matmul(x!).tanh(), y];
    };
    const plan = expectSame(f, floats([24, 24], [24, 24]), 2);
    expect(numDirect(plan)).toBe(1);
  });
  it('… or if the equation that computes it reads the input in another order', () => {
    const plan = expectSame((x) => [x!.transpose()], floats([24, 24]), 1);
    expect(numDirect(plan)).toBe(0);
    expect(numDirect(expectSame((x, y) => [y!.matmul(x!)], floats([24, 24], [24, 24]), 1))).toBe(0);
  });
  it('… or if it has the size of a sum in the chain that reads the input', () => {
    const f: Function = (x, totals) => {
      const y = x!.mul(totals!);
      return [y.relu(), y.sum(0)];
    };
    expectSame(f, floats([40, 33], [33]), 2);
  });
  it('is untouched where it is its own input', () => {
    const plan = expectSame((x, y) => [x!, y!.reshape([33, 40]).reshape([40, 33]), x!.add(y!)], [a, b], 2);
    expect([numDirect(plan), plan.arenaBytes, opsOf(plan.program)[0]]).toEqual([2, 0, 'add']);
  });
  it('may be another input, which is saved before it is overwritten', () => {
    const kept: Function = (x, before) => [x!.sub(before!.mul(0.5)), x!, x!, before!];
    const plan = expectSame(kept, [a, b], 2);
    expect(numDirect(plan)).toBe(1);
  });
  it('may be another input that is not overwritten', () => {
    const plan = expectSame((x, y) => [x!, x!, y!.mul(2)], [a, b], 2);
    expect(opsOf(plan.program)).not.toContain('copy');
  });
  it('may exchange places with others', () => {
    expectSame((x, y) => [y!, x!], [a, b], 2);
    expectSame((x, y, z) => [y!, z!, x!], [a, b, c], 3);
    expectSame((x, y, z) => [y!, z!, x!.add(1), x!], [a, b, c], 3);
    expectSame((x, y, z) => [y!.reshape([33, 40]).reshape([40, 33]), x!, y!.add(z!)], [a, b, c], 3);
  });
  it('may be a constant, or a value that is several outputs', () => {
    const constant = tensor(new Float32Array(40 * 33).fill(7), { shape: [40, 33] });
    expectSame((x, y) => [constant, x!.add(y!), x!.mul(2), constant], [a, b], 2);
    const f: Function = (x, y, z) => {
      const sum = x!.add(y!).mul(z!);
      return [sum, sum, sum, sum, sum.exp()];
    };
    expect(numDirect(expectSame(f, [a, b, c], 3))).toBe(1);
  });
  it('may be the result of an exchange, or be written before an exchange', () => {
    const f: Function = (x, y, z) => {
      const total = exchange(x!.mul(z!));
      return [total, total.add(y!), exchange(total.mul(y!)).sub(x!), z!.neg()];
    };
    const plan = expectSame(f, [a, b, c], 3);
    expect(plan.segments).toHaveLength(3);
    expectSame((x, y) => [exchange(y!), exchange(x!)], [a, b], 2);
  });
  it('may be of any type', () => {
    const flags = booleans([40, 33])(3) as ConcreteTensor;
    const counts = tensor(new Int32Array(7).fill(3)) as ConcreteTensor;
    const f: Function = (flag, x, n) => [
      flag!.logicalNot(),
      where(flag!, x!, x!.neg()),
      n!.add(n!),
      flag!.logicalOr(x!.greater(0)),
    ];
    expectSame(f, [flags, a, counts], 3);
  });
  it('may be a result of loops and branches that read the overwritten input', () => {
    const f: Function = (x, w, h) => [
      forLoop(0, 3, (_i, y) => y.matmul(w!).tanh(), x!),
      cond(
        x!.sum().greater(0),
        () => w!.add(x!),
        () => w!.mul(h!),
      ),
      scan((state, row) => [state.add(row), state], h!, stack([x!, w!]))[0],
    ];
    expectSame(f, floats([24, 24], [24, 24], [24, 24]), 3);
  });
  it('has the type of its input', () => {
    const f: Function = (x) => [x!.sum()];
    expect(() => planned(f, [a], 1)).toThrow(/an output in place has the type of its input/);
  });
});

describe('random programs in place', () => {
  const shapes = [[4, 4], [4, 4], [2, 4], [2, 4], [4], [4], [], []] as const;
  const inputs = floats(...shapes);
  const choices = fc.array(fc.nat(), { minLength: shapes.length, maxLength: shapes.length });
  /** For each input, a value of its shape, possibly that of an input; then the program's own results. */
  const chosen =
    (lists: readonly Parameters<typeof allOf>[0][], choice: readonly number[]): Function =>
    (...xs) => {
      let values = xs;
      for (const [i, list] of lists.entries()) {
        // Some of the values are exchanged between two lists.
        const crossed = i === 0 ? [] : [values.at(-1)!, values[choice[i]! % values.length]!].map(exchange);
        values = allOf(list)(...values, ...crossed);
      }
      const next = xs.map(({ shape }, i) => {
        const fitting = values.filter((value) => value.shape.join() === shape.join());
        return fitting[fitting.length - 1 - (choice[i]! % fitting.length)]!;
      });
      return [...next, values.at(-1)!, ...xs];
    };
  const check = (numLists: number): void => {
    const lists = fc.array(steps, { minLength: numLists, maxLength: numLists });
    let numSegments = 0;
    fc.assert(
      fc.property(lists, choices, (drawn, choice) => {
        const f = chosen(drawn, choice);
        const [plan, apart] = [planned(f, inputs, shapes.length), planned(f, inputs, 0)];
        numSegments = Math.max(numSegments, plan.segments.length);
        expect(outputsOf(plan, inputs)).toEqual(outputsOf(apart, inputs));
      }),
      { numRuns: process.env.LOCKSTEP_THOROUGH === '1' ? 300 : 40, seed: 17 },
    );
    expect(numSegments).toBe(numLists);
  };

  it('give the same bits as with separate outputs', () => check(1));
  it('… also over exchanges', () => check(3));
});
