import { foldIn, gather, type Tensor } from '@lockstep/autodiff';
import type { Initializer } from './fans.ts';
import { normal } from './initializers.ts';
import type { Empty, Layer } from './layer.ts';
import { requireCount } from './require.ts';

/** One row a token. [rows, width] */
export type EmbeddingParams = { readonly table: Tensor };

export interface EmbeddingOptions {
  /** The table's first values. Default normal(1). */
  readonly init?: Initializer;
}

/** The table's rows at the given indices: int32 [rows, ..] → [rows, .., width]. */
export function embedding(
  rows: number,
  width: number,
  { init = normal(1) }: EmbeddingOptions = {},
): Layer<EmbeddingParams, Empty> {
  requireCount('embedding', 'rows', rows);
  requireCount('embedding', 'width', width);
  return {
    kind: 'embedding',
    inputType: 'int32',
    init: (key, input) => ({
      params: { table: init(foldIn(key, 'table'), [rows, width]) },
      state: {},
      output: [...input, width],
    }),
    apply: ({ table }, state, x) => [gather(table, x), state],
  };
}
