import { minimize, type RecordedTrial } from '@lockstep/search';
import { expect, it } from 'vitest';
import { createLiveTable } from './live-table.ts';

const trial = (number: number, value: number): RecordedTrial => ({
  ...{ number, generation: 0, params: { rate: 0.125 * number } },
  result: {
    ...{ status: 'complete', values: [value], spreads: [null], steps: 10 },
    repeats: [{ seed: 1, values: [value] }],
  },
});
const failed: RecordedTrial = {
  ...{ number: 7, generation: 1, params: { rate: 9 } },
  result: { status: 'failed', values: [], reason: 'NaN' },
};

it('shows the best trials and those that are trained now', () => {
  let time = 0;
  const table = createLiveTable([minimize('validation/loss')], 12, [trial(0, 4)], () => time);
  expect(table.lines(80, 10)[0]).toBe('  ▕█▋                  ▏ 1/12 trials');
  for (const one of [trial(1, 3), trial(2, 5), failed]) table.recorded(one);
  const run = { trial: 8, repeat: 0, seed: 1, params: { rate: 0.5 } };
  table.begun(run);
  table.begun({ ...run, trial: 9 });
  table.step(run, 12, 100);
  table.ended({ trial: 9, repeat: 0 });
  table.step({ trial: 9, repeat: 0 }, 5, 100);
  time = 6_000;
  expect(table.lines(80, 10)).toEqual([
    '  ▕██████▋             ▏ 4/12 trials  1 failed  about 0:16 left',
    '  trial  status    validation/loss   steps   rate',
    '      1  finished                3      10  0.125',
    '      0  finished                4      10      0',
    '      2  finished                5      10   0.25',
    '      8  running                 –  12/100    0.5',
  ]);
});

it('leaves out columns in a narrow window and rows in a low one', () => {
  const table = createLiveTable([minimize('validation/loss')], 4, [trial(0, 4), trial(1, 3)]);
  table.begun({ trial: 2, repeat: 0, seed: 1, params: { rate: 0.5 } });
  expect(table.lines(24, 4)).toEqual([
    '  ▕██████████          ▏ 2/4 trials',
    '  trial  status',
    '      1  finished',
    '      2  running',
  ]);
  expect(table.lines(24, 1)).toHaveLength(1);
});
