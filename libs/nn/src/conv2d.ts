import { type Conv2dOptions, conv2d as convolve } from '@lockstep/autodiff';
import { addBias, initKernel, type KernelOptions, type KernelParams } from './dense.ts';
import { type Empty, type Layer, outputShape } from './layer.ts';
import { requireCount, requireImages } from './require.ts';

export interface Conv2dLayerOptions extends Conv2dOptions, KernelOptions {}

/**
 * Cross-correlation with `channels` kernels of one size, or [height, width]: [rows, H, W, C] → [rows, H′, W′, channels].
 */
export function conv2d(
  channels: number,
  kernelSize: number | readonly [number, number],
  options: Conv2dLayerOptions = {},
): Layer<KernelParams, Empty> {
  const size = typeof kernelSize === 'number' ? [kernelSize, kernelSize] : kernelSize;
  requireCount('conv2d', 'channels', channels);
  for (const length of size) requireCount('conv2d', 'kernelSize', length);
  return {
    kind: 'conv2d',
    init(key, input) {
      requireImages('conv2d', input);
      const shape = [...size, input[2]!, channels];
      return {
        params: initKernel(key, shape, options),
        state: {},
        output: outputShape((x, kernel) => convolve(x, kernel!, options), input, shape),
      };
    },
    apply: ({ kernel, bias }, state, x) => [addBias(convolve(x, kernel, options), bias), state],
  };
}
