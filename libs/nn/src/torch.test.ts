import { keyTensor, ones } from '@lockstep/autodiff';
import { describe, expect, it } from 'vitest';
import { initializers } from './index.ts';
import { fromTorch } from './torch.ts';

describe('fromTorch', () => {
  it.each(Object.keys(fromTorch) as (keyof typeof fromTorch)[])(
    '.%s names its arguments in errors',
    (name) => {
      const convert = fromTorch[name] as (...args: readonly unknown[]) => unknown;
      for (const state of [undefined, null, 5, [], { weight: 1 }, new Map()]) {
        expect(() => convert(state, 'fc')).toThrow(/^fromTorch: state is .*it must be a state dict/);
      }
      for (const path of [undefined, 5, null])
        expect(() => convert({}, path)).toThrow(/^fromTorch: name is /);
    },
  );

  it('refuses packed projections that have no three equal parts', () => {
    const state = { in_proj_weight: ones([4, 2]), 'out_proj.weight': ones([2, 2]) };
    expect(() => fromTorch.attention(state, '')).toThrow(
      /packed projections of shape \[4, 2\] are no three equal parts/,
    );
  });
});

describe('initialisers', () => {
  it.each(['identity', 'orthogonal'] as const)('%s names its arguments in errors', (name) => {
    const init = name === 'identity' ? initializers.identity : initializers.orthogonal();
    for (const shape of [undefined, null, 3, 'x']) {
      expect(() => init(keyTensor(1), shape as never)).toThrow(new RegExp(`^${name}: shape is `));
    }
  });
});
