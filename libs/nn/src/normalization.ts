/** Normalisations within a row: each sample by its own moments, in training and evaluation alike. */

import { ones, type Tensor, zeros } from '@lockstep/autodiff';
import { aBoolean, LockstepError, numberFrom, type Rules, signature, whole } from '@lockstep/errors';
import { formatShape, type Shape } from '@lockstep/tensor';
import type { Empty, Layer } from './layer.ts';
import { checkedLayer } from './layer.ts';

/** The trained scale and offset of normalised values, where a layer has them. */
export type NormParams = { readonly gamma?: Tensor; readonly beta?: Tensor };

export interface NormOptions {
  /** Added to the variance (or mean square). Default 1e-5. */
  readonly epsilon?: number;
  /** Whether values are multiplied by a trained γ, initially 1. Default true; false for `instanceNorm`. */
  readonly scale?: boolean;
  /** Whether a trained β, initially 0, is added. Default true; false for `instanceNorm` and `rmsNorm`. */
  readonly shift?: boolean;
}

export const normRules: Rules<NormOptions> = { epsilon: numberFrom(0), scale: aBoolean, shift: aBoolean };

export interface LayerNormOptions extends NormOptions {
  /** The number of last axes that are normalised together. Default 1. */
  readonly axes?: number;
}

export const layerNormRules: Rules<LayerNormOptions> = { ...normRules, axes: whole(1) };

const checkLayerNorm = signature('layerNorm', {}, layerNormRules);

/**
 * (x − mean)/√(variance + ε)·γ + β over the last axis or axes of each row; γ and β have one value per normalised
 * element (Ba, Kiros and Hinton, 2016). [rows, .., C] → the same
 */
export function layerNorm(options: LayerNormOptions = {}): Layer<NormParams, Empty> {
  checkLayerNorm(options);
  const { axes = 1, epsilon = 1e-5, ...affine } = options;
  return normalization('layerNorm', affine, {
    shape: (input) => lastAxes('layerNorm', input, axes),
    normalize: (x) => standardized(x, range(x.rank - axes, x.rank), epsilon),
  });
}

const checkRmsNorm = signature('rmsNorm', {}, normRules);

/** x/√(mean x² + ε)·γ over the last axis; without β by default (Zhang and Sennrich, 2019). [rows, .., C] → the same */
export function rmsNorm(options: NormOptions = {}): Layer<NormParams, Empty> {
  checkRmsNorm(options);
  const { epsilon = 1e-5, shift = false, ...affine } = options;
  return normalization(
    'rmsNorm',
    { ...affine, shift },
    {
      shape: (input) => lastAxes('rmsNorm', input, 1),
      normalize: (x) => x.div(x.square().mean(-1, { keepDims: true }).add(epsilon).sqrt()),
    },
  );
}

const checkGroupNorm = signature('groupNorm', { groups: whole(1) }, normRules);

/**
 * `groups` groups of neighbouring channels; each group of a row is normalised over its channels and all places. γ and
 * β have one value per channel (Wu and He, 2018). [rows, .., C] → the same
 */
export function groupNorm(groups: number, options: NormOptions = {}): Layer<NormParams, Empty> {
  checkGroupNorm(groups, options);
  const { epsilon = 1e-5, ...affine } = options;
  return normalization('groupNorm', affine, {
    shape(input) {
      const [channels] = lastAxes('groupNorm', input, 1) as [number];
      if (channels % groups !== 0) {
        throw new LockstepError(
          'shape',
          `groupNorm: ${channels} channels do not form ${groups} equal groups; choose a divisor of ${channels}`,
          { channels, groups },
        );
      }
      return [channels];
    },
    normalize(x) {
      const grouped = x.reshape([...x.shape.slice(0, -1), groups, x.shape.at(-1)! / groups]);
      const axes = [...range(1, x.rank - 1), x.rank];
      return standardized(grouped, axes, epsilon).reshape(x.shape);
    },
  });
}

const checkInstanceNorm = signature('instanceNorm', {}, normRules);

/**
 * Each channel of a row is normalised over its places (Ulyanov, Vedaldi and Lempitsky, 2016). As in PyTorch, γ and β
 * are off by default. [rows, .., C] → the same
 */
export function instanceNorm(options: NormOptions = {}): Layer<NormParams, Empty> {
  checkInstanceNorm(options);
  const { epsilon = 1e-5, scale = false, shift = false } = options;
  return normalization(
    'instanceNorm',
    { scale, shift },
    {
      shape(input) {
        if (input.length >= 2) return input.slice(-1);
        throw new LockstepError(
          'shape',
          `instanceNorm: takes rows with places and channels [.., C], not ${formatShape(input)}: over a single place every value would become 0; use layerNorm`,
          { input },
        );
      },
      normalize: (x) => standardized(x, range(1, x.rank - 1), epsilon),
    },
  );
}

interface Rule {
  /** The shape of γ and β for rows of shape `input`. */
  shape(input: Shape): Shape;
  normalize(x: Tensor): Tensor;
}

function normalization(
  kind: string,
  { scale = true, shift = true }: NormOptions,
  { shape, normalize }: Rule,
): Layer<NormParams, Empty> {
  return checkedLayer({
    kind,
    init(_key, input) {
      const own = shape(input);
      const params = { ...(scale && { gamma: ones(own) }), ...(shift && { beta: zeros(own) }) };
      return { params, state: {}, output: input };
    },
    apply({ gamma, beta }, state, x) {
      const normalized = normalize(x);
      const scaled = gamma === undefined ? normalized : normalized.mul(gamma);
      return [beta === undefined ? scaled : scaled.add(beta), state];
    },
  });
}

/** (x − mean)/√(variance + ε) over `axes`, with the biased variance. */
function standardized(x: Tensor, axes: readonly number[], epsilon: number): Tensor {
  const centred = x.sub(x.mean(axes, { keepDims: true }));
  return centred.div(centred.square().mean(axes, { keepDims: true }).add(epsilon).sqrt());
}

function lastAxes(kind: string, input: Shape, count: number): Shape {
  if (input.length >= count) return input.slice(input.length - count);
  throw new LockstepError(
    'shape',
    `${kind}: normalises the last ${count === 1 ? 'axis' : `${count} axes`}, but a row has the shape ${formatShape(input)}; reshape it first`,
    { kind, input, count },
  );
}

const range = (from: number, to: number): number[] => Array.from({ length: to - from }, (_, i) => from + i);
