import { expect, it } from 'vitest';
import { cutFrames, joinFrames } from './frames.ts';

it('cuts a file into frames for the control plane, and joins them', () => {
  const file = Buffer.alloc((20 << 20) + 3, 'abc');
  const frames = cutFrames(file);
  expect(frames.map(({ byteLength }) => byteLength)).toEqual([8 << 20, 8 << 20, (4 << 20) + 3]);
  expect(file.equals(joinFrames(frames))).toBe(true);
  expect(cutFrames(file.subarray(0, 5))).toEqual([file.subarray(0, 5)]);
});
