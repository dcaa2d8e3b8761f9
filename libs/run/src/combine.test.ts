import { referenceKernels } from '@lockstep/kernels';
import { expect, it } from 'vitest';
import { combineWith } from './combine.ts';

const { sum, moments, copy } = combineWith(referenceKernels());

it('adds and copies', () => {
  const out = new Float32Array(2);
  sum(out, Float32Array.of(1, 2), Float32Array.of(3, -2));
  expect([...out]).toEqual([4, 0]);
  copy(out, Float32Array.of(5, 6));
  expect([...out]).toEqual([5, 6]);
});

it('combines moments of any number of channels', () => {
  const one = [2, 3, 10, 1, 4];
  const other = [2, 5, 20, 3, 4];
  const both = [4, 4, 15, 1 + 3 + 4, 4 + 4 + 100];
  for (const channels of [[0], [0, 1], [1]]) {
    const pick = (x: readonly number[]) =>
      Float32Array.of(x[0]!, ...channels.map((c) => x[1 + c]!), ...channels.map((c) => x[3 + c]!));
    const out = new Float32Array(1 + 2 * channels.length);
    moments(out, pick(one), pick(other));
    expect(out).toEqual(pick(both));
  }
});
