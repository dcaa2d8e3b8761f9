/**
 * The output ahead is complete after the first segment, before any input is overwritten. The bits are those of the
 * whole program.
 */
import type { TypedArray } from '@lockstep/tensor';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { instanceOf } from '../fixtures/instances.ts';
import { allOf, opsOf, steps } from '../fixtures/programs.ts';
import { bytesOf, ordinary } from '../fixtures/values.ts';
import { type Plan, planProgram, runAlone, stack, type Tensor, traceProgram } from '../index.ts';
import type { ConcreteTensor } from '../tensor.ts';

type Function = (...inputs: Tensor[]) => Tensor[];

const floats = (...shapes: readonly (readonly number[])[]): ConcreteTensor[] =>
  shapes.map((shape, i) => ordinary(shape)(60 + i).cast('float32') as ConcreteTensor);

const copies = (arrays: readonly TypedArray[]): string[] => arrays.map((data) => bytesOf(data.slice()));

/** Compares a plan whose output `numInPlace` is ahead with the program in one piece; returns the plan. */
function expectSame(f: Function, given: readonly ConcreteTensor[], numInPlace: number): Plan {
  const traced = traceProgram(f, given);
  const plan = planProgram(traced, { outputs: 'given', numInPlace, ahead: numInPlace });
  const whole = instanceOf(planProgram(traced, { outputs: 'given', numInPlace }), given).instance;
  runAlone(whole);
  const { instance, inputs } = instanceOf(plan, given);
  const before = copies(inputs);
  instance.run(0);
  expect(copies(inputs)).toEqual(before);
  expect(bytesOf(instance.outputs[numInPlace]!.slice())).toBe(bytesOf(whole.outputs[numInPlace]!.slice()));
  instance.run(1);
  expect(copies(instance.outputs)).toEqual(copies(whole.outputs));
  return plan;
}

const opsIn = (plan: Plan, segment: number): string[] =>
  opsOf({ ...plan.program, equations: plan.segments[segment]! });

describe('an output ahead', () => {
  const [w, m, g] = floats([40, 33], [40, 33], [40, 33]) as [ConcreteTensor, ConcreteTensor, ConcreteTensor];
  const norm = (x: Tensor): Tensor => x.square().sum().sqrt();

  it('keeps a chain of momentum as one equation, which divides again instead of reading the quotient that the norm used', () => {
    const f: Function = (param, velocity, gradient) => {
      const mean = gradient!.div(3);
      const next = velocity!.mul(0.9).add(mean);
      return [param!.sub(next.mul(0.1)), next, stack([mean.sum(), norm(mean)])];
    };
    const plan = expectSame(f, [w, m, g], 2);
    expect(opsIn(plan, 1)).toEqual(['fused']);
    // The two sums, and nothing of the size of a parameter.
    expect(plan.arenaBytes).toBeLessThan(40 * 33 * 4);
  });
  it('passes values that it computed on to the rest, as clipping needs', () => {
    const f: Function = (param, velocity, gradient) => {
      const length = norm(gradient!);
      const clipped = gradient!.mul(length.add(1e-6).pow(-1).minimum(1));
      const next = velocity!.mul(0.9).add(clipped);
      return [param!.sub(next), next, stack([length, length.mul(2)]), stack([length, next.sum()])];
    };
    const plan = expectSame(f, [w, m, g], 2);
    const sums = plan.segments.map((equations) => JSON.stringify(equations).match(/"size":1320/g)?.length);
    expect(sums).toEqual([1, 1]);
  });
  it('is never computed over an input, even if an output in place has the same value', () => {
    const f: Function = (last, velocity, gradient) => {
      const mean = gradient!.mul(0.5).matmul(velocity!.transpose());
      return [gradient!.mul(0.5), velocity!.add(last!), stack([mean.sum()]), mean];
    };
    expectSame(f, [w, m, g], 2);
  });
  it('must be computed, and not be in place', () => {
    const traced = traceProgram((x: Tensor) => [x.add(1), x], [w]);
    expect(() => planProgram(traced, { outputs: 'given', numInPlace: 1, ahead: 0 })).toThrow(/not in place/);
    expect(() => planProgram(traced, { outputs: 'given', numInPlace: 1, ahead: 1 })).toThrow(
      /the output ahead is computed in its place/,
    );
  });
});

describe('random programs with an output ahead', () => {
  const shapes = [[4, 4], [4, 4], [2, 4], [2, 4], [4], [4], [], []] as const;
  const inputs = floats(...shapes);
  const choices = fc.array(fc.nat(), { minLength: shapes.length + 1, maxLength: shapes.length + 1 });
  it('give the bits of the program in one piece', () => {
    fc.assert(
      fc.property(steps, choices, (list, choice) => {
        const f: Function = (...xs) => {
          const values = allOf(list)(...xs);
          const next = xs.map(({ shape }, i) => {
            const fitting = values.filter((value) => value.shape.join() === shape.join());
            return fitting[fitting.length - 1 - (choice[i]! % fitting.length)]!;
          });
          const watched = values[values.length - 1 - (choice.at(-1)! % values.length)]!;
          return [...next, stack([watched.square().sum(), watched.sum()]), values.at(-1)!];
        };
        expectSame(f, inputs, shapes.length);
      }),
      { numRuns: process.env.LOCKSTEP_THOROUGH === '1' ? 300 : 40, seed: 23 },
    );
  });
});
