import { foldIn, type Tensor } from '@lockstep/autodiff';
import { LockstepError } from '@lockstep/errors';
import { asLayer, type Empty, type Layer, type LayerLike, type TensorTree } from './layer.ts';

type ParamsOf<L> = L extends { init(...args: never): { readonly params: infer P } } ? P : Empty;
type StateOf<L> = L extends { init(...args: never): { readonly state: infer S } } ? S : Empty;

/** Layers one after the other; params and state are arrays with one entry a layer. Layer `i` draws from foldIn(key, i). */
export function sequential<const L extends readonly LayerLike[]>(
  ...items: L
): Layer<{ readonly [K in keyof L]: ParamsOf<L[K]> }, { readonly [K in keyof L]: StateOf<L[K]> }> {
  type P = { readonly [K in keyof L]: ParamsOf<L[K]> };
  type S = { readonly [K in keyof L]: StateOf<L[K]> };
  const layers = items.map(asLayer);
  return {
    kind: 'sequential',
    layers,
    init(key, input) {
      const params: TensorTree[] = [];
      const state: TensorTree[] = [];
      let output = input;
      for (const [i, layer] of layers.entries()) {
        const own = at(i, layer, () => layer.init(foldIn(key, i), output));
        params.push(own.params);
        state.push(own.state);
        output = own.output;
      }
      return { params: params as unknown as P, state: state as unknown as S, output };
    },
    apply(params, state, x, context) {
      const next: TensorTree[] = [];
      let y: Tensor = x;
      for (const [i, layer] of layers.entries()) {
        const own = { ...context, key: foldIn(context.key, i) };
        const [out, after] = at(i, layer, () =>
          layer.apply(params[i] as TensorTree, state[i] as TensorTree, y, own),
        );
        y = out;
        next.push(after);
      }
      return [y, next as unknown as S];
    },
  };
}

/** Runs a layer's part; its errors say which layer they come from. */
function at<T>(index: number, { kind }: Layer, run: () => T): T {
  try {
    return run();
  } catch (error) {
    if (!(error instanceof LockstepError)) throw error;
    const { code, message, facts } = error;
    throw new LockstepError(
      code,
      `layer ${index} (${kind}): ${message}`,
      { ...facts, layer: index, kind },
      { cause: error },
    );
  }
}
