/** Trials as the views of a sweep ask for them. */
import { describe, expect, it } from 'vitest';
import { meets, parseFilter } from '../conditions.ts';
import { keyNamed } from '../values.ts';
import { formatBrush, isWithin, parseBrush, withBrush } from './brush.ts';
import { paramOf, type SweepFacts, type TrialView, trialStatuses, withTrials } from './model.ts';
import { meansAt, rungsOf } from './rungs.ts';
import { bestSoFar, countsOf, standings, trialValues } from './trials.ts';

const inMlp = [{ name: 'head', branch: 'mlp' }];

const facts: SweepFacts = {
  ...{ id: '2026-11-30-quick-6a46', name: 'quick', search: 'tpe', repeats: 1, generation: 4, seed: 1 },
  command: 'lockstep sweep quick.ts',
  objectives: [{ metric: 'validation/loss', direction: 'minimize' }],
  axes: [
    { id: 'rate', name: 'rate', conditions: [], kind: 'number', lo: 1e-3, hi: 1, log: true },
    { id: 'head', name: 'head', conditions: [], kind: 'options', options: ['linear', 'mlp'] },
    { id: 'head=mlp/width', name: 'width', conditions: inMlp, kind: 'options', options: [32, 64] },
  ],
};

const trialOf = (number: number, value: number | undefined, rest: Partial<TrialView> = {}): TrialView => ({
  ...{ number, generation: 0, status: value === undefined ? 'running' : 'finished', repeats: [], rungs: [] },
  params: { rate: 0.1, head: 'mlp', width: 32 },
  values: value === undefined ? [] : [value],
  steps: 0,
  ...rest,
});

describe('trials', () => {
  it('have a best so far, which only finished ones can be', () => {
    const trials = [
      trialOf(0, 0.5),
      trialOf(1, 0.2, { status: 'pruned' }),
      trialOf(2, Number.NaN),
      trialOf(3, 0.4),
      trialOf(4, 0.4),
      trialOf(5, undefined),
      trialOf(6, 0.1),
    ];
    expect(bestSoFar(trials, 'minimize').map(({ trial }) => trial)).toEqual([0, 3, 6]);
    expect(bestSoFar(trials, 'maximize').map(({ trial }) => trial)).toEqual([0]);
    expect(countsOf(trials)).toMatchObject({ running: 1, finished: 5, pruned: 1, failed: 0 });
  });

  it('stand among each other, equal values alike', () => {
    const trials = [trialOf(0, 3), trialOf(1, 1), trialOf(2, 2), trialOf(3, 3), trialOf(4, undefined)];
    expect([...standings(trials, 'minimize')]).toEqual([
      [0, 0],
      [1, 1],
      [2, 0.5],
      [3, 0],
    ]);
    expect(standings(trials, 'maximize').get(0)).toBe(1);
    expect(standings([trialOf(7, 1)], 'minimize').get(7)).toBe(1);
  });

  it('have parameters only under the choices that these belong to', () => {
    const width = facts.axes[2]!;
    expect(paramOf(width, { params: { head: 'mlp', width: 64 } })).toBe(64);
    expect(paramOf(width, { params: { head: 'linear', width: 64 } })).toBeUndefined();
    expect(paramOf({ name: 'toString', conditions: [] }, { params: {} })).toBeUndefined();
  });

  it('take the place of older ones of their number', () => {
    const changed = withTrials([trialOf(0, 1), trialOf(2, undefined)], [trialOf(2, 3), trialOf(1, 2)]);
    expect(changed.map(({ number, values }) => [number, values[0]])).toEqual([
      [0, 1],
      [1, 2],
      [2, 3],
    ]);
  });

  it('are filtered by every value, with words that fit', () => {
    const values = trialValues(facts, trialOf(3, 0.25, { spread: 0.01, steps: 40, generation: 1 }));
    const passes = (text: string) =>
      parseFilter(text, { what: 'trial', statuses: trialStatuses }).every((condition) =>
        meets(values, { ...condition, key: keyNamed([values], condition.key, 'trial') }),
      );
    expect(passes('status=finished,rate>=0.1,validation/loss<0.3,spread>0')).toBe(true);
    expect(passes('trial!=3')).toBe(false);
    expect(passes('params.width=32,generation=1,steps=40,head=m*')).toBe(true);
    expect(() => passes('status=done')).toThrow(
      "no trial has the status 'done'; it is one of waiting, running, finished, pruned, failed, cancelled, setAside",
    );
    expect(() => passes('rat>1')).toThrow("no trial has 'rat'; did you mean rate");
  });
});

describe('brushes', () => {
  it('are read as they are written', () => {
    const brushes = [
      { axis: 'rate', from: -1e-7, to: 0.1 },
      { axis: 'rate', from: Number.NEGATIVE_INFINITY, to: 0.5 },
      { axis: 'head=mlp/width', options: [32, '6..4 x', true] },
      { axis: 'a [1] "b"', from: 0, to: 1 },
    ];
    expect(brushes.map((brush) => parseBrush(formatBrush(brush)))).toEqual(brushes);
    for (const text of ['', 'rate', '1..0 rate', '1..- rate', '[] width', '[1 width', '[{}] width', '..']) {
      expect(parseBrush(text)).toBeUndefined();
    }
  });

  it('let trials through that lie in all of them', () => {
    const trial = trialOf(0, 0.3);
    const within = (...texts: string[]) =>
      isWithin(
        facts,
        trial,
        texts.map((text) => parseBrush(text)!),
      );
    expect(within('0.05..0.1 rate', '[32] head=mlp/width', '0..1 validation/loss')).toBe(true);
    expect(within('0.2..1 rate')).toBe(false);
    expect(within('["linear"] head')).toBe(false);
    expect(within('0..1 no/axis')).toBe(true);
    const linear = { ...trial, params: { head: 'linear' } };
    expect(isWithin(facts, linear, [{ axis: 'head=mlp/width', options: [32] }])).toBe(false);
  });

  it('are one for each axis', () => {
    const [first, second] = [
      { axis: 'rate', from: 0, to: 1 },
      { axis: 'rate', from: 1, to: 2 },
    ];
    expect(withBrush([first], 'rate', second)).toEqual([second]);
    expect(withBrush([first], 'rate', undefined)).toEqual([]);
  });
});

describe('rungs', () => {
  it('count who was compared and who did not go on', () => {
    const at = (...steps: number[]) => steps.map((step) => ({ step, value: 1 / step }));
    const trials = [
      trialOf(0, 0.5, { rungs: at(10, 30, 90) }),
      trialOf(1, 0.5, { status: 'pruned', rungs: at(10) }),
      trialOf(2, 0.5, { status: 'pruned', rungs: at(10, 30) }),
    ];
    expect(rungsOf(trials)).toEqual([
      { step: 10, numTrials: 3, numPruned: 1 },
      { step: 30, numTrials: 2, numPruned: 1 },
      { step: 90, numTrials: 1, numPruned: 0 },
    ]);
  });

  it('have means of the steps that all repeats have', () => {
    const curves = [
      { steps: [10, 20, 30], values: [1, 2, 3] },
      { steps: [10, 30], values: [3, 5] },
    ];
    expect(meansAt(curves)).toEqual([
      { step: 10, value: 2 },
      { step: 30, value: 4 },
    ]);
    expect(meansAt([])).toEqual([]);
  });
});
