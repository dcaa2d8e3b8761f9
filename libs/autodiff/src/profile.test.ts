import { offeredProfiles } from '@lockstep/kernels';
import { afterEach, expect, it } from 'vitest';
import { tensor } from './convert.ts';
import { matmul } from './primitives/linear-algebra/matmul.ts';
import { currentProfile, useProfile, withProfile } from './profile.ts';
import type { Tensor } from './tensor.ts';
import { jit } from './transform/jit.ts';

afterEach(() => useProfile('portable'));

// −1 + (1 + 2⁻¹³)(1 − 2⁻¹³) is −2⁻²⁶ when rounded once, and 0 when the product is rounded to 1.
const a = tensor([[-1, 1 + 2 ** -13]], { dtype: 'float32' });
const b = tensor([[1], [1 - 2 ** -13]], { dtype: 'float32' });
const product = () => [matmul(a, b).data[0], jit((x: Tensor, y: Tensor) => matmul(x, y))(a, b).data[0]];

it('is portable by default', () => {
  expect(product()).toEqual([0, 0]);
});

it.runIf(offeredProfiles().includes('fma'))('fma rounds once, in eager ops and compiled functions', () => {
  useProfile('fma');
  expect(product()).toEqual([-(2 ** -26), -(2 ** -26)]);
});

it.runIf(offeredProfiles().includes('fma'))(
  'withProfile goes back to the profile before, also after an error',
  () => {
    expect(withProfile('fma', product)).toEqual([-(2 ** -26), -(2 ** -26)]);
    expect(product()).toEqual([0, 0]);
    const failing = (): never => {
      throw new Error('inside');
    };
    expect(() => withProfile('fma', failing)).toThrow('inside');
    expect(currentProfile()).toBe('portable');
  },
);
