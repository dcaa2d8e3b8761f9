import { expect, it } from 'vitest';
import { cutFrames } from './checkpoints.ts';

it('cuts a file into frames that the control plane carries', () => {
  const file = Buffer.alloc((20 << 20) + 3, 'abc');
  const frames = cutFrames(file);
  expect(frames.map(({ byteLength }) => byteLength)).toEqual([8 << 20, 8 << 20, (4 << 20) + 3]);
  expect(Buffer.concat(frames).equals(file)).toBe(true);
  expect(cutFrames(file.subarray(0, 5))).toEqual([file.subarray(0, 5)]);
});
