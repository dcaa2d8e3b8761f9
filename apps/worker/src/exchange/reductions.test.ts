import type { BoundBucket, Combine, CombinePair, Header } from '@lockstep/collectives';
import { createHeldFrames, decodeHeader } from '@lockstep/collectives';
import { expect, it } from 'vitest';
import { createReductions, type Reductions } from './reductions.ts';

const ranges = [
  { start: 0, count: 1 },
  { start: 1, count: 1 },
];
/** The first bucket goes whole to all ranks, the second in chunks to their owners. */
const sizes = [3, 40_000, 5];

const add: CombinePair = (out, left, right) => {
  for (const i of out.keys()) out[i] = left[i]! + right[i]!;
};
const combine: Combine = { sum: add, moments: add, copy: (out, data) => out.set(data) };

interface Rank {
  /** From now on the rank says that it can exchange directly. */
  ableToBeDirect(): void;
  readonly reductions: Reductions;
  readonly buckets: readonly BoundBucket[];
  /** Delivers the frames that the other has sent to this rank, and returns their number. */
  receive(): number;
}

function twoRanks(): [Rank, Rank] {
  const inboxes: { header: Header; payload: Uint8Array }[][] = [[], []];
  const rank = (own: number): Rank => {
    const buckets = sizes.map((size, i): BoundBucket => {
      const data = Float32Array.from({ length: size }, (_, j) => 100 * own + 10 * i + (j % 7));
      const result = new Float32Array(size).fill(Number.NaN);
      return { op: 'sum', size, partials: [{ node: { level: 0, index: own }, data }], result };
    });
    let canBeDirect = false;
    const reductions = createReductions({
      generation: 1,
      run: 7,
      rank: own,
      ranges,
      numShards: 2,
      combine,
      link: {
        outbox: new Uint8Array(1 << 20),
        send: (to, bytes, payload) => {
          const decoded = decodeHeader(bytes, payload.length);
          if (decoded.ok) inboxes[to]!.push({ header: decoded.header, payload: payload.slice() });
        },
        take() {},
        look() {},
      },
      held: createHeldFrames(),
      canExchangeDirectly: () => canBeDirect,
      onRejected: (reason) => expect.unreachable(reason),
      onFault: (fault) => expect.unreachable(fault),
    });
    const receive = (): number => {
      const frames = inboxes[own]!.splice(0);
      for (const { header, payload } of frames) reductions.receive(header, payload);
      return frames.length;
    };
    const ableToBeDirect = (): void => {
      canBeDirect = true;
    };
    return { reductions, buckets, receive, ableToBeDirect };
  };
  return [rank(0), rank(1)];
}

const deliver = (ranks: readonly Rank[]): void => {
  while (ranks.some(({ receive }) => receive() > 0));
};

const sums = sizes.map((size, i) =>
  Float32Array.from({ length: size }, (_, j) => 100 + 20 * i + 2 * (j % 7)),
);

it('reduces what is ready before the rest is computed', () => {
  const ranks = twoRanks();
  const done: number[] = [];
  for (const { reductions, buckets } of ranks) reductions.start(1, 0, buckets, 2);
  deliver(ranks);
  for (const { buckets } of ranks) {
    expect(buckets.slice(0, 2).map(({ result }) => result)).toEqual(sums.slice(0, 2));
    expect(buckets[2]!.result).toEqual(new Float32Array(5).fill(Number.NaN));
  }
  for (const [i, { reductions, buckets }] of ranks.entries())
    reductions.reduce(1, 0, buckets, () => done.push(i));
  expect(done).toEqual([]);
  deliver(ranks);
  expect(done.sort()).toEqual([0, 1]);
  for (const { buckets } of ranks) expect(buckets.map(({ result }) => result)).toEqual(sums);
});

it('lets a rank be ahead of the other by any number of buckets', () => {
  const ranks = twoRanks();
  const [first, second] = ranks;
  const done: number[] = [];
  first.reductions.start(1, 0, first.buckets, 1);
  first.reductions.start(1, 0, first.buckets, 2);
  first.reductions.reduce(1, 0, first.buckets, () => done.push(0));
  deliver(ranks);
  second.reductions.reduce(1, 0, second.buckets, () => done.push(1));
  deliver(ranks);
  expect(done.sort()).toEqual([0, 1]);
  for (const { buckets } of ranks) expect(buckets.map(({ result }) => result)).toEqual(sums);
});

it('counts only times after the computation as waiting and network', () => {
  const ranks = twoRanks();
  for (const { reductions, buckets } of ranks) reductions.start(1, 0, buckets, 3);
  deliver(ranks);
  const [{ reductions, buckets }] = ranks;
  let isDone = false;
  reductions.reduce(1, 0, buckets, () => {
    isDone = true;
  });
  expect(isDone).toBe(true);
  const { waitMs, networkMs, sentBytes } = reductions.takeTimes();
  expect(waitMs).toBe(0);
  expect(networkMs).toBeLessThan(5);
  expect(sentBytes).toBeGreaterThan(40_000 * 4);
});

it('drops buckets that were started when the generation ends', () => {
  const ranks = twoRanks();
  const [first, second] = ranks;
  first.reductions.start(1, 0, first.buckets, 2);
  second.reductions.start(1, 0, second.buckets, 1);
  first.reductions.abort();
  deliver(ranks);
  expect(first.buckets[0]!.result).toEqual(new Float32Array(3).fill(Number.NaN));
});

/** Whether each rank would exchange a step directly. */
const directly = (ranks: readonly Rank[], step: number): boolean[] =>
  ranks.map(({ reductions }) => reductions.isDirect(step));

it('makes all ranks agree on the first step that is exchanged directly', () => {
  const ranks = twoRanks();
  const [first, second] = ranks;
  const exchangeAll = (step: number, exchange = 0): void => {
    for (const { reductions, buckets } of ranks) reductions.reduce(step, exchange, buckets, () => undefined);
    deliver(ranks);
  };
  first.ableToBeDirect();
  exchangeAll(1);
  expect(directly(ranks, 2)).toEqual([false, false]);
  exchangeAll(2);
  // Within a step a rank says nothing new: the other may have taken frames of that step already.
  second.ableToBeDirect();
  exchangeAll(2, 1);
  expect(directly(ranks, 3)).toEqual([false, false]);
  exchangeAll(3);
  expect(directly(ranks, 3)).toEqual([false, false]);
  expect(directly(ranks, 4)).toEqual([true, true]);
});

it('takes note of who can exchange directly from held frames, too', () => {
  const ranks = twoRanks();
  const [first, second] = ranks;
  for (const { ableToBeDirect } of ranks) ableToBeDirect();
  first.reductions.reduce(1, 0, first.buckets, () => undefined);
  deliver(ranks);
  second.reductions.reduce(1, 0, second.buckets, () => undefined);
  deliver(ranks);
  expect(directly(ranks, 2)).toEqual([true, true]);
});

it('is direct without peers once its own threads can exchange', () => {
  const [rank] = twoRanks();
  const alone = createReductions({
    ...{ generation: 1, run: 7, rank: 0, ranges: [{ start: 0, count: 1 }], numShards: 1, combine },
    link: { outbox: new Uint8Array(0), send: () => expect.unreachable('a frame'), take() {}, look() {} },
    held: createHeldFrames(),
    canExchangeDirectly: () => true,
    onRejected: (reason) => expect.unreachable(reason),
    onFault: (fault) => expect.unreachable(fault),
  });
  expect(alone.isDirect(1)).toBe(false);
  alone.reduce(1, 0, rank.buckets, () => undefined);
  expect(alone.isDirect(2)).toBe(true);
});
