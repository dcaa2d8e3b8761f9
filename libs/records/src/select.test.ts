import { describe, expect, it } from 'vitest';
import { compareRuns } from './compare.ts';
import { filterRuns } from './filter.ts';
import type { Curve, RunRecord } from './record.ts';
import { sortRuns } from './sort.ts';

const step = (values: readonly number[]): Curve => ({
  kind: 'step',
  steps: values.map((_, i) => i + 1),
  values,
});

function run(id: string, fields: Partial<RunRecord> = {}): RunRecord {
  return {
    folder: `runs/${id}`,
    id,
    name: 'mnist-cnn',
    status: 'finished',
    steps: 3,
    params: {},
    config: {},
    curves: {},
    fingerprints: [],
    programs: {},
    builds: [],
    versions: {},
    checkpoints: [],
    warnings: [],
    ...fields,
  };
}

const runs = [
  run('a', { params: { rate: 0.1, optimizer: 'adam' }, config: { batchSize: 32 }, seed: 1 }),
  run('b', { params: { rate: 0.01, optimizer: 'sgd' }, config: { batchSize: 64 }, status: 'failed' }),
  run('c', { name: 'moby-dick', params: { nesterov: true }, created: '2026-11-30T10:00:00.000Z' }),
  run('d', { params: { rate: 1 }, curves: { loss: step([3, 1, 2]), accuracy: step([0.5, 0.75, 0.25]) } }),
  run('e', { params: { rate: 0.1 }, curves: { loss: step([3, Number.NaN]) } }),
];

const ids = (selected: readonly RunRecord[]): string => selected.map(({ id }) => id).join('');

describe('filterRuns', () => {
  const cases = [
    ['rate>0.01', 'ade'],
    ['rate >= 0.01', 'abde'],
    ['rate<0.1', 'b'],
    ['rate<=1e-1', 'abe'],
    ['rate=0.10', 'ae'],
    ['rate!=0.1', 'bd'],
    ['params.rate=1', 'd'],
    ['status=finished', 'acde'],
    ['status!=finished', 'b'],
    ['status=f*', 'abcde'],
    ['name=mnist*', 'abde'],
    ['name=*ob*-d*k', 'c'],
    ['name=.*', ''],
    ['batchSize=32', 'a'],
    ['batch-size=64', 'b'],
    ['config.batchSize>0', 'ab'],
    ['optimizer=adam', 'a'],
    ['nesterov=true', 'c'],
    ['created>2026-11-30', 'c'],
    ['loss=2', 'd'],
    ['best.loss<2', 'd'],
    ['loss=NaN', 'e'],
    ['loss=other', ''],
    ['rate=1e-1', 'ae'],
    ['loss<5', 'd'],
    ['run=a', 'a'],
    ['rate>0.01,status=finished , name=mnist*', 'ade'],
  ] as const;
  for (const [filter, expected] of cases) {
    it(`selects by ${filter}`, () => expect(ids(filterRuns(runs, filter))).toBe(expected));
  }

  const mistakes = [
    ['rte>1', `no run has 'rte'; did you mean rate`],
    ['zzzzzz=1', `no run has 'zzzzzz'; they have accuracy, batchSize, created, loss, name, nesterov`],
    ['status=finsihed', `no run has the status 'finsihed'; did you mean finished?`],
    ['status=good', `it is one of running, finished`],
    ['rate', `'rate' is no condition; write KEY=VALUE`],
    ['rate==1', `'rate==1' is no condition`],
    ['rate=', `'rate=' is no condition`],
    ['rate>1,', `'' is no condition`],
    ['rate>fast', `rate is a number, and 'fast' is none`],
    ['nesterov>0', 'nesterov is true or false; write nesterov=true'],
  ] as const;
  for (const [filter, message] of mistakes) {
    it(`explains what is wrong with '${filter}'`, () =>
      expect(() => filterRuns(runs, filter)).toThrowError(
        expect.objectContaining({ code: 'config', message: expect.stringContaining(message) }),
      ));
  }

  it('has nothing to say of no runs, except of a condition that is none', () => {
    expect(filterRuns([], 'rate>1')).toEqual([]);
    expect(() => filterRuns([], 'rate')).toThrow('is no condition');
  });
});

