import { foldIn, type Tensor } from '@lockstep/autodiff';
import { LockstepError } from '@lockstep/errors';
import { heNormal, type Initializer, zeros } from './initializers.ts';
import type { Empty, Layer } from './layer.ts';
import { requireCount } from './require.ts';

/** A linear map with an optional offset. */
export type KernelParams = { readonly kernel: Tensor; readonly bias?: Tensor };

export interface KernelOptions {
  /** Default true; a batch norm that follows would cancel it. */
  readonly bias?: boolean;
  /** The kernel's first values. Default {@link heNormal}: most layers are followed by relu. */
  readonly init?: Initializer;
}

/** The kernel drawn from its own key, the bias 0. */
export function initKernel(
  key: Tensor,
  shape: readonly number[],
  { bias = true, init = heNormal }: KernelOptions,
): KernelParams {
  const kernel = init(foldIn(key, 'kernel'), shape);
  return bias ? { kernel, bias: zeros(key, shape.slice(-1)) } : { kernel };
}

export const addBias = (y: Tensor, bias: Tensor | undefined): Tensor =>
  bias === undefined ? y : y.add(bias);

/** x·kernel + bias over the last axis: [rows, .., in] → [rows, .., units]. */
export function dense(units: number, options: KernelOptions = {}): Layer<KernelParams, Empty> {
  requireCount('dense', 'units', units);
  return {
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
  };
}
