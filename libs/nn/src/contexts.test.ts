import { keyTensor, ones } from '@lockstep/autodiff';
import { describe, expect, it } from 'vitest';
import {
  batchNorm,
  dense,
  dropout,
  groupNorm,
  instanceNorm,
  layerNorm,
  rmsNorm,
  sequential,
} from './index.ts';

describe('contexts', () => {
  const model = sequential(dense(2), dropout(0.5));
  const { params, state } = model.init(keyTensor(1), [4]);
  const apply = (context: unknown) => model.apply(params, state, ones([1, 4]), context as never);

  it('with a misspelt name are refused and do not mean evaluation', () => {
    expect(() => apply({ trainning: true, key: keyTensor(1) })).toThrow(
      "context: there is no option 'trainning'; did you mean 'training'?",
    );
    expect(() => apply({ training: true, keys: keyTensor(1) })).toThrow("did you mean 'key'?");
    expect(() => apply({ training: 'yes' })).toThrow(
      /training is the string 'yes'; it must be true or false/,
    );
    expect(() => apply({ training: false, key: undefined })).not.toThrow();
  });
});

describe('functions of the batch', () => {
  it('are refused if they return no tensor', () => {
    const init = (f: unknown) => () => sequential(f as never).init(keyTensor(1), [4]);
    expect(init(() => {})).toThrow('the function of the batch gives nothing; it gives a tensor');
    expect(init(() => 5)).toThrow('the function of the batch gives 5; it gives a tensor');
  });
});

describe('norms', () => {
  it.each([
    ['batchNorm', batchNorm],
    ['layerNorm', layerNorm],
    ['rmsNorm', rmsNorm],
    ['instanceNorm', instanceNorm],
    ['groupNorm', (options: object) => groupNorm(2, options)],
  ])('%s refuses an epsilon below 0, whose root would be NaN', (name, norm) => {
    expect(() => norm({ epsilon: -1e-5 })).toThrow(`${name}: epsilon is -0.00001; it must be a number ≥ 0`);
    expect(() => norm({ epsilon: 0 })).not.toThrow();
  });

  it('batchNorm refuses a momentum outside [0, 1]', () => {
    for (const momentum of [-0.1, 1.5, Number.NaN]) {
      expect(() => batchNorm({ momentum })).toThrow(/momentum is .*it must be a number from 0 to 1/);
    }
  });
});
