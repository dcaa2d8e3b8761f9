/** The memory of compiled functions: programs by profile, a bounded number of them, in shared memory. */
import { offeredProfiles } from '@lockstep/kernels';
import { afterEach, expect, it } from 'vitest';
import { jit, matmul, type Tensor, tensor, useProfile } from '../index.ts';

afterEach(() => useProfile('portable'));

/** 0, 1, …, n − 1 in float64, whose sums are exact here. */
const ramp = (n: number): Tensor => tensor(Float64Array.from({ length: n }, (_, i) => i));

it.runIf(offeredProfiles().includes('fma'))(
  'computes the profile of the call, whichever profile came before',
  () => {
    // −1 + (1 + 2⁻¹³)(1 − 2⁻¹³) is −2⁻²⁶ when rounded once, and 0 when the product is rounded to 1.
    const a = tensor([[-1, 1 + 2 ** -13]], { dtype: 'float32' });
    const b = tensor([[1], [1 - 2 ** -13]], { dtype: 'float32' });
    const product = jit((x: Tensor, y: Tensor) => matmul(x, y));
    const values = (['portable', 'fma', 'portable', 'fma'] as const).map((profile) => {
      useProfile(profile);
      return product(a, b).data[0];
    });
    expect(values).toEqual([0, -(2 ** -26), 0, -(2 ** -26)]);
  },
);

it('keeps the given number of programs, and drops the one that has not run for the longest time', () => {
  let traces = 0;
  const f = jit(
    (x: Tensor) => {
      traces++;
      return x.add(1).sum();
    },
    { maxPrograms: 2 },
  );
  const run = (n: number): number => {
    expect(f(ramp(n)).item()).toBe((n * (n + 1)) / 2);
    return traces;
  };
  expect([1, 2, 1, 2].map(run)).toEqual([1, 2, 2, 2]);
  // 1 was used longer ago than 2; after that 3 longer ago than 2.
  expect([3, 2, 1, 2, 3].map(run)).toEqual([3, 3, 4, 4, 5]);
});

it('keeps the constants of a program when other programs write into the memory', () => {
  const [a, b] = [3, 5].map((scale) => {
    const constant = ramp(100).mul(scale);
    return jit((x: Tensor) => x.mul(constant));
  }) as [(x: Tensor) => Tensor, (x: Tensor) => Tensor];
  const large = jit((x: Tensor) => x.mul(2).cumSum(0).add(1));
  for (let turn = 0; turn < 3; turn++) {
    expect(a(ramp(100)).data[99]).toBe(3 * 99 * 99);
    expect(b(ramp(100)).data[99]).toBe(5 * 99 * 99);
    // Makes the shared memory grow for the first time.
    expect(large(ramp(1_000_000).mul(0)).data[999_999]).toBe(1);
  }
});

it.each([0, -1, 1.5, Number.NaN, '3', null])('refuses to keep %s programs', (maxPrograms) => {
  expect(() => jit((x: Tensor) => x, { maxPrograms: maxPrograms as number })).toThrow(/jit: maxPrograms is/);
});

/** All of them in `npm run test:thorough`. */
const numPrograms =
  process.env.LOCKSTEP_THOROUGH === '1' ? { shapes: 1_500, functions: 200 } : { shapes: 200, functions: 40 };

it('takes many shapes, and many functions, in a few memories', () => {
  const host = (globalThis as unknown as { WebAssembly: { Memory: new (limits: object) => object } })
    .WebAssembly;
  const { Memory } = host;
  let memories = 0;
  host.Memory = class extends Memory {
    constructor(limits: object) {
      super(limits);
      memories++;
    }
  };
  try {
    const f = jit((x: Tensor) => x.add(1).sum());
    for (let n = 1; n <= numPrograms.shapes; n++) expect(f(ramp(n)).item()).toBe((n * (n + 1)) / 2);
    for (let n = 1; n <= numPrograms.functions; n++)
      expect(jit((x: Tensor) => x.add(n))(ramp(1)).item()).toBe(n);
  } finally {
    host.Memory = Memory;
  }
  // A process has addresses for about 12,000 memories, so programs cannot have one each.
  expect(memories).toBeLessThan(3);
});
