/** Layers that contain layers other than in a chain: parallel branches, residual connections, frozen parts. */

import { concatenate, foldIn, stopGradient, type Tensor } from '@lockstep/autodiff';
import { aFunction, aString, LockstepError, oneOf, signature } from '@lockstep/errors';
import { formatShape, type Shape, sameShape } from '@lockstep/tensor';
import { map, markFrozen } from '@lockstep/tree';
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
  weightless,
} from './layer.ts';
import { type ParamsOf, type StateOf, sequential } from './sequential.ts';
import { asPart } from './watch.ts';
import { within } from './within.ts';

/** How the results of branches are combined. */
export type Combination = 'sum' | 'product' | 'concat';

const checkParallel = signature('parallel', {
  combination: oneOf('sum', 'product', 'concat'),
  '...items': aLayer,
});

/**
 * Branches that take the same rows; their results are added, multiplied, or joined along the last axis. Params and
 * state are arrays with one entry per branch. Branch `i` draws from foldIn(key, i).
 */
export function parallel<const L extends readonly LayerLike[]>(
  combination: Combination,
  ...items: L
): Layer<{ readonly [K in keyof L]: ParamsOf<L[K]> }, { readonly [K in keyof L]: StateOf<L[K]> }> {
  checkParallel(combination, ...items);
  type P = { readonly [K in keyof L]: ParamsOf<L[K]> };
  type S = { readonly [K in keyof L]: StateOf<L[K]> };
  if (items.length === 0) {
    throw new LockstepError('argument', 'parallel: has no branches; give at least one layer', {
      combination,
    });
  }
  const branches = items.map(asLayer);
  return checkedLayer({
    kind: 'parallel',
    branches,
    init(key, input) {
      const own = branches.map((branch, i) =>
        within('branch', i, branch, () => initialize(branch, foldIn(key, i), input)),
      );
      return {
        params: own.map(({ params }) => params) as unknown as P,
        state: own.map(({ state }) => state) as unknown as S,
        output: combinedShape(
          combination,
          own.map(({ output }) => output),
        ),
      };
    },
    apply(params, state, x, context = { training: false }) {
      const results = branches.map((branch, i) =>
        within('branch', i, branch, () =>
          applied(branch, params[i] as TensorTree, state[i] as TensorTree, x, contextOf(context, i)),
        ),
      );
      const outputs = results.map(([output]) => output);
      return [combine(combination, outputs), results.map(([, after]) => after) as unknown as S];
    },
  });
}

const checkResidual = signature('residual', { '...items': aLayer });

/**
 * x + f(x), where f is the chain of the layers and must keep the shape (He et al., 2016). Params are those of the
 * layers.
 */
export function residual<const L extends readonly LayerLike[]>(...items: L) {
  checkResidual(...items);
  const main = sequential(...items);
  const kept = (input: Shape, output: Shape): void => {
    if (sameShape(input, output)) return;
    throw new LockstepError(
      'shape',
      `residual: the layers make ${formatShape(output)} of ${formatShape(input)}, which cannot be added; use residualWith(shortcut, …layers) with a shortcut of that shape`,
      { input, output },
    );
  };
  const layer: typeof main = {
    ...main,
    kind: 'residual',
    init(key, input) {
      const own = main.init(key, input);
      kept(input, own.output);
      return own;
    },
    apply(params, state, x, context) {
      const [y, next] = main.apply(params, state, x, context);
      kept(x.shape.slice(1), y.shape.slice(1));
      return [x.add(y), next];
    },
  };
  return layer;
}

const checkResidualWith = signature('residualWith', { shortcut: aLayer, '...items': aLayer });

/** shortcut(x) + f(x), for blocks that change the shape, with a projection such as conv2d(64, 1, { stride: 2 }). */
export function residualWith<const L extends readonly LayerLike[], const S extends LayerLike>(
  shortcut: S,
  ...items: L
) {
  checkResidualWith(shortcut, ...items);
  return { ...parallel('sum', shortcut, sequential(...items)), kind: 'residual' };
}

const checkFrozen = signature('frozen', { item: aLayer });

/**
 * The layer with constant parameters. `init` marks them ({@link markFrozen}), so that optimizers, weight decay and
 * penalties skip them. State is not frozen: as in PyTorch's train mode, the running moments of a frozen batch norm
 * still follow the rows in training.
 */
export function frozen<const L extends LayerLike>(item: L): Layer<ParamsOf<L>, StateOf<L>> {
  checkFrozen(item);
  const layer = asLayer(item) as unknown as Layer<ParamsOf<L>, StateOf<L>>;
  return checkedLayer({
    ...layer,
    kind: `frozen ${layer.kind}`,
    init(key, input) {
      const own = initialize(layer, key, input);
      return { ...own, params: markFrozen(own.params) };
    },
    apply(params, state, x, context) {
      const constants = map((leaf: Tensor) => stopGradient(leaf), params as TensorTree) as typeof params;
      return asPart('', () => applied(layer, constants, state, x, context));
    },
  });
}

const checkLambda = signature('lambda', { kind: aString, f: aFunction });

/** A function of the batch as a layer with its own name: `lambda('scale', (x) => x.mul(0.5))`. */
export function lambda(kind: string, f: (x: Tensor) => Tensor): Layer<Empty, Empty> {
  checkLambda(kind, f);
  return weightless(kind, f);
}

function combinedShape(combination: Combination, shapes: readonly Shape[]): Shape {
  const [first, ...others] = shapes as [Shape, ...Shape[]];
  const core = (shape: Shape): Shape => (combination === 'concat' ? shape.slice(0, -1) : shape);
  const odd = others.find((shape) => shape.length !== first.length || !sameShape(core(shape), core(first)));
  if (odd !== undefined || (combination === 'concat' && first.length === 0)) {
    throw new LockstepError(
      'shape',
      `parallel: branches make ${shapes.map(formatShape).join(' and ')}; to ${verbs[combination]} them they must agree in ${combination === 'concat' ? 'all axes but the last' : 'shape'}`,
      { combination, shapes },
    );
  }
  if (combination !== 'concat') return first;
  return [...core(first), shapes.reduce((sum, shape) => sum + shape.at(-1)!, 0)];
}

const verbs: Record<Combination, string> = { sum: 'add', product: 'multiply', concat: 'join' };

function combine(combination: Combination, outputs: readonly Tensor[]): Tensor {
  combinedShape(
    combination,
    outputs.map(({ shape }) => shape.slice(1)),
  );
  switch (combination) {
    case 'sum':
      return outputs.reduce((a, b) => a.add(b));
    case 'product':
      return outputs.reduce((a, b) => a.mul(b));
    case 'concat':
      return concatenate(outputs, -1);
    default:
      return combination satisfies never;
  }
}
