import type { FrameKind, Header } from '@lockstep/collectives';
import { expect, it } from 'vitest';
import { createEarlyFrames } from './early-frames.ts';

const headerOf = (kind: FrameKind, generation: number): Header => ({
  ...{ kind, generation, run: 1, rank: 1, step: 1, frameId: 0 },
  ...{ level: 0, index: 0, chunk: 0, length: 0, direct: false },
});
const empty = new Uint8Array(0);

it('gives a generation the requests for its state, and forgets older ones', () => {
  const early = createEarlyFrames(1000);
  const [old, now, later] = [1, 2, 3].map((generation) => headerOf('snapshot-request', generation));
  for (const header of [old!, now!, later!]) early.put(header, empty);
  expect(early.takeRequests(2)).toEqual([now]);
  expect(early.takeRequests(2)).toEqual([]);
  expect(early.takeRequests(3)).toEqual([later]);
  early.put(old!, empty);
  expect(early.takeRequests(4)).toEqual([]);
  expect(early.takeRequests(1)).toEqual([]);
});

it('holds frames of exchanges, and no answers to a request that nobody has made', () => {
  const early = createEarlyFrames(1000);
  early.put(headerOf('partial', 2), empty);
  early.put(headerOf('snapshot-data', 2), empty);
  expect(early.held.take({ generation: 2, step: 1, frameId: 0 })).toHaveLength(1);
});
