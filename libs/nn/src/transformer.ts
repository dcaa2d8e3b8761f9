import { gelu } from '@lockstep/autodiff';
import { aBoolean, aFunction, aNumber, type Rules, signature, whole } from '@lockstep/errors';
import { multiHeadAttention } from './attention.ts';
import { residual } from './composition.ts';
import { dense } from './dense.ts';
import { dropout } from './dropout.ts';
import { aLayer } from './kinds.ts';
import type { LayerLike } from './layer.ts';
import { layerNorm } from './normalization.ts';
import { sequential } from './sequential.ts';

export interface TransformerBlockOptions {
  /** Units of the inner layer. Default 4·width. */
  readonly hidden?: number;
  /**
   * Whether each place reads only from itself and earlier places, as in a model that predicts the next token. Default
   * false.
   */
  readonly causal?: boolean;
  /** Dropout rate of the attention weights and of each half's result, in training. Default 0. */
  readonly dropout?: number;
  /** The activation of the inner layer. Default gelu. */
  readonly activation?: LayerLike;
  /** The two normalisations. Default {@link layerNorm}. */
  readonly norm?: () => LayerLike;
}

export const transformerBlockRules: Rules<TransformerBlockOptions> = {
  hidden: whole(1),
  causal: aBoolean,
  dropout: aNumber,
  activation: aLayer,
  norm: aFunction,
};

const checkTransformerBlock = signature(
  'transformerBlock',
  { width: whole(1), heads: whole(1) },
  transformerBlockRules,
);

/**
 * Attention and a two-layer network, each added to its input and each after a normalisation (pre-norm: Xiong et al.,
 * 2020). [rows, time, width] → the same
 */
export function transformerBlock(width: number, heads: number, options: TransformerBlockOptions = {}) {
  checkTransformerBlock(width, heads, options);
  const {
    hidden = 4 * width,
    causal = false,
    dropout: rate = 0,
    activation = gelu,
    norm = layerNorm,
  } = options;
  return {
    ...sequential(
      residual(norm(), multiHeadAttention(width, heads, { causal, dropout: rate }), dropout(rate)),
      residual(norm(), dense(hidden), activation, dense(width), dropout(rate)),
    ),
    kind: 'transformerBlock',
  };
}
