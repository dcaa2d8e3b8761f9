import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type AllReducer, type AllReducerOptions, createAllReducer, type Rejection } from './all-reducer.ts';
import { defaultChunkRules, expectedBytes, planChunks } from './chunks.ts';
import { runCluster, scenarios } from './fixtures/cluster.ts';
import { combine } from './fixtures/combine.ts';
import { bytesOf, decodeHeader, type Header } from './frame.ts';
import { createHeldFrames } from './held.ts';

describe('the all-reduce', () => {
  it('gives the bits of one process and sends the bytes of the formula, for any split, order of frames and noise', () => {
    fc.assert(
      fc.property(scenarios, (scenario) => {
        expect(runCluster(scenario)).toEqual([]);
      }),
      { numRuns: process.env.LOCKSTEP_THOROUGH === '1' ? 300 : 100 },
    );
  });

  it('does so for a large bucket under the default rules', () => {
    const ranges = [0, 3, 5].map((start, rank) => ({ start, count: [3, 2, 3][rank]! }));
    const reductions = [{ op: 'sum' as const, size: 1_000_003 }];
    expect(
      runCluster({ seed: 1, ranges, numShards: 8, reductions, rules: defaultChunkRules, noise: true }),
    ).toEqual([]);
  });
});

describe('chunks', () => {
  it('cover a bucket in order, begin at multiples of 16 and are bounded', () => {
    fc.assert(
      fc.property(
        fc.nat(5000),
        fc.integer({ min: 1, max: 9 }),
        fc.integer({ min: 1, max: 999 }),
        (size, world, bytes) => {
          const chunks = planChunks('sum', size + 1, world, { smallBytes: 0, chunkBytes: bytes });
          let end = 0;
          let owner = 0;
          for (const chunk of chunks) {
            expect([chunk.start, chunk.start % 16]).toEqual([end, 0]);
            expect(chunk.owner).toBeGreaterThanOrEqual(owner);
            expect(chunk.size).toBeGreaterThan(0);
            expect(chunk.size).toBeLessThanOrEqual(Math.max(16, bytes / 4));
            end += chunk.size;
            owner = Number(chunk.owner);
          }
          expect([end, owner < world]).toEqual([size + 1, true]);
        },
      ),
    );
  });

  it('let each rank send less than twice the bucket, if every rank has one subtree', () => {
    const ranges = [0, 2, 4, 6].map((start) => ({ start, count: 2 }));
    const size = 4 << 20;
    const { sent } = expectedBytes('sum', size, 0, ranges, defaultChunkRules);
    expect(sent / (4 * size)).toBeCloseTo(1.5, 3);
  });
});

/** Rank 0 of two, over eight shards, with a link that records the frames. */
function rankZero(options: Partial<AllReducerOptions> = {}) {
  const sent: { header: Header; payload: Uint8Array }[] = [];
  const rejected: Rejection[] = [];
  const keep = (_to: number, bytes: Uint8Array, payload: Uint8Array) => {
    const decoded = decodeHeader(bytes, payload.length);
    if (decoded.ok) sent.push({ header: decoded.header, payload: payload.slice() });
  };
  const reducer = createAllReducer({
    generation: 1,
    run: 7,
    rank: 0,
    ranges: [
      { start: 0, count: 4 },
      { start: 4, count: 4 },
    ],
    numShards: 8,
    combine,
    link: { reserve: (bytes) => new Uint8Array(bytes), send: keep },
    onRejected: (reason) => rejected.push(reason),
    ...options,
  });
  return { reducer, sent, rejected };
}

const request = (step = 1, frameId = 0) => ({
  step,
  frameId,
  op: 'sum' as const,
  size: 1,
  partials: [{ node: { level: 2, index: 0 }, data: Float32Array.of(1) }],
  result: new Float32Array(1),
});

/** Starts a reduction and keeps its result. */
function collect(reducer: AllReducer, results: number[][], asked = request()): void {
  reducer.start(asked, () => results.push([...asked.result]));
}

const payload = bytesOf(Float32Array.of(2));
const frame: Header = {
  kind: 'partial',
  run: 7,
  generation: 1,
  rank: 1,
  step: 1,
  frameId: 0,
  level: 2,
  index: 1,
  chunk: 0,
  length: 4,
  direct: false,
};

