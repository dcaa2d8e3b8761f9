import { minimize } from '@lockstep/search';
import type { TrialRecord } from '@lockstep/sweep';
import { describe, expect, it } from 'vitest';
import { selectTrials } from './select-trials.ts';
import { progressText, trialTable } from './trial-table.ts';

const objectives = [minimize('validation/loss')];
const trial = (number: number, fields: Partial<TrialRecord>): TrialRecord => ({
  ...{ number, generation: 0, params: { rate: number / 10 }, status: 'finished', values: [], repeats: [] },
  ...fields,
});
const trials = [
  trial(0, { values: [3], value: 3, spread: 0.25 }),
  trial(1, { status: 'failed', reason: 'step 3 is not finite' }),
  trial(2, { values: [1], value: 1, params: { rate: 0.2, head: 'mlp' } }),
  trial(3, { status: 'running', repeats: [{ seed: 1, step: 7, totalSteps: 20 }] }),
];
const numbers = (selection: object) =>
  selectTrials({ objectives, trials }, selection).map(({ number }) => number);

describe('selectTrials', () => {
  it.each([
    [{}, [0, 1, 2, 3]],
    [{ filter: 'rate>0.1' }, [2, 3]],
    [{ filter: 'status=failed' }, [1]],
    [{ filter: 'validation/loss<2,head=m*' }, [2]],
    [{ filter: 'step>5' }, [3]],
    [{ sort: 'validation/loss' }, [2, 0, 1, 3]],
    [{ sort: 'validation/loss', descending: true }, [0, 2, 1, 3]],
    [{ sort: 'params.rate', descending: true }, [3, 2, 1, 0]],
    [{ sort: 'trial', filter: 'status!=finished' }, [1, 3]],
  ])('by %o', (selection, expected) => expect(numbers(selection)).toEqual(expected));

  it('explains what is wrong', () => {
    expect(() => numbers({ filter: 'rte>1' })).toThrow("no trial has 'rte'; did you mean rate");
    expect(() => numbers({ filter: 'status=complete' })).toThrow("no trial has the status 'complete'");
    expect(selectTrials({ objectives, trials: [] }, { sort: 'rte' })).toEqual([]);
  });
});

it('a table of trials has what differs, and what fits', () => {
  expect(trialTable(trials, objectives, 80).lines).toEqual([
    'trial  status    validation/loss  steps  head  rate',
    '    0  finished         3 ± 0.25      –           0',
    '    1  failed                  –      –         0.1',
    '    2  finished                1      –   mlp   0.2',
    '    3  running                 –   7/20         0.3',
  ]);
  const finished = trials.filter(({ status }) => status === 'finished');
  expect(trialTable(finished, objectives, 22).lines[0]).toBe('trial  validation/loss');
  expect(progressText(trials, 9)).toBe('3 of 9 trials recorded: 2 finished, 1 failed; 1 running');
});
