import { expect, it } from 'vitest';
import { decodeFrameId, encodeFrameId, MAX_BUCKETS } from './frame-id.ts';

it('numbers every bucket of every exchange differently, in the order in which they start', () => {
  const last = MAX_BUCKETS - 1;
  const indices = [
    { exchange: 0, bucket: 0 },
    { exchange: 0, bucket: last },
    { exchange: 1, bucket: 0 },
    { exchange: 7, bucket: 3 },
  ];
  const frameIds = indices.map(encodeFrameId);
  expect(frameIds).toEqual([0, 1023, 1024, 7171]);
  expect(frameIds.map(decodeFrameId)).toEqual(indices);
});

it('refuses a bucket whose number the next exchange uses', () => {
  expect(() => encodeFrameId({ exchange: 0, bucket: MAX_BUCKETS })).toThrowError('at most 1024 buckets');
});
