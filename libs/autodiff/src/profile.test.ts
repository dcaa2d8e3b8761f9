import { offeredProfiles } from '@lockstep/kernels';
import { afterEach, expect, it } from 'vitest';
import { matmul } from './primitives/contraction.ts';
import { useProfile } from './profile.ts';
import { tensor } from './tensor.ts';
import { jit } from './transform/jit.ts';

afterEach(() => useProfile('portable'));

// −1 + (1 + 2⁻¹²)(1 − 2⁻¹²) is −2⁻²⁴ when rounded once, and 0 when the product is rounded to 1.
const a = tensor([[-1, 1 + 2 ** -12]], { dtype: 'float32' });
const b = tensor([[1], [1 - 2 ** -12]], { dtype: 'float32' });
const product = () => [matmul(a, b).data[0], jit(matmul)(a, b).data[0]];

it('is portable unless told', () => {
  expect(product()).toEqual([0, 0]);
});

it.runIf(offeredProfiles().includes('fma'))('fma rounds once, in eager ops and compiled functions', () => {
  useProfile('fma');
  expect(product()).toEqual([-(2 ** -24), -(2 ** -24)]);
});
