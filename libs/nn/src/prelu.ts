import type { Tensor } from '@lockstep/autodiff';
import * as ops from '@lockstep/autodiff';
import { aBoolean, aNumber, LockstepError, type Rules, signature } from '@lockstep/errors';
import type { Empty, Layer } from './layer.ts';
import { checkedLayer } from './layer.ts';

/** The slope below 0: one for all channels, or one per channel. [1] or [C] */
export type PreluParams = { readonly slope: Tensor };

export interface PreluOptions {
  /** Whether each channel (the last axis) has its own slope. Default false. */
  readonly perChannel?: boolean;
  /** The initial slope. Default 0.25. */
  readonly slope?: number;
}

export const preluRules: Rules<PreluOptions> = { perChannel: aBoolean, slope: aNumber };

const checkPrelu = signature('prelu', {}, preluRules);

/** x where x > 0, a·x elsewhere, with a trained slope a (He et al., 2015). [rows, .., C] → the same */
export function prelu(options: PreluOptions = {}): Layer<PreluParams, Empty> {
  checkPrelu(options);
  const { perChannel = false, slope = 0.25 } = options;
  return checkedLayer({
    kind: 'prelu',
    init(_key, input) {
      const channels = perChannel ? input.at(-1) : 1;
      if (channels === undefined) {
        throw new LockstepError('shape', 'prelu: single numbers have no channels; leave perChannel out', {
          input,
        });
      }
      return { params: { slope: ops.full([channels], slope) }, state: {}, output: input };
    },
    apply: (params, state, x) => [ops.prelu(x, params.slope), state],
  });
}
