import { describe, expect, it } from 'vitest';
import { hypervolume, maximize, minimize, paretoFront, type RecordedTrial } from '../index.ts';
import { crowdingDistances, nonDominationRanks } from './pareto.ts';

const objectives = [minimize('loss'), maximize('score')] as const;
const trial = (number: number, ...values: number[]): RecordedTrial => ({
  ...{ number, generation: 0, params: {} },
  result: { status: 'complete', values },
});

const trials = [
  trial(0, 1, 1),
  trial(1, 2, 3),
  trial(2, 2, 2),
  trial(3, 4, 4),
  trial(4, 1, 1),
  trial(5, 0, Number.NaN),
  { ...trial(6, 0, 9), result: { status: 'pruned', values: [0, 9] } } as const,
  { ...trial(7), result: { status: 'failed', values: [] } } as const,
];

it('the front has the complete trials that no other one beats', () => {
  expect(paretoFront(objectives, trials).map(({ number }) => number)).toEqual([0, 1, 3, 4]);
  expect(paretoFront(objectives, [])).toEqual([]);
});

it('ranks count the fronts before', () => {
  expect(
    nonDominationRanks([
      [0, 3],
      [1, 2],
      [2, 2],
      [3, 3],
      [0, 3],
      [3, 0],
    ]),
  ).toEqual([0, 0, 1, 2, 0, 0]);
});

it('distances are those of the neighbours, by objective', () => {
  const { POSITIVE_INFINITY: far } = Number;
  expect(
    crowdingDistances([
      [0, 4],
      [1, 2],
      [3, 1],
      [4, 0],
    ]),
  ).toEqual([far, 3 / 4 + 3 / 4, 3 / 4 + 2 / 4, far]);
  expect(
    crowdingDistances([
      [1, 1],
      [1, 1],
      [1, 1],
    ]),
  ).toEqual([far, 0, far]);
  expect(crowdingDistances([])).toEqual([]);
});

describe('hypervolume', () => {
  it('is the area that trials dominate', () => {
    // Loss up to 5, score down to 0: (1, 1), (2, 3) and (4, 4) cover 4·1 + 3·2 + 1·1.
    expect(hypervolume(objectives, trials, [5, 0])).toBe(11);
    expect(hypervolume(objectives, trials, [1, 0])).toBe(0);
    expect(hypervolume(objectives, [], [5, 0])).toBe(0);
  });
});
