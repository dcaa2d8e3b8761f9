/** Operations counted by hand, in traced programs and in planned ones. */
import { describe, expect, it } from 'vitest';
import {
  type Aval,
  allPrimitives,
  argSort,
  checkpoint,
  cholesky,
  cond,
  describePlan,
  planProgram,
  programFlops,
  scan,
  solve,
  type Tensor,
  traceProgram,
} from '../index.ts';
import { equationFlops } from './flops.ts';

const float = (...shape: number[]): Aval => ({ dtype: 'float32', shape });
type Fn = (...inputs: Tensor[]) => Tensor[];

describe('programFlops', () => {
  it.each<[string, Fn, readonly Aval[], number]>([
    ['a loop by its turns', (x) => [scan((s, y) => [s.mul(y), null], x!.sum(), x!)[0]], [float(5)], 5 + 5],
    [
      'a branch by its longer body',
      (x) => [
        cond(
          x!.sum().greater(0),
          () => x!.matmul(x!),
          () => x!.neg(),
        ),
      ],
      [float(4, 4)],
      16 + 1 + 2 * 4 * 16,
    ],
    ['a checkpoint by its content', (x) => [checkpoint((y: Tensor) => y.sin().cos())(x!)], [float(3)], 6],
    ['a function on the host', (x) => [x!.sinh()], [float(7)], 7],
    ['a system', (a, b) => [solve(a!, b!)], [float(6, 6), float(6, 2)], (2 / 3) * 216 + 2 * 2 * 36],
    ["Cholesky's factor", (a) => [cholesky(a!)], [float(2, 6, 6)], 2 * 72],
    ['a sort by its comparisons', (x) => [argSort(x!)], [float(3, 8)], 24 * 3],
  ])('counts %s, traced and planned', (_what, f, avals, expected) => {
    const program = traceProgram(f, avals);
    expect(programFlops(program)).toBeCloseTo(expected, 9);
    expect(describePlan(planProgram(program)).flops).toBeCloseTo(expected, 9);
  });

  it('knows every primitive, or counts it as free', () => {
    const avals = [float(2, 4, 4), float(2, 4, 4), float(2, 4, 4)];
    const free = allPrimitives().filter(({ name }) => {
      const attrs = { kernelSize: [1, 1] };
      const equation = { primitive: name, attrs, inputs: [0, 1], outputs: [2] };
      const program = { numInputs: 2, avals, constants: [], equations: [equation], outputs: [2] };
      return equationFlops(equation, program) === 0;
    });
    expect(free.map(({ name }) => name).sort()).toEqual(
      [
        ...['reshape', 'copy', 'transpose', 'broadcast', 'cast', 'stopGradient', 'slice', 'place'],
        ...['concatenate', 'flip', 'gather', 'lastPlaces', 'barrier', 'exchange'],
        ...['foldIn', 'randomBits', 'unitFromBits', 'permutation'],
      ].sort(),
    );
  });
});
