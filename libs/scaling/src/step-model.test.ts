/** The model of a step, on cases that are computed by hand. */
import { headerBytes } from '@lockstep/collectives';
import { describe, expect, it } from 'vitest';
import { breakEvenRate, modelStep, payloadShare, type StepCosts } from './step-model.ts';
import { trafficOf } from './traffic.ts';

const two = [
  { start: 0, count: 4 },
  { start: 4, count: 4 },
];
const one = [{ start: 0, count: 8 }];
/** 4 MiB: cut, in chunks of 1 MiB at most. */
const large = { op: 'sum', size: 1 << 20 } as const;
/** 400 bytes: whole to every worker. */
const small = { op: 'sum', size: 100 } as const;
/** 1 kB of payload in each ms. */
const slow = { bitsPerSecond: 8e6 / payloadShare, latencyMs: 3 };
const costs = (own: readonly (readonly number[])[], ranges = two): StepCosts => ({
  ...{ ranges, segmentMs: own, combineMs: 6, updateMs: 1 },
});

describe('traffic', () => {
  it('is none for one worker', () => {
    expect(trafficOf(large, one)).toEqual({ busiestBytes: 0, totalBytes: 0, numHops: 0 });
  });

  it('is one hop of the whole bucket where it is small', () => {
    const frame = headerBytes + 400;
    expect(trafficOf(small, two)).toEqual({ busiestBytes: frame, totalBytes: 2 * frame, numHops: 1 });
  });

  it('is half of the partials and half of the results where the bucket is cut for two', () => {
    // Each worker sends the half that the other combines, and the half that it has combined, in two chunks each.
    const each = (4 << 20) + 4 * headerBytes;
    expect(trafficOf(large, two)).toEqual({ busiestBytes: each, totalBytes: 2 * each, numHops: 2 });
  });
});

describe('modelStep', () => {
  it('is the sum of computation for one worker', () => {
    const step = modelStep({ ...costs([[10, 20]], one) }, [[small], [small]], slow);
    expect(step).toEqual({ computeMs: 37, waitMs: 0, networkMs: 0, stepMs: 37, sentBytes: 0 });
  });

  it('adds the time of bytes and hops after the segment', () => {
    const step = modelStep(costs([[10], [10]]), [[small]], slow);
    const frame = headerBytes + 400;
    expect(step.networkMs).toBeCloseTo(frame / 1000 + 3, 9);
    expect(step.waitMs).toBe(0);
    // A small bucket is combined by everybody.
    expect(step.computeMs).toBe(10 + 6 + 1);
    expect(step.sentBytes).toBe(2 * frame);
  });

  it('divides the combination of buckets that are cut', () => {
    expect(modelStep(costs([[10], [10]]), [[large]], slow).computeMs).toBe(10 + 3 + 1);
  });

  it('lets the faster worker wait in every segment', () => {
    const step = modelStep(
      costs([
        [10, 1],
        [4, 7],
      ]),
      [[], []],
      slow,
    );
    expect(step.waitMs).toBe(17 - 11);
    expect(step.stepMs).toBe(17 + 1);
  });

  it('hides the traffic of buckets that leave early', () => {
    const early = { ...small, readyAt: 0.1 };
    expect(modelStep(costs([[100], [100]]), [[early]], slow).networkMs).toBe(0);
    const frame = (headerBytes + 400) / 1000;
    // The second bucket is ready at the end and finds the link free.
    expect(modelStep(costs([[100], [100]]), [[early, small]], slow).networkMs).toBeCloseTo(frame + 3, 9);
    // Two buckets that are ready at the end follow one another; their latencies overlap.
    expect(modelStep(costs([[100], [100]]), [[small, small]], slow).networkMs).toBeCloseTo(2 * frame + 3, 9);
  });
});

describe('breakEvenRate', () => {
  it('is the rate at which the step takes as long as asked', () => {
    const rate = breakEvenRate(costs([[10], [10]]), [[large]], 0, 24)!;
    const { stepMs } = modelStep(costs([[10], [10]]), [[large]], { bitsPerSecond: rate, latencyMs: 0 });
    expect(stepMs).toBeCloseTo(24, 3);
    // 10 ms are left for each worker's bytes.
    const each = (4 << 20) + 4 * headerBytes;
    expect(rate).toBeCloseTo((8_000 * each) / 10 / payloadShare, -4);
  });

  it('does not exist where latency or computation alone take longer, nor for one worker', () => {
    expect(breakEvenRate(costs([[10], [10]]), [[small]], 20, 24)).toBeUndefined();
    expect(breakEvenRate(costs([[30], [30]]), [[small]], 0, 24)).toBeUndefined();
    expect(breakEvenRate(costs([[1]], one), [[small]], 0, 24)).toBeUndefined();
  });
});
