/** Convolutions of images [H, W, C] and sequences [L, C], plain, depthwise and transposed. */

import {
  type Conv1dOptions,
  type Conv2dOptions,
  type ConvTranspose1dOptions,
  type ConvTranspose2dOptions,
  conv1d as convolve1d,
  conv2d as convolve2d,
  kinds,
  convTranspose1d as spread1d,
  convTranspose2d as spread2d,
  type Tensor,
} from '@lockstep/autodiff';
import { LockstepError, type Rules, signature, whole } from '@lockstep/errors';
import type { Shape } from '@lockstep/tensor';
import { addBias, initKernel, type KernelOptions, type KernelParams, kernelRules } from './dense.ts';
import { aSize } from './kinds.ts';
import { checkedLayer, type Empty, type Layer, outputShape } from './layer.ts';
import { requireCount, requireImages, requireSequence } from './require.ts';

type Size = number | readonly [number, number];

export interface Conv1dLayerOptions extends Conv1dOptions, KernelOptions {}

export const conv1dLayerRules: Rules<Conv1dLayerOptions> = { ...kinds.conv1dRules, ...kernelRules };
export interface Conv2dLayerOptions extends Conv2dOptions, KernelOptions {}

export const conv2dLayerRules: Rules<Conv2dLayerOptions> = { ...kinds.conv2dRules, ...kernelRules };
export interface ConvTranspose1dLayerOptions extends ConvTranspose1dOptions, KernelOptions {}

export const convTranspose1dLayerRules: Rules<ConvTranspose1dLayerOptions> = {
  ...kinds.convTranspose1dRules,
  ...kernelRules,
};
export interface ConvTranspose2dLayerOptions extends ConvTranspose2dOptions, KernelOptions {}

export const convTranspose2dLayerRules: Rules<ConvTranspose2dLayerOptions> = {
  ...kinds.convTranspose2dRules,
  ...kernelRules,
};

export interface DepthwiseConv2dOptions extends Omit<Conv2dOptions, 'groups'>, KernelOptions {
  /** Output channels per input channel. Default 1. */
  readonly multiplier?: number;
}

const { groups: _groups, ...withoutGroups } = kinds.conv2dRules as Rules<Conv2dOptions>;

export const depthwiseConv2dRules: Rules<DepthwiseConv2dOptions> = {
  ...withoutGroups,
  ...kernelRules,
  multiplier: whole(1),
};

const checkConv1d = signature('conv1d', { channels: whole(1), kernelSize: whole(1) }, conv1dLayerRules);

/** Cross-correlation with `channels` kernels of `kernelSize`: [rows, L, C] → [rows, L′, channels]. */
export function conv1d(
  channels: number,
  kernelSize: number,
  options: Conv1dLayerOptions = {},
): Layer<KernelParams, Empty> {
  checkConv1d(channels, kernelSize, options);
  const window = windowOf(options);
  return convolution('conv1d', channels, [kernelSize], options, {
    kernel: (inputs) => [...perGroup('conv1d', inputs, channels, options.groups), channels],
    apply: (x, kernel) => convolve1d(x, kernel, window),
  });
}

const checkConv2d = signature('conv2d', { channels: whole(1), kernelSize: aSize }, conv2dLayerRules);

/**
 * Cross-correlation with `channels` kernels of one size, or [height, width]: [rows, H, W, C] → [rows, H′, W′, channels].
 */
export function conv2d(
  channels: number,
  kernelSize: Size,
  options: Conv2dLayerOptions = {},
): Layer<KernelParams, Empty> {
  checkConv2d(channels, kernelSize, options);
  const window = windowOf(options);
  return convolution('conv2d', channels, pair(kernelSize), options, {
    kernel: (inputs) => [...perGroup('conv2d', inputs, channels, options.groups), channels],
    apply: (x, kernel) => convolve2d(x, kernel, window),
  });
}

const checkDepthwiseConv2d = signature('depthwiseConv2d', { kernelSize: aSize }, depthwiseConv2dRules);

/**
 * Cross-correlation of each channel with its own kernels, so that a kernel sees no other channel. Followed by
 * conv2d(…, 1) it is a separable convolution (Howard et al., 2017). [rows, H, W, C] → [rows, H′, W′, C·multiplier]
 */
