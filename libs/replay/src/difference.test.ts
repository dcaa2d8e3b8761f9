import type { RecordedBlock, RecordedMember, RecordedStep } from '@lockstep/tracking';
import { describe, expect, it } from 'vitest';
import { type ComputedDigests, divisionOf, findDifference } from './difference.ts';

const form = {
  exchanges: [['moments 0'], ['params/0/kernel', 'sums']],
  replica: ['params/0/kernel', 'optimizer/m'],
};

const block = (start: number, changed: Partial<RecordedBlock> = {}): RecordedBlock => ({
  ...{ shards: { start, count: 2 }, samples: 1n, columns: 2n, partials: [[3n], [4n, 5n]] },
  ...changed,
});
const shared = { results: [[6n], [7n, 8n]], replica: [9n, 10n] };
const member = (rank: number, changed: Partial<RecordedMember> = {}): RecordedMember => ({
  ...{ worker: `w${rank}`, rank, shards: { start: 4 * rank, count: 4 }, ...shared },
  blocks: [block(4 * rank), block(4 * rank + 2)],
  ...changed,
});
const step = (members: readonly RecordedMember[]): RecordedStep => ({
  step: 7,
  generation: 1,
  form,
  members,
});
const computed: ComputedDigests = { ...shared, blocks: [block(0), block(2), block(4), block(6)] };

describe('findDifference', () => {
  it('finds nothing in the same step', () => {
    expect(findDifference(step([member(0), member(1)]), computed)).toBeUndefined();
  });

  it('names a batch before all that follows from it', () => {
    const blocks = [block(4), block(6, { columns: 0n, partials: [[0n], [0n, 0n]] })];
    expect(
      findDifference(step([member(0), member(1, { blocks, results: [[0n], [0n, 0n]] })]), computed),
    ).toEqual({
      ...{ step: 7, part: 'columns', shards: { start: 6, count: 2 }, workers: ['w1'], isAlone: true },
    });
  });

  it('names the first exchange, variable and node whose partial differs', () => {
    const blocks = [block(4), block(6, { partials: [[3n], [4n, 0n]] })];
    const results = [[6n], [7n, 0n]];
    const members = [member(0, { results }), member(1, { blocks, results })];
    expect(findDifference(step(members), computed)).toEqual({
      ...{ step: 7, part: 'partial', exchange: 1, variable: 'sums' },
      ...{ shards: { start: 6, count: 2 }, workers: ['w1'], isAlone: true },
    });
  });

  it('says when the sum rounds a difference away', () => {
    const blocks = [block(0, { partials: [[0n], [4n, 5n]] }), block(2)];
    expect(findDifference(step([member(0, { blocks }), member(1)]), computed)).toMatchObject({
      ...{ part: 'partial', exchange: 0, variable: 'moments 0', isRoundedAway: true, workers: ['w0'] },
    });
  });

  it('names the workers whose result differs', () => {
    const members = [member(0), member(1, { results: [[6n], [0n, 8n]] })];
    expect(findDifference(step(members), computed)).toEqual({
      ...{
        step: 7,
        part: 'result',
        exchange: 1,
        variable: 'params/0/kernel',
        shards: null,
        workers: ['w1'],
        isAlone: true,
      },
    });
  });

  it('names the worker whose replica differs', () => {
    const members = [member(0), member(1, { replica: [9n, 0n] })];
    expect(findDifference(step(members), computed)).toEqual({
      ...{ step: 7, part: 'replica', variable: 'optimizer/m', shards: null, workers: ['w1'], isAlone: true },
    });
  });

  it('leaves out what is not recorded', () => {
    const members = [member(0, { blocks: [], results: [], replica: [] })];
    expect(findDifference(step(members), computed)).toBeUndefined();
  });
});

it('divides as all members did', () => {
  expect(divisionOf(step([member(1), member(0)])).map(({ start }) => start)).toEqual([0, 2, 4, 6]);
});
