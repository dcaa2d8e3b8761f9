/** Checks every exported op by the table of cases in fixtures/ops, and docs/ops.md by that table. */
import { readFileSync, writeFileSync } from 'node:fs';
import { LockstepError } from '@lockstep/errors';
import { isFloat } from '@lockstep/tensor';
import { describe, expect, it } from 'vitest';
import { batchesLikeLoop, isAdjoint, type Several } from './fixtures/checks.ts';
import { coverageDocument, differentiatedPlaces } from './fixtures/ops/coverage.ts';
import { allOps, families } from './fixtures/ops/index.ts';
import { notOps } from './fixtures/ops/not-ops.ts';
import { type Edge, type OpCase, type OpEntry, resultsOf } from './fixtures/ops/op-case.ts';
import { bitsOf } from './fixtures/values.ts';
import * as library from './index.ts';
import { cast, checkGrads, concatenate, grad, jit, stack, type Tensor, tensor, vmap } from './index.ts';

const document = new URL('../../../docs/ops.md', import.meta.url);

describe('the table of ops', () => {
  const exported = Object.entries(library).flatMap(([name, value]) =>
    typeof value === 'function' ? [name] : [],
  );

  it('has cases for every exported op and no others', () => {
    const rest: readonly string[] = Object.values(notOps).flat();
    expect(Object.keys(allOps).sort()).toEqual(exported.filter((name) => !rest.includes(name)).sort());
    expect(rest.filter((name) => !exported.includes(name))).toEqual([]);
  });
  it('names each op once', () => {
    const names = Object.values(families).flatMap((family) => Object.keys(family));
    expect(names.length).toBe(new Set(names).size);
    expect(Object.entries(allOps).filter(([, { cases }]) => cases.length === 0)).toEqual([]);
  });
  it('is what docs/ops.md says', async () => {
    const text = await coverageDocument();
    if (process.env.LOCKSTEP_WRITE_GOLDEN === '1') writeFileSync(document, text);
    expect(readFileSync(document, 'utf8')).toBe(text);
  });
});

for (const [name, entry] of Object.entries(allOps)) {
  describe(name, () => {
    for (const given of entry.cases) describe(given.label, () => check(given));
    for (const edge of entry.edges ?? []) it(`at ${edge.at}`, () => holdsAt(edge, entry));
  });
}

const listOf =
  ({ f }: OpCase): Several =>
  (...xs) =>
    resultsOf(f(...xs));

const inFloat32 = (x: Tensor): Tensor => (x.dtype === 'float64' ? cast(x, 'float32') : x);

function check(given: OpCase): void {
  if (given.expected !== undefined) it('has the value of its definition', () => hasValue(given));
  it('gives the same bits in every interpreter', () => keepsBits(given));
  const places = placesOf(given);
  if (places.length > 0)
    it('has derivatives that agree with each other and with differences', () =>
      checkDerivatives(given, places));
}

/**
 * jit = eager and vmap = loop, bit for bit, or both refuse if the case says so. The types are float32, since only
 * float32 is fused; primitives.test.ts also covers float64.
 */
function keepsBits(given: OpCase): void {
  const f = listOf(given);
  const inputs = (variant: number): Tensor[] => given.inputs(variant).map(inFloat32);
  const results = f(...inputs(0));
  if (inputs(0).some((x) => x.dtype === 'float32'))
    expect(results.map((y) => y.dtype)).not.toContain('float64');
  if (given.eagerOnly !== undefined) {
    expect(() => jit(f)(...inputs(0))).toThrow(LockstepError);
    return;
  }
  expect(jit(f)(...inputs(0)).map(bitsOf), 'jit = eager').toEqual(results.map(bitsOf));
  if (given.notBatchable === undefined) batchesLikeLoop(f, inputs, [0]);
  else expect(() => vmap(f)(...inputs(0).map((x) => stack([x, x])))).toThrow(LockstepError);
}

/** Finite differences up to the case's order, and ⟨g, jvp v⟩ = ⟨vjp g, v⟩. */
function checkDerivatives(given: OpCase, places: readonly number[]): void {
  const f = listOf(given);
  const inputs = given.inputs(0);
  const at = places.map((place) => inputs[place]!);
  const by: Several = (...xs) =>
    f(...inputs.map((x, i) => (places.includes(i) ? xs[places.indexOf(i)]! : x)));
  const flat = (...xs: Tensor[]): Tensor =>
    concatenate(by(...xs).flatMap((y) => (isFloat(y.dtype) ? [y.reshape([-1])] : [])));
  checkGrads(flat, at, { order: given.order ?? 2 });
  isAdjoint(by, at, 1e-12);
}

/** Tests are listed before they run. An op that throws fails its own test only, not the whole table. */
function placesOf(given: OpCase): readonly number[] {
  try {
    return differentiatedPlaces(given);
  } catch (error) {
    it('runs', () => {
      throw error;
    });
    return [];
  }
}

function hasValue({ f, inputs, expected, tolerance = 1e-12 }: OpCase): void {
  const result = f(...inputs(0));
  const wanted = expected!(...inputs(0).map((x) => x.toArray()));
  const found = Array.isArray(result) ? result.map((y: Tensor) => y.toArray()) : (result as Tensor).toArray();
  expectNear(found, wanted, tolerance);
}

function holdsAt({ f, inputs, value, slopes }: Edge, { cases }: OpEntry): void {
  const op = f ?? ((...xs: Tensor[]) => resultsOf(cases[0]!.f(...xs))[0]!);
  const at = inputs.map((x) => tensor(x));
  if (value !== undefined) expectNear(op(...at).toArray(), value, 1e-12);
  if (slopes === undefined) return;
  const gradients = grad(
    (...xs: Tensor[]) => op(...xs).sum(),
    at.map((_, i) => i),
  )(...at) as Tensor[];
  expectNear(
    gradients.map((x) => x.toArray()),
    slopes,
    1e-12,
  );
}

/** Compares nesting, infinities and NaNs exactly, and numbers within a tolerance. */
function expectNear(found: unknown, wanted: unknown, tolerance: number): void {
  if (Array.isArray(wanted)) {
    expect(found).toHaveLength(wanted.length);
    wanted.forEach((item, i) => {
      expectNear((found as unknown[])[i], item, tolerance);
    });
  } else if (!Number.isFinite(wanted)) {
    expect(found).toBe(wanted);
  } else {
    const near = wanted as number;
    expect(typeof found).toBe('number');
    expect(Math.abs((found as number) - near)).toBeLessThanOrEqual(tolerance * (1 + Math.abs(near)));
  }
}
