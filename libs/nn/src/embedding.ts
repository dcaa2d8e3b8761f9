import { arange, foldIn, gather, stopGradient, type Tensor, where } from '@lockstep/autodiff';
import { aFunction, aNumber, LockstepError, type Rules, signature, whole } from '@lockstep/errors';
import type { Initializer } from './fans.ts';
import { normal } from './initializers.ts';
import { checkedLayer, type Empty, type Layer } from './layer.ts';
import { requireNamed } from './named.ts';

/** One row per token. [rows, width] */
export type EmbeddingParams = { readonly table: Tensor };

export interface EmbeddingOptions {
  /** The table's initialiser. Default normal(1). */
  readonly init?: Initializer;
  /** The padding token: its row starts at 0 and gets no gradient (PyTorch's `padding_idx`). Default: none. */
  readonly paddingIndex?: number;
}

export const embeddingRules: Rules<EmbeddingOptions> = { init: aFunction, paddingIndex: aNumber };

const checkEmbedding = signature('embedding', { rows: whole(1), width: whole(1) }, embeddingRules);

/**
 * The table's rows at the given indices: int32 [rows, ..] → [rows, .., width]. Fans are counted as for PyTorch's
 * table: `width` in, `rows` out. An index outside the table is an error; in a compiled program its row is NaN.
 */
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
  const withoutPadding = (table: Tensor): Tensor =>
    paddingIndex === undefined
      ? table
      : where(arange(rows, 'int32').equal(paddingIndex).reshape([rows, 1]), 0, table);
  return checkedLayer({
    kind: 'embedding',
    inputType: 'int32',
    init: (key, input) => ({
      params: { table: withoutPadding(init(foldIn(key, 'table'), [rows, width], [width, rows])) },
      state: {},
      output: [...input, width],
    }),
    apply({ table }, state, x) {
      // gather comes first, because it refuses indices of another element type.
      const vectors = gather(table, x);
      requireNamed({ owner: 'embedding', kind: 'token', numbers: x, count: table.shape[0]! });
      if (paddingIndex === undefined) return [vectors, state];
      const isPadding = x.equal(paddingIndex).reshape([...x.shape, 1]);
      return [where(isPadding, stopGradient(vectors), vectors), state];
    },
  });
}
