import { expect, it } from 'vitest';
import { maximize, minimize, type RecordedTrial, resultOfRepeats, tableOf } from './index.ts';

const objectives = [minimize('validation/loss'), maximize('validation/accuracy')];

it('a line for each trial, in the order of numbers, with canonical names and shortest numbers', () => {
  const repeats = [
    { seed: 7, values: [0.1, 0.5] },
    { seed: 8, values: [0.2, 0.75] },
  ];
  const trials: RecordedTrial[] = [
    {
      number: 10,
      generation: 2,
      params: { width: 64, batch: 1e21 },
      result: { status: 'failed', values: [], reason: 'the loss is NaN' },
    },
    {
      number: 2,
      generation: 0,
      params: { b: 'x', a: true },
      result: resultOfRepeats('complete', repeats, 300),
    },
    {
      number: 3,
      generation: 0,
      params: { b: 5e-324 },
      result: { status: 'pruned', values: [Number.NaN, Number.NEGATIVE_INFINITY], steps: 100 },
    },
  ];
  expect(tableOf(trials, objectives)).toBe(
    '{"trial":2,"params":{"a":true,"b":"x"},"status":"complete","steps":300,' +
      '"values":{"validation/loss":0.15000000000000002,"validation/accuracy":0.625},' +
      '"spreads":{"validation/loss":0.07071067811865477,"validation/accuracy":0.1767766952966369},' +
      '"repeats":[{"seed":7,"values":{"validation/loss":0.1,"validation/accuracy":0.5}},' +
      '{"seed":8,"values":{"validation/loss":0.2,"validation/accuracy":0.75}}]}\n' +
      '{"trial":3,"params":{"b":5e-324},"status":"pruned","steps":100,' +
      '"values":{"validation/loss":"NaN","validation/accuracy":"-Infinity"}}\n' +
      '{"trial":10,"params":{"batch":1e+21,"width":64},"status":"failed","values":null,"reason":"the loss is NaN"}\n',
  );
});
