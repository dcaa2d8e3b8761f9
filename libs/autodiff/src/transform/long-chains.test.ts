/** Reverse mode on long programs: no recursion, and a cost that grows with the program. */
import { expect, it } from 'vitest';
import { grad, type Tensor, tensor, vjp } from '../index.ts';
import { traceProgram } from '../program/trace.ts';

const chain =
  (length: number) =>
  (x: Tensor): Tensor => {
    let y = x;
    for (let i = 0; i < length; i++) y = i % 2 === 0 ? y.sin() : y.add(x);
    return y;
  };

it('differentiates a chain of 20,000 ops without deep recursion', () => {
  const length = 20_000;
  let y = 0.3;
  let slope = 1;
  for (let i = 0; i < length; i++) {
    slope = i % 2 === 0 ? slope * Math.cos(y) : slope + 1;
    y = i % 2 === 0 ? Math.sin(y) : y + 0.3;
  }
  const [value, pull] = vjp(chain(length), 0.3);
  expect(value.item()).toBeCloseTo(y, 12);
  expect(pull(tensor(1))[0].item()).toBeCloseTo(slope, 9);
});

it('records equations in proportion to the length of the program', () => {
  const count = (f: (x: Tensor) => Tensor): number =>
    traceProgram((x) => [f(x!)], [{ dtype: 'float64', shape: [] }]).equations.length;
  const cost = (length: number): number => count(grad(chain(length)));
  const perOp = (cost(400) - cost(200)) / 200;
  expect((cost(800) - cost(400)) / 400).toBe(perOp);
  expect(perOp).toBeLessThanOrEqual(4);
  // A second derivative also multiplies the cost by a constant.
  const second = (length: number): number => count(grad(grad(chain(length))));
  expect((second(800) - second(400)) / 400).toBe((second(400) - second(200)) / 200);
});

it('visits a value shared by many paths once', () => {
  // 2⁴⁰ paths lead from the result to x.
  const doubled = (x: Tensor): Tensor => {
    let y = x;
    for (let i = 0; i < 40; i++) y = y.add(y);
    return y;
  };
  expect(grad(doubled)(1).item()).toBe(2 ** 40);
});
