import { foldIn, type Tensor } from '@lockstep/autodiff';
import { signature } from '@lockstep/errors';
import { aLayer } from './kinds.ts';
import {
  applied,
  asLayer,
  checkedLayer,
  contextOf,
  type Empty,
  initialize,
  type Layer,
  type LayerLike,
  type TensorTree,
} from './layer.ts';
import { within } from './within.ts';

/** The parameters of a layer; a function has none. */
export type ParamsOf<L> = L extends { init(...args: never): { readonly params: infer P } } ? P : Empty;
/** The state of a layer; a function has none. */
export type StateOf<L> = L extends { init(...args: never): { readonly state: infer S } } ? S : Empty;

const checkSequential = signature('sequential', { '...items': aLayer });

/** A chain of layers; params and state are arrays with one entry per layer. Layer `i` draws from foldIn(key, i). */
export function sequential<const L extends readonly LayerLike[]>(
  ...items: L
): Layer<{ readonly [K in keyof L]: ParamsOf<L[K]> }, { readonly [K in keyof L]: StateOf<L[K]> }> {
  checkSequential(...items);
  type P = { readonly [K in keyof L]: ParamsOf<L[K]> };
  type S = { readonly [K in keyof L]: StateOf<L[K]> };
  const layers = items.map(asLayer);
  return checkedLayer({
    kind: 'sequential',
    layers,
    init(key, input) {
      const params: TensorTree[] = [];
      const state: TensorTree[] = [];
      let output = input;
      for (const [i, layer] of layers.entries()) {
        const own = within('layer', i, layer, () => initialize(layer, foldIn(key, i), output));
        params.push(own.params);
        state.push(own.state);
        output = own.output;
      }
      return { params: params as unknown as P, state: state as unknown as S, output };
    },
    apply(params, state, x, context = { training: false }) {
      const next: TensorTree[] = [];
      let y: Tensor = x;
      for (const [i, layer] of layers.entries()) {
        const own = contextOf(context, i);
        const [out, after] = within('layer', i, layer, () =>
          applied(layer, params[i] as TensorTree, state[i] as TensorTree, y, own),
        );
        y = out;
        next.push(after);
      }
      return [y, next as unknown as S];
    },
  });
}