describe('an all-reducer', () => {
  it('rejects frames that do not fit, and finishes nevertheless', () => {
    const { reducer, rejected } = rankZero();
    const results: number[][] = [];
    collect(reducer, results);
    reducer.receive({ ...frame, run: 8 }, payload);
    reducer.receive({ ...frame, rank: 2 }, payload);
    reducer.receive({ ...frame, rank: 0 }, payload);
    reducer.receive({ ...frame, kind: 'snapshot-data' }, payload);
    reducer.receive({ ...frame, kind: 'result' }, payload);
    reducer.receive({ ...frame, index: 0 }, payload);
    reducer.receive({ ...frame, level: 255, index: 2 ** 32 - 1 }, payload);
    reducer.receive({ ...frame, chunk: 1 }, payload);
    reducer.receive({ ...frame, length: 3 }, payload.subarray(1));
    expect(rejected).toEqual(['run', 'rank', 'rank', 'kind', 'kind', 'node', 'node', 'chunk', 'length']);
    expect(results).toEqual([]);
    reducer.receive(frame, payload);
    expect(results).toEqual([[3]]);
    expect(reducer.counters).toMatchObject({ rejected: 9, receivedBytes: 48, stale: 0 });
  });

  it('holds frames of later all-reduces and generations, once and within a bound', () => {
    const held = createHeldFrames(600);
    const { reducer, rejected } = rankZero({ held });
    reducer.receive({ ...frame, generation: 2 }, payload);
    reducer.receive(frame, payload);
    reducer.receive(frame, payload);
    expect([held.bytes, reducer.counters.stale]).toEqual([8, 1]);
    reducer.receive({ ...frame, step: 2 }, payload);
    expect(rejected).toEqual(['held']);

    const results: number[][] = [];
    collect(reducer, results);
    expect(results).toEqual([[3]]);

    reducer.abort();
    expect(held.bytes).toBe(4);
    collect(rankZero({ held, generation: 2 }).reducer, results);
    expect([results, held.bytes]).toEqual([[[3], [3]], 0]);
  });

  it('checks held frames by the same rules', () => {
    const { reducer, rejected } = rankZero();
    reducer.receive({ ...frame, rank: 9 }, payload);
    reducer.start(request(), () => {});
    expect([rejected, reducer.numActive]).toEqual([['rank'], 1]);
  });

  it('neither sends, holds nor calls back after an abort', () => {
    const held = createHeldFrames();
    const { reducer, sent } = rankZero({ held });
    let called = false;
    reducer.receive({ ...frame, step: 9 }, payload);
    reducer.start(request(), () => {
      called = true;
    });
    reducer.abort();
    const numSent = sent.length;
    reducer.receive(frame, payload);
    reducer.receive({ ...frame, step: 9 }, payload);
    expect([reducer.numActive, held.bytes, called, sent.length]).toEqual([0, 0, false, numSent]);
    expect(reducer.counters.stale).toBe(2);
    expect(() => reducer.start(request(2), () => {})).toThrowError(
      expect.objectContaining({ code: 'internal' }),
    );
  });

  it('holds frames that peers in the next generation send after an abort', () => {
    const held = createHeldFrames();
    const { reducer } = rankZero({ held });
    reducer.abort();
    // The frames carry two runs, one of which is the restarted coordinator's.
    reducer.receive({ ...frame, generation: 2, run: 8 }, payload);
    reducer.receive({ ...frame, generation: 3, run: 9 }, payload);
    const results: number[][] = [];
    const second = rankZero({ held, generation: 2, run: 8 });
    collect(second.reducer, results);
    const third = rankZero({ held, generation: 3, run: 8 });
    collect(third.reducer, results);
    expect(results).toEqual([[3]]);
    expect([second.rejected, third.rejected]).toEqual([[], ['run']]);
  });

  it('requires all-reduces in order and partials of its own shards', () => {
    const { reducer } = rankZero();
    reducer.start(request(1, 1), () => {});
    const internal = expect.objectContaining({ code: 'internal' });
    expect(() => reducer.start(request(1, 1), () => {})).toThrowError(internal);
    expect(() => reducer.start(request(1, 0), () => {})).toThrowError(internal);
    const foreign = [{ node: { level: 2, index: 1 }, data: Float32Array.of(1) }];
    expect(() => reducer.start({ ...request(2), partials: foreign }, () => {})).toThrowError(internal);
    expect(() => reducer.start({ ...request(3), size: 2 }, () => {})).toThrowError(internal);
  });

  it('requires one owner for every shard', () => {
    const argument = expect.objectContaining({ code: 'argument' });
    for (const ranges of [
      [{ start: 0, count: 4 }],
      [
        { start: 0, count: 5 },
        { start: 4, count: 4 },
      ],
      [{ start: -1, count: 9 }],
      [{ start: 0, count: 9 }],
    ]) {
      expect(() => rankZero({ ranges })).toThrowError(argument);
    }
    expect(() => rankZero({ rank: 2 })).toThrowError(argument);
    expect(() => rankZero({ numShards: 6 })).toThrowError(argument);
  });
});
