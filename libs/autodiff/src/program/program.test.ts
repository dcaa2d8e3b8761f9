/** Programs as data: hashes, text and JSON. */
import { referenceKernels } from '@lockstep/kernels';
import { describe, expect, it } from 'vitest';
import { cases } from '../fixtures/cases.ts';
import { bytesOf } from '../fixtures/values.ts';
import {
  bind,
  type Equation,
  formatProgram,
  grad,
  instantiate,
  type Program,
  planProgram,
  primitiveNamed,
  programHash,
  runAlone,
  type Tensor,
  tensor,
  traceProgram,
  uniform,
  zeros,
} from '../index.ts';

const avals = [
  { dtype: 'float32', shape: [2, 3] },
  { dtype: 'float32', shape: [3] },
] as const;

const trace = (f: (x: Tensor, w: Tensor) => Tensor): Program => traceProgram((x, w) => [f(x!, w!)], avals);

const loss = (x: Tensor, w: Tensor): Tensor => x.matmul(w).sigmoid().sum();

describe('programHash', () => {
  it('is equal for two traces of a pure function', () => {
    const gradient = (x: Tensor, w: Tensor): Tensor => grad(loss, 1)(x, w);
    expect(programHash(trace(gradient))).toBe(programHash(trace(gradient)));
    expect(programHash(trace(gradient))).toMatch(/^[0-9a-f]{64}$/);
  });
  it('differs for a function that changes between calls', () => {
    let calls = 0;
    const counts = (x: Tensor, w: Tensor): Tensor => loss(x, w).mul(calls++);
    expect(programHash(trace(counts))).not.toBe(programHash(trace(counts)));
    const values = [0.25, 0.75];
    const impure = (x: Tensor, w: Tensor): Tensor => loss(x.add([values.pop()!, 0, 0]), w);
    expect(programHash(trace(impure))).not.toBe(programHash(trace(impure)));
    let grows = false;
    const branches = (x: Tensor, w: Tensor): Tensor => {
      grows = !grows;
      return grows ? loss(x, w) : loss(x, w).neg();
    };
    expect(programHash(trace(branches))).not.toBe(programHash(trace(branches)));
  });
  it('depends on every part of a program', () => {
    const programs = [
      trace((x) => x.sum(0)),
      trace((x) => x.sum(1)),
      trace((x) => x.mul(2)),
      trace((x) => x.mul(3)),
      trace((x) => x.add([1, 2, 3])),
      trace((x) => x.add([1, 2, 4])),
      trace((_x, w) => w),
      trace((x) => x),
      trace((x, w) => x.add(w)),
      trace((x, w) => x.sub(w)),
      trace((x, w) => w.sub(x)),
      traceProgram((x) => [x!], [{ dtype: 'float64', shape: [2, 3] }, avals[1]]),
      traceProgram((x) => [x!], [avals[0]]),
      traceProgram((x) => [x!, x!], avals),
    ];
    expect(new Set(programs.map(programHash)).size).toBe(programs.length);
  });
  it('distinguishes numbers that JSON writes alike', () => {
    const { avals: own, ...rest } = trace((x) => x.sum(0));
    const withFill = (fill: unknown): Program => {
      const [first, ...others] = rest.equations;
      return { ...rest, avals: own, equations: [{ ...first!, attrs: { fill } }, ...others] };
    };
    const fills = [null, Number.NaN, Infinity, -Infinity, 0, -0];
    expect(new Set(fills.map((fill) => programHash(withFill(fill)))).size).toBe(fills.length);
  });
  it('does not depend on keys, which are inputs', () => {
    const drop = (seed: number): Program => {
      const key = tensor(Uint32Array.of(0, seed));
      return traceProgram((k) => [uniform(k!, [2])], [key]);
    };
    expect(programHash(drop(1))).toBe(programHash(drop(2)));
  });
});

describe('formatProgram', () => {
  it('prints one line for each equation', () => {
    expect(formatProgram(trace((x, w) => x.matmul(w).mul(0.5).sum()))).toMatchInlineSnapshot(`
      "(v0: float32[2, 3], v1: float32[3]) →
        const v5: float32[] = 0.5
        v2: float32[3, 1] = reshape v1 {"shape":[3,1]}
        v3: float32[2, 1] = matmul v0 v2 {"transposeA":false,"transposeB":false}
        v4: float32[2] = reshape v3 {"shape":[2]}
        v6: float32[2] = broadcast v5 {"shape":[2],"axes":[]}
        v7: float32[2] = mul v4 v6
        v8: float32[] = sum v7 {"axis":0,"count":1}
        return v8"
    `);
  });
});

describe('a program in JSON', () => {
  const roundTrip = (equations: readonly Equation[]): readonly Equation[] =>
    JSON.parse(JSON.stringify(equations));

  for (const [name, list] of Object.entries(cases)) {
    it(`keeps ${name}`, () => {
      for (const { inputs, attrs } of list) {
        const program = traceProgram((...xs) => [bind(primitiveNamed(name), xs, attrs)], inputs(0));
        expect(program.equations).toHaveLength(1);
        expect(roundTrip(program.equations)).toStrictEqual(program.equations);
      }
    });
  }
  it('is the same program', () => {
    const program = trace((x, w) => grad(loss, 1)(x, w.add([1, 2, 3])));
    const revived: Program = { ...program, equations: roundTrip(program.equations) };
    expect(programHash(revived)).toBe(programHash(program));
    const results = [program, revived].map((p) => {
      const plan = planProgram(p);
      const instance = instantiate(plan, {
        kernels: referenceKernels(),
        buffer: new ArrayBuffer(plan.arenaBytes),
        byteOffset: 0,
        inputs: [Float32Array.of(1, 2, 3, 4, 5, 6), Float32Array.of(0.1, 0.2, -0.3)],
        results: [],
      });
      runAlone(instance);
      return bytesOf(instance.outputs[0]!);
    });
    expect(results[0]).toBe(results[1]);
  });
  it('names a primitive that does not exist', () => {
    expect(() => primitiveNamed('frobnicate')).toThrow(/there is no primitive 'frobnicate'/);
  });
});

describe('constants', () => {
  it('of one repeated value take a single element', () => {
    const program = trace((x) => x.add(zeros([2, 3])).add([5, 5, 5]));
    expect(program.constants.map(({ storage }) => storage.data.length)).toEqual([1, 1]);
  });
  it('are kept once', () => {
    const shared = tensor(
      [
        [1, 2, 3],
        [4, 5, 6],
      ],
      { dtype: 'float32' },
    );
    expect(trace((x) => x.add(shared).mul(shared)).constants).toHaveLength(1);
  });
});
