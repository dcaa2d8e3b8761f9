import { foldIn, gather, stopGradient, type Tensor, where } from '@lockstep/autodiff';
import { aFunction, aNumber, LockstepError, type Rules, signature, whole } from '@lockstep/errors';
import type { Initializer } from './fans.ts';
import { normal } from './initializers.ts';
import type { Empty, Layer } from './layer.ts';
import { checkedLayer } from './layer.ts';

/** One row a token. [rows, width] */
export type EmbeddingParams = { readonly table: Tensor };

export interface EmbeddingOptions {
  /** The table's first values. Default normal(1). */
  readonly init?: Initializer;
  /** The token of padding: its row is not trained, though it has first values like the others. */
  readonly paddingIndex?: number;
}

export const embeddingRules: Rules<EmbeddingOptions> = { init: aFunction, paddingIndex: aNumber };

const checkEmbedding = signature('embedding', { rows: whole(1), width: whole(1) }, embeddingRules);

/** The table's rows at the given indices: int32 [rows, ..] → [rows, .., width]. */
export function embedding(
  rows: number,
  width: number,
  options: EmbeddingOptions = {},
): Layer<EmbeddingParams, Empty> {
  checkEmbedding(rows, width, options);
  const { init = normal(1), paddingIndex } = options;
  if (
    paddingIndex !== undefined &&
    !(Number.isInteger(paddingIndex) && paddingIndex >= 0 && paddingIndex < rows)
  ) {
    throw new LockstepError(
      'argument',
      `embedding: paddingIndex is ${paddingIndex}; it is one of the ${rows} tokens, from 0 to ${rows - 1}`,
      { paddingIndex, rows },
    );
  }
  return checkedLayer({
    kind: 'embedding',
    inputType: 'int32',
    init: (key, input) => ({
      params: { table: init(foldIn(key, 'table'), [rows, width]) },
      state: {},
      output: [...input, width],
    }),
    apply({ table }, state, x) {
      const vectors = gather(table, x);
      if (paddingIndex === undefined) return [vectors, state];
      const isPadding = x.equal(paddingIndex).reshape([...x.shape, 1]);
      return [where(isPadding, stopGradient(vectors), vectors), state];
    },
  });
}
