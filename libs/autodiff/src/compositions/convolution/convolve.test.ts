/** Convolutions compared with each other. The table of ops compares values with loops. */
import { describe, expect, it } from 'vitest';
import { bitsOf, ordinary } from '../../fixtures/values.ts';
import {
  type ConvTranspose2dOptions,
  cast,
  concatenate,
  conv2d,
  convTranspose2d,
  jit,
  mul,
  sum,
  type Tensor,
  transpose,
} from '../../index.ts';
import { place } from '../../primitives/shape/slicing.ts';

const images = ordinary([2, 7, 6, 4])(1);

describe('conv2d', () => {
  it.each(['float32', 'float64'] as const)(
    '%s: dilation gives the bits of a kernel with zeros between its elements',
    (dtype) => {
      const [x, kernel] = [cast(images, dtype), cast(ordinary([2, 3, 4, 3])(2), dtype)];
      const spread = place(kernel, [0, 0, 0, 0], [3, 2, 1, 1], [4, 5, 4, 3]);
      for (const padding of [
        'same',
        'valid',
        2,
        [
          [0, 3],
          [1, 2],
        ],
      ] as const) {
        const dilated = (a: Tensor, k: Tensor): Tensor =>
          conv2d(a, k, { dilation: [3, 2], stride: [1, 2], padding });
        const expected = bitsOf(conv2d(x, spread, { stride: [1, 2], padding }));
        expect(bitsOf(dilated(x, kernel))).toBe(expected);
        expect(bitsOf(jit(dilated)(x, kernel))).toBe(expected);
      }
    },
  );
  it('convolves each group of channels separately', () => {
    const kernel = ordinary([3, 3, 2, 6])(3);
    const halves = [0, 1].map((group) =>
      conv2d(images.at('...', [2 * group, 2 * group + 2]), kernel.at('...', [3 * group, 3 * group + 3]), {
        stride: 2,
      }),
    );
    expect(bitsOf(conv2d(images, kernel, { stride: 2, groups: 2 }))).toBe(bitsOf(concatenate(halves, 3)));
  });
  it('has ceil(length / stride) outputs with padding "same", whatever the dilation', () => {
    const kernel = ordinary([3, 2, 4, 1])(4);
    for (const stride of [1, 2, 3])
      for (const dilation of [1, 2, 5])
        expect(conv2d(images, kernel, { stride, dilation }).shape).toEqual([
          2,
          Math.ceil(7 / stride),
          Math.ceil(6 / stride),
          1,
        ]);
  });
});

describe('convTranspose2d', () => {
  const all: readonly ConvTranspose2dOptions[] = [
    {},
    { stride: 2 },
    { stride: [3, 1], padding: 'valid' },
    { stride: 2, padding: 1, outputPadding: 1 },
    {
      dilation: 2,
      padding: [
        [1, 0],
        [2, 1],
      ],
    },
    { stride: 3, dilation: [2, 3], padding: 1, outputPadding: [0, 2] },
    { groups: 2, stride: 2 },
    { groups: 4, dilation: 2, padding: 'valid' },
  ];
  it.each(all)('is the transpose of conv2d: %j', (options) => {
    const kernel = ordinary([2, 3, 4, 2])(5);
    const spread = convTranspose2d(images, kernel, options);
    const z = ordinary(spread.shape)(6);
    const { outputPadding: _, ...window } = options;
    const gathered = conv2d(z, transpose(kernel, [0, 1, 3, 2]), window);
    expect(gathered.shape).toEqual(images.shape);
    expect(sum(mul(gathered, images)).item()).toBeCloseTo(sum(mul(z, spread)).item(), 10);
  });
  it('multiplies the size by the stride with padding "same"', () => {
    for (const size of [1, 2, 3, 4])
      for (const stride of [1, 2, 3, 5])
        expect(convTranspose2d(images, ordinary([size, 2, 4, 1])(7), { stride }).shape).toEqual([
          2,
          7 * stride,
          6 * stride,
          1,
        ]);
  });
});
