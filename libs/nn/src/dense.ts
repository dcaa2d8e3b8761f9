import { foldIn, type Tensor } from '@lockstep/autodiff';
import { aBoolean, aFunction, LockstepError, type Rules, signature, whole } from '@lockstep/errors';
import type { Shape } from '@lockstep/tensor';
import type { Initializer } from './fans.ts';
import { heNormal, zeros } from './initializers.ts';
import type { Empty, Layer } from './layer.ts';
import { checkedLayer } from './layer.ts';

/** A linear map with an optional offset. */
export type KernelParams = { readonly kernel: Tensor; readonly bias?: Tensor };

export interface KernelOptions {
  /** Default true. A batch norm that follows would cancel the bias. */
  readonly bias?: boolean;
  /** The kernel's initialiser. Default {@link heNormal}: most layers are followed by relu. */
  readonly init?: Initializer;
  /** The bias's initialiser. Default zeros. */
  readonly biasInit?: Initializer;
}

export const kernelRules: Rules<KernelOptions> = { bias: aBoolean, init: aFunction, biasInit: aFunction };

/** Kernel and bias, each drawn from its own key; `fans` is the shape from which fans are counted. */
export function initKernel(
  key: Tensor,
  shape: Shape,
  { bias = true, init = heNormal, biasInit = zeros }: KernelOptions,
  { fans = shape, channels = shape.at(-1)! } = {},
): KernelParams {
  const kernel = init(foldIn(key, 'kernel'), shape, fans);
  return bias ? { kernel, bias: biasInit(foldIn(key, 'bias'), [channels], fans) } : { kernel };
}

export const addBias = (y: Tensor, bias: Tensor | undefined): Tensor =>
  bias === undefined ? y : y.add(bias);

const checkDense = signature('dense', { units: whole(1) }, kernelRules);

/** x·kernel + bias over the last axis: [rows, .., in] → [rows, .., units]. */
export function dense(units: number, options: KernelOptions = {}): Layer<KernelParams, Empty> {
  checkDense(units, options);
  return checkedLayer({
    kind: 'dense',
    init(key, input) {
      const width = input.at(-1);
      if (width === undefined) {
        throw new LockstepError(
          'shape',
          'dense: takes rows of features [.., in], not single numbers; reshape the input to [1]',
          { input },
        );
      }
      return {
        params: initKernel(key, [width, units], options),
        state: {},
        output: [...input.slice(0, -1), units],
      };
    },
    apply: ({ kernel, bias }, state, x) => [addBias(x.matmul(kernel), bias), state],
  });
}