describe('sortRuns', () => {
  const cases = [
    ['rate', 'baedc', 'daebc'],
    ['loss', 'dabce', 'dabce'],
    ['best.loss', 'deabc', 'edabc'],
    ['optimizer', 'abcde', 'bacde'],
    ['batch-size', 'abcde', 'bacde'],
    ['name', 'abdec', 'cabde'],
  ] as const;
  for (const [key, ascending, descending] of cases) {
    it(`sorts by ${key}, with NaN and missing values last and ties by folder`, () => {
      expect(ids(sortRuns([...runs].reverse(), key))).toBe(ascending);
      expect(ids(sortRuns(runs, key, { descending: true }))).toBe(descending);
    });
  }

  it('sorts infinite values', () => {
    const infinite = [Number.POSITIVE_INFINITY, 1, Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY];
    const all = infinite.map((loss, i) => run('wxyz'[i]!, { curves: { loss: step([loss]) } }));
    expect(ids(sortRuns(all, 'loss'))).toBe('yxwz');
  });

  it('suggests a key', () => expect(() => sortRuns(runs, 'losss')).toThrow('did you mean loss'));
});

describe('compareRuns', () => {
  it('shows the settings that differ, and no others', () => {
    const [a, b] = [
      run('a', {
        seed: 1,
        params: { rate: 0.1 },
        config: { batchSize: 32, numShards: 8 },
        programs: { step: 'p', update: 'u1' },
        versions: { node: 'v20' },
      }),
      run('b', {
        seed: 1,
        params: { rate: 0.2 },
        config: { batchSize: 32, numShards: 8, steps: 10 },
        programs: { step: 'p', update: 'u2' },
        versions: { node: 'v22' },
      }),
    ];
    expect(compareRuns([a, b]).settings).toEqual([
      { key: 'params.rate', values: [0.1, 0.2] },
      { key: 'programs.update', values: ['u1', 'u2'] },
      { key: 'versions.node', values: ['v20', 'v22'] },
      { key: 'steps', values: [null, 10] },
    ]);
  });

  it('aligns curves by step', () => {
    const late = { kind: 'evaluation', steps: [2, 9], values: [7, 8] } as const;
    const { metrics, curves } = compareRuns([
      run('a', { curves: { loss: step([3, 1, 2]) } }),
      run('b', { curves: { loss: late } }),
      run('c'),
    ]);
    expect(metrics).toEqual([{ name: 'loss', last: [2, 8, null], best: [1, 7, null] }]);
    expect(curves).toEqual([
      {
        name: 'loss',
        steps: [1, 2, 3, 9],
        values: [
          [3, 1, 2, null],
          [null, 7, null, 8],
          [null, null, null, null],
        ],
      },
    ]);
  });

  const prints = (...fingerprints: string[]) =>
    run('x', { fingerprints: fingerprints.map((fingerprint, i) => ({ step: 10 * i, fingerprint })) });
  const cases = [
    [[prints('a', 'b'), prints('a', 'b', 'c')], { numCompared: 2, firstDifferentStep: null }],
    [[prints('a', 'b', 'c'), prints('a', 'x', 'y')], { numCompared: 3, firstDifferentStep: 10 }],
    [[prints('a', 'b'), prints('a', 'b'), prints('a', 'x')], { numCompared: 2, firstDifferentStep: 10 }],
    [[prints('a'), prints()], { numCompared: 0, firstDifferentStep: null }],
  ] as const;
  for (const [i, [compared, expected]] of cases.entries()) {
    it(`finds the first step at which fingerprints differ (${i + 1})`, () =>
      expect(compareRuns(compared).fingerprints).toEqual(expected));
  }

  it('needs two runs', () => expect(() => compareRuns(runs.slice(1, 2))).toThrow('at least two runs, not 1'));
});
