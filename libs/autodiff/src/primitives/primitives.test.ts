/** Checks every primitive of the table: its rules must agree with each other. */
import { referenceKernels } from '@lockstep/kernels';
import { allocate, isFloat, type Storage, sizeOf } from '@lockstep/tensor';
import { describe, expect, it } from 'vitest';
import type { Case } from '../fixtures/case.ts';
import { cases } from '../fixtures/cases.ts';
import { batchesLikeLoop, isAdjoint, like, subsets } from '../fixtures/checks.ts';
import { bitsOf, bytesOf } from '../fixtures/values.ts';
import {
  type Attrs,
  allPrimitives,
  bind,
  cast,
  checkGrads,
  grad,
  type InAxis,
  jit,
  mul,
  type Primitive,
  stack,
  sum,
  type Tensor,
  vmap,
} from '../index.ts';
import { ConcreteTensor } from '../tensor.ts';
import { differentiableBy } from '../transform/arguments.ts';

type Floats = 'float32' | 'float64';
type Args = readonly Tensor[];
type Fn = (...xs: Tensor[]) => Tensor;

const several =
  (f: Fn) =>
  (...xs: Tensor[]): Tensor[] => [f(...xs)];

const attrsIn = (dtype: Floats, { attrs }: Case): Attrs =>
  dtype === 'float32' && attrs.dtype === 'float64' ? { ...attrs, dtype } : attrs;

const inputsIn = (dtype: Floats, { inputs }: Case, variant: number): Tensor[] =>
  inputs(variant).map((x) => (x.dtype === 'float64' ? cast(x, dtype) : x));

const applied =
  (primitive: Primitive, attrs: Attrs): Fn =>
  (...xs) =>
    bind(primitive, xs, attrs);

/** The places of the differentiable arguments, and `f` as a function of these arguments only. */
function differentiated(
  primitive: Primitive,
  f: Fn,
  inputs: Args,
): { places: number[]; of: (at: Args) => Fn; at: Tensor[] } {
  const places = inputs.flatMap((x, i) => (isFloat(x.dtype) && differentiableBy(primitive, i) ? [i] : []));
  return {
    places,
    at: places.map((i) => inputs[i]!),
    of:
      (all) =>
      (...xs) =>
        f(...all.map((x, i) => (places.includes(i) ? xs[places.indexOf(i)]! : x))),
  };
}

describe('the table', () => {
  it('has cases for every primitive and no others', () => {
    expect(Object.keys(cases).sort()).toEqual(
      allPrimitives()
        .map(({ name }) => name)
        .sort(),
    );
  });
});

for (const primitive of allPrimitives()) {
  for (const given of cases[primitive.name] ?? []) {
    describe(`${primitive.name} ${given.label}`, () => check(primitive, given));
  }
}

function check(primitive: Primitive, given: Case): void {
  it('fills the output that its shape rule states, and nothing else', () => fillsOutput(primitive, given));
  if (primitive.inPlace) it('may write over its operands', () => writesInPlace(primitive, given));
  const floats: readonly Floats[] = given.crossing ? ['float32'] : ['float64', 'float32'];
  for (const dtype of floats) {
    const f = applied(primitive, attrsIn(dtype, given));
    const inputs = (variant: number): Tensor[] => inputsIn(dtype, given, variant);
    it(`${dtype}: jit = eager`, () => {
      expect(bitsOf(jit(f)(...inputs(0)))).toBe(bitsOf(f(...inputs(0))));
    });
    if (given.crossing) {
      it('refuses to be batched', () => {
        expect(() => vmap(f)(...inputs(0).map((x) => stack([x, x])))).toThrow(/outermost/);
      });
      it('refuses to be differentiated', () => {
        expect(() => grad((x: Tensor) => sum(f(x)))(inputs(0)[0]!)).toThrow(/outermost/);
      });
      continue;
    }
    it(`${dtype}: vmap = loop`, () => batchesLikeLoop(several(f), inputs));
    it(`${dtype}: vmap of vmap = loop of loops`, () => batchesTwice(f, inputs));
    checkDerivatives(primitive, given, dtype, f, inputs);
  }
}

function checkDerivatives(
  primitive: Primitive,
  given: Case,
  dtype: Floats,
  f: Fn,
  inputs: (variant: number) => Tensor[],
): void {
  const { places, of, at } = differentiated(primitive, f, inputs(0));
  if (places.length === 0) return;
  const exact = dtype === 'float64' && !given.coarse;
  const g = of(inputs(0));
  const wide: Fn = (...xs) => cast(g(...xs), 'float64');
  if (dtype === 'float64') {
    // A float32 result leaves few digits to a difference, but these rules are linear, so a long step is exact.
    const options = exact ? {} : { step: 0.5, tolerance: 1e-5 };
    it('has first and second derivatives equal to finite differences', () => {
      checkGrads(wide, at, options);
    });
    for (const place of places) {
      const only: Fn = (x) => wide(...places.map((p) => (p === place ? x! : inputs(0)[p]!)));
      it(`has derivatives by argument ${place} alone equal to finite differences`, () =>
        checkGrads(only, [inputs(0)[place]!], options));
    }
  }
  it(`${dtype}: ⟨g, jvp v⟩ = ⟨vjp g, v⟩`, () => isAdjoint(several(g), at, exact ? 1e-12 : 1e-5));
  it(`${dtype}: jit of the gradient = the gradient`, () => {
    const gradient = gradientOf(g, at.length);
    const compiled = jit(gradient)(at).map(bitsOf);
    expect(compiled).toEqual(gradient(at).map(bitsOf));
  });
  it(`${dtype}: grad of vmap = vmap of grad`, () =>
    gradientsOfBatch(of(inputs(0)), at, exact ? 1e-12 : 1e-5));
}