export function depthwiseConv2d(
  kernelSize: Size,
  given: DepthwiseConv2dOptions = {},
): Layer<KernelParams, Empty> {
  checkDepthwiseConv2d(kernelSize, given);
  const { multiplier = 1, ...options } = given;
  const window = windowOf(options);
  return convolution('depthwiseConv2d', multiplier, pair(kernelSize), options, {
    kernel: (inputs) => [1, inputs * multiplier],
    apply: (x, kernel) => convolve2d(x, kernel, { ...window, groups: x.shape[3]! }),
  });
}

const checkConvTranspose1d = signature(
  'convTranspose1d',
  { channels: whole(1), kernelSize: whole(1) },
  convTranspose1dLayerRules,
);

/** The transpose of {@link conv1d}, which makes sequences longer: [rows, L, C] → [rows, L′, channels]. */
export function convTranspose1d(
  channels: number,
  kernelSize: number,
  options: ConvTranspose1dLayerOptions = {},
): Layer<KernelParams, Empty> {
  checkConvTranspose1d(channels, kernelSize, options);
  const window = windowOf(options);
  return convolution('convTranspose1d', channels, [kernelSize], options, {
    kernel: (inputs) => [inputs, ...perGroup('convTranspose1d', channels, inputs, options.groups)],
    isTransposed: true,
    apply: (x, kernel) => spread1d(x, kernel, window),
  });
}

const checkConvTranspose2d = signature(
  'convTranspose2d',
  { channels: whole(1), kernelSize: aSize },
  convTranspose2dLayerRules,
);

/** The transpose of {@link conv2d}, which makes images larger: [rows, H, W, C] → [rows, H′, W′, channels]. */
export function convTranspose2d(
  channels: number,
  kernelSize: Size,
  options: ConvTranspose2dLayerOptions = {},
): Layer<KernelParams, Empty> {
  checkConvTranspose2d(channels, kernelSize, options);
  const window = windowOf(options);
  return convolution('convTranspose2d', channels, pair(kernelSize), options, {
    kernel: (inputs) => [inputs, ...perGroup('convTranspose2d', channels, inputs, options.groups)],
    isTransposed: true,
    apply: (x, kernel) => spread2d(x, kernel, window),
  });
}

/** The options for the op of the same name: those of the layer without its initialisers. */
function windowOf<O extends KernelOptions>(options: O): Omit<O, keyof KernelOptions> {
  const { bias: _bias, init: _init, biasInit: _biasInit, ...window } = options;
  return window;
}

interface Rule {
  /** The last two axes of the kernel for a number of input channels. */
  kernel(inputs: number): Shape;
  /** Counts fans as for the convolution whose transpose the layer is, as PyTorch and Keras do. */
  readonly isTransposed?: boolean;
  apply(x: Tensor, kernel: Tensor): Tensor;
}

function convolution(
  kind: string,
  channels: number,
  size: Shape,
  options: KernelOptions,
  { kernel: lastAxes, isTransposed = false, apply }: Rule,
): Layer<KernelParams, Empty> {
  requireCount(kind, kind === 'depthwiseConv2d' ? 'multiplier' : 'channels', channels);
  for (const length of size) requireCount(kind, 'kernelSize', length);
  return checkedLayer({
    kind,
    init(key, input) {
      if (size.length === 1) requireSequence(kind, input);
      else requireImages(kind, input);
      const axes = lastAxes(input.at(-1)!);
      const shape = [...size, ...axes];
      const output = outputShape((x, kernel) => apply(x, kernel!), input, shape);
      const fans = isTransposed ? [...size, ...axes.toReversed()] : shape;
      return {
        params: initKernel(key, shape, options, { fans, channels: output.at(-1)! }),
        state: {},
        output,
      };
    },
    apply: ({ kernel, bias }, state, x) => [addBias(apply(x, kernel), bias), state],
  });
}

/** The number of channels of one group. */
function perGroup(kind: string, divided: number, other: number, groups = 1): [number] {
  requireCount(kind, 'groups', groups);
  if (divided % groups === 0 && other % groups === 0) return [divided / groups];
  throw new LockstepError(
    'shape',
    `${kind}: ${groups} groups must divide the channels of input and output, ${divided} and ${other}`,
    { kind, groups, channels: [divided, other] },
  );
}

const pair = (size: Size): readonly [number, number] => (typeof size === 'number' ? [size, size] : size);
