/** The first operation that leaves the finite numbers, forward and backward. */

import { runInThisContext } from 'node:vm';
import { LockstepError } from '@lockstep/errors';
import { describe, expect, it } from 'vitest';
import {
  checkpoint,
  debugNonFinite,
  findNonFinite,
  grad,
  jit,
  scan,
  type Tensor,
  tensor,
  where,
} from '../index.ts';
import { placeIn } from './call-site.ts';

const xs = tensor([1, 0, 2]);

/** Evaluates a function as if it stood in a user's file. */
const inFile = (source: string): ((x: Tensor) => Tensor) =>
  runInThisContext(source, { filename: '/home/me/train.js' }) as (x: Tensor) => Tensor;

describe('findNonFinite', () => {
  it('names the operation, its inputs and its output', () => {
    const found = findNonFinite((x: Tensor) => x.mul(2).log().sum())(xs);
    expect(found).toMatchObject({ phase: 'forward', op: 'log' });
    expect(found!.inputs).toEqual([
      { dtype: 'float64', shape: [3], min: 0, max: 4, numNaN: 0, numInfinite: 0 },
    ]);
    expect(found!.output).toMatchObject({ numNaN: 0, numInfinite: 1, shape: [3] });
    expect(found!.message).toMatch(
      /^log makes 1 infinity in 3 elements \(forward pass, called at .*\) from float64\[3\] of 0 … 4;/,
    );
  });
  it('names the line of the user that called it', () => {
    const f = inFile('(x) => {\n  const y = x.add(1);\n  return y.sub(y).log().sum();\n}');
    expect(findNonFinite(f)(xs)!.site).toBe('/home/me/train.js:3:19');
    const backward = inFile('(x) =>\n  x.sqrt().sum()');
    expect(findNonFinite(backward)(xs)!.site).toBe('/home/me/train.js:2:5');
  });
  it('finds values that are finite forward and not backward, with the rule and the operation within it', () => {
    const found = findNonFinite((x: Tensor) => x.sqrt().sum())(xs);
    expect(found).toMatchObject({ phase: 'backward', op: 'div', rule: { op: 'sqrt', argument: 0 } });
    expect(found!.message).toContain('backward pass, in the derivative of sqrt by its input 0');
  });
  it('finds the trap of where: the branch not taken has 0 · ∞', () => {
    const trap = (x: Tensor): Tensor => where(x.greater(0), x.log(), 0).sum();
    expect(findNonFinite(trap)(xs)).toMatchObject({ phase: 'forward', op: 'log' });
    const safe = (x: Tensor): Tensor => where(x.greater(0), where(x.greater(0), x, 1).log(), 0).sum();
    expect(findNonFinite(safe)(xs)).toBeUndefined();
  });
  it('reports a NaN from infinities, but not an infinity that was given as an argument', () => {
    const masked = (x: Tensor): Tensor => where(x.greater(0), x, Number.NEGATIVE_INFINITY).softmax().sum();
    expect(findNonFinite(masked)(xs)).toBeUndefined();
    expect(findNonFinite((x: Tensor) => masked(x.mul(0)))(xs)).toMatchObject({ phase: 'forward', op: 'sub' });
  });
  it('reports arguments that are not finite', () => {
    const found = findNonFinite(({ w }: { w: Tensor }) => w.sum())({ w: tensor([1, Number.NaN]) });
    expect(found).toMatchObject({ phase: 'argument', op: 'x.w', output: { numNaN: 1 } });
  });
  it('sees through jit, and also reports if the function fails over a NaN', () => {
    expect(findNonFinite(jit((x: Tensor) => x.log().sum()))(xs)!.op).toBe('log');
    const fails = (x: Tensor): Tensor => {
      const y = x.log().mul(0).sum();
      if (Number.isNaN(y.item())) throw new Error('stumbled');
      return y;
    };
    expect(findNonFinite(fails)(xs)!.op).toBe('log');
    const own = (_x: Tensor): Tensor => {
      throw new Error('of its own');
    };
    expect(() => findNonFinite(own)(xs)).toThrow('of its own');
  });
  it('looks into checkpoints, and into functions that take a gradient themselves', () => {
    const again = checkpoint((x: Tensor) => x.sqrt());
    expect(findNonFinite((x: Tensor) => again(x).sum())(xs)).toMatchObject({
      phase: 'backward',
      op: 'div',
      rule: { op: 'checkpoint' },
    });
    const step = (x: Tensor): Tensor => x.sub(grad((v: Tensor) => v.sqrt().sum())(x));
    expect(findNonFinite(step)(xs)).toMatchObject({ phase: 'backward', op: 'div' });
    const looped = (x: Tensor): Tensor =>
      scan((sum: Tensor, v: Tensor) => [sum.add(v.log()), null], tensor(0), x)[0];
    expect(findNonFinite(looped)(xs)!.op).toBe('log');
  });
  it('sees contributions that overflow in their sum', () => {
    const f = (x: Tensor): Tensor => x.mul(1e308).add(x.mul(1.7e308)).mul(1e-300);
    expect(findNonFinite((x: Tensor) => f(x).mul(1e300).sum())(tensor([1e-10]))).toMatchObject({
      phase: 'backward',
      op: 'add',
    });
  });
  it('finds nothing if all values are finite', () => {
    expect(findNonFinite((x: Tensor) => x.tanh().square().sum())(xs)).toBeUndefined();
    expect(findNonFinite((x: Tensor) => [x.argmax(), x.exp()])(xs)).toBeUndefined();
  });
});

describe('debugNonFinite', () => {
  it('gives the result of the function', () => {
    const f = (x: Tensor): { y: Tensor; z: Tensor } => ({ y: x.exp(), z: tensor(1) });
    const out = debugNonFinite(f)(xs);
    expect(out.y.toArray()).toEqual(f(xs).y.toArray());
    expect(() => out.y.add(1)).not.toThrow();
  });
  it('throws at the operation', () => {
    const f = inFile('(x) =>\n  x.log().sum()');
    const error: unknown = attempt(() => debugNonFinite(f)(xs));
    expect(error).toBeInstanceOf(LockstepError);
    expect(error).toMatchObject({
      code: 'argument',
      facts: { op: 'log', phase: 'forward', site: '/home/me/train.js:2:5' },
    });
    expect((error as LockstepError).message).toContain('log makes 1 infinity in 3 elements');
  });
  it('watches the backward pass of a gradient', () => {
    const gradient = debugNonFinite(grad((x: Tensor) => x.sqrt().sum()) as (x: Tensor) => Tensor);
    expect(() => gradient(xs)).toThrow(/div makes 1 infinity in 3 elements \(backward pass/);
    expect(gradient(tensor([4])).toArray()).toEqual([0.25]);
  });
  it('says that it must be given the values to watch', () => {
    expect(() => debugNonFinite(() => xs.log())()).toThrow(/pass parameters and data as arguments/);
  });
});

function attempt(f: () => unknown): unknown {
  try {
    return f();
  } catch (error) {
    return error;
  }
}

describe('placeIn', () => {
  it.each([
    [
      'a build',
      'Error\n    at f (file:///a/libs/autodiff/dist/core.js:1:2)\n    at file:///a/my.js:3:4',
      '/a/my.js:3:4',
    ],
    ['an async frame', 'Error\n    at async step (/a/my.js:5:6)', '/a/my.js:5:6'],
    ['no user code', 'Error\n    at f (/a/libs/x.js:1:2)\n    at node:internal/x:1:1', undefined],
  ])('reads the stack of %s', (_what, stack, expected) => {
    expect(placeIn(stack, ['/a/libs/'])).toBe(expected);
  });
});