function fillsOutput(primitive: Primitive, given: Case): void {
  const inputs = given.inputs(0).map(storageOf);
  const aval = primitive.shape(inputs, given.attrs);
  const size = sizeOf(aval.shape);
  const results = [3, 5].map((poison) => {
    const guarded = allocate(aval.dtype, size + 2).fill(poison);
    const out = { ...aval, data: guarded.subarray(1, size + 1) };
    primitive.kernel(out, inputs, given.attrs)(referenceKernels());
    expect([guarded[0], guarded[size + 1]]).toEqual([poison, poison]);
    return bytesOf(out.data);
  });
  expect(results[0]).toBe(results[1]);
  const eager = bind(primitive, given.inputs(0), given.attrs);
  expect({ dtype: eager.dtype, shape: eager.shape }).toEqual({ dtype: aval.dtype, shape: aval.shape });
  expect(bytesOf(eager.data)).toBe(results[0]);
}

function writesInPlace(primitive: Primitive, given: Case): void {
  const expected = bind(primitive, given.inputs(0), given.attrs);
  for (const place of given.inputs(0).keys()) {
    const inputs = given.inputs(0).map(storageOf);
    const out = inputs[place]!;
    if (out.dtype !== expected.dtype) continue;
    primitive.kernel(out, inputs, given.attrs)(referenceKernels());
    expect(bytesOf(out.data)).toBe(bytesOf(expected.data));
  }
}

function storageOf(x: Tensor): Storage {
  if (!(x instanceof ConcreteTensor)) throw new TypeError('a case has concrete inputs');
  return { ...x.storage, data: x.data.slice() };
}

/** Each argument is batched by the outer vmap, the inner one or both. */
function batchesTwice(f: Fn, inputs: (variant: number) => Tensor[]): void {
  const num = inputs(0).length;
  const masks = subsets(num);
  for (const outer of masks) {
    const inside = masks.find((mask) => mask.every((on, i) => on !== outer[i])) ?? outer.map(() => true);
    const axes = (mask: readonly boolean[]): InAxis[] => mask.map((on) => (on ? 0 : null));
    const variant = (i: number, o: number, n: number): Tensor =>
      inputs((outer[i] ? 2 * o : 0) + (inside[i] ? n : 0))[i]!;
    const args = outer.map((onOuter, i) => {
      const row = (o: number): Tensor =>
        inside[i] ? stack([variant(i, o, 0), variant(i, o, 1)]) : variant(i, o, 0);
      return onOuter ? stack([row(0), row(1)]) : row(0);
    });
    const y = vmap(vmap(f, { inAxes: axes(inside) }), { inAxes: axes(outer) })(...args);
    for (const [o, n] of [
      [0, 0],
      [0, 1],
      [1, 0],
      [1, 1],
    ] as const) {
      expect(bitsOf(y.at(o, n))).toBe(bitsOf(f(...outer.map((_, i) => variant(i, o, n)))));
    }
  }
}

/** The gradient of a weighted sum of all results, by all arguments. */
function gradientOf(g: Fn, numArguments: number): (xs: Tensor[]) => Tensor[] {
  return (xs) => {
    const scalar = (...ys: Tensor[]): Tensor => {
      const y = g(...ys);
      return sum(mul(y, like(y, 100)));
    };
    return grad(
      scalar,
      Array.from({ length: numArguments }, (_, i) => i),
    )(...xs) as Tensor[];
  };
}

function gradientsOfBatch(g: Fn, at: Args, tolerance: number): void {
  const batch = at.map((x, i) => stack([x, mul(x, 1 - 0.01 * (i + 1))]));
  const outside = gradientOf(vmap(g) as Fn, at.length);
  const one = vmap((w: Tensor, ...xs: Tensor[]) => {
    const scalar = (...ys: Tensor[]): Tensor => sum(mul(g(...ys), w));
    return grad(
      scalar,
      at.map((_, i) => i),
    )(...xs) as Tensor[];
  });
  const inside = one(like(vmap(g)(...batch), 100), ...batch);
  for (const [i, gradient] of outside(batch).entries()) {
    const other = inside[i]!;
    expect(gradient.shape).toEqual(other.shape);
    for (const [j, value] of gradient.data.entries())
      expect(Math.abs(value - other.data[j]!)).toBeLessThanOrEqual(tolerance * (1 + Math.abs(value)));
  }
}
