/**
 * The layer interface. Shapes here are those of one row: they omit the batch axis, which comes first in every tensor.
 */

import * as ops from '@lockstep/autodiff';
import { foldIn, Tensor, traceProgram } from '@lockstep/autodiff';
import {
  aBoolean,
  describeValue,
  type Kind,
  LockstepError,
  nestedOptions,
  signature,
  withRows,
} from '@lockstep/errors';
import { type DType, formatShape, type Shape } from '@lockstep/tensor';
import type { Tree } from '@lockstep/tree';
import { aShape, aTensor } from './kinds.ts';
import { watched } from './watch.ts';

/** Parameters or state: nested arrays and objects of tensors. */
export type TensorTree = Tree<Tensor>;

/** The parameters or state of a layer without any. */
export type Empty = Readonly<Record<string, never>>;

/** What a layer may depend on besides its parameters, its state and the rows, in training. */
export interface TrainingContext {
  /** Known when a program is traced: dropout and batch norm compute something else in evaluation. */
  readonly training: true;
  /** The key of random layers; containers derive one for each layer. uint32 [2] */
  readonly key: Tensor;
  /** The weight of each row: 0 for rows that only pad a shard. [rows] */
  readonly weights: Tensor;
}

/** In evaluation nothing is random and weights do not matter, so `{ training: false }` is enough. */
export interface EvaluationContext {
  readonly training: false;
  readonly key?: Tensor | undefined;
  readonly weights?: Tensor | undefined;
}

export type Context = TrainingContext | EvaluationContext;

export interface Initialized<P, S> {
  /** Trained parameters. float32 */
  readonly params: P;
  /** Values that `apply` passes from step to step without training, such as running moments. float32 */
  readonly state: S;
  /** The shape of a row of the result. */
  readonly output: Shape;
}

/** A pair of pure functions: one makes parameters for rows of a given shape, one applies them to a batch. */
export interface Layer<P = TensorTree, S = TensorTree> {
  /** The layer's name in messages and summaries. */
  readonly kind: string;
  /** The element type of its input. Default float32. */
  readonly inputType?: DType;
  /** The contained layers, if the layer is a chain. */
  readonly layers?: readonly Layer[];
  /** The contained layers, if all take the same rows. */
  readonly branches?: readonly Layer[];
  init(key: Tensor, input: Shape): Initialized<P, S>;
  /** x [rows, ..input] → [rows, ..output] and the state after it. */
  apply(params: P, state: S, x: Tensor, context: Context): [Tensor, S];
}

/** Parameters or state: only the layer knows their form. */
const aTree: Kind = {
  what: 'as init gives it',
  fits: (value) => typeof value === 'object' && value !== null,
};

/** All fields are optional: some layers are neither random nor weighted. */
const aContext = nestedOptions({ training: aBoolean, key: aTensor, weights: aTensor });

const checkInit = signature('init of a layer', { key: aTensor, input: aShape });
const checkApply = signature('apply of a layer', {
  params: aTree,
  state: aTree,
  x: aTensor,
  'context?': aContext,
});

/** A stack becomes text when it is first read, which only errors do. */
const stacks = new WeakMap<object, { readonly stack?: string }>();

/** The stack of the call that made a layer of this library. */
export const madeAt = (layer: object): string | undefined => stacks.get(layer)?.stack;

function remembered<L extends object>(layer: L): L {
  const made = {};
  Error.captureStackTrace(made, checkedLayer);
  stacks.set(layer, made);
  return layer;
}

/** The layer with functions that check their arguments, for callers without types. */
export function checkedLayer<P, S, L extends Layer<P, S>>(layer: L & Layer<P, S>): L {
  return remembered({
    ...layer,
    init(key: Tensor, input: Shape) {
      checkInit(key, input);
      return layer.init(key, input);
    },
    apply(params: P, state: S, x: Tensor, context: Context) {
      checkApply(params, state, x, context);
      return watched(layer.kind, params, () => layer.apply(params, state, x, context));
    },
  });
}

/** A layer, or a function of the batch such as `relu`, which is a layer without parameters. */
export type LayerLike = Layer | ((x: Tensor) => Tensor);

/** The context of part `i` of a container, with the part's own key. */
export const contextOf = (context: Context, i: number): Context =>
  context.key === undefined ? context : { ...context, key: foldIn(context.key, i) };

/** Throws `argument` if the context lacks what the layer needs in training. */
export function requireContext(kind: string, name: 'key' | 'weights', value: Tensor | undefined): Tensor {
  if (value !== undefined) return value;
  const remedy =
    name === 'key' ? 'a key to draw from, as in keyTensor(1)' : 'the weights of the rows, as in ones([rows])';
  throw new LockstepError(
    'argument',
    `${kind}: the context has no ${name}; training needs ${remedy}; evaluation is { training: false }`,
    { kind, name },
  );
}

/** Calls `layer.init` and checks its result, since users write layers too. */
export function initialize<P, S>(layer: Layer<P, S>, key: Tensor, input: Shape): Initialized<P, S> {
  const own: unknown = layer.init(key, input);
  const given = typeof own === 'object' && own !== null ? (own as Partial<Initialized<P, S>>) : {};
  const { output } = given;
  const isShape = Array.isArray(output) && output.every((length) => Number.isInteger(length) && length >= 0);
  if (isShape && 'params' in given && 'state' in given) return given as Initialized<P, S>;
  const missing = ['params', 'state', 'output'].filter((name) => !(name in given));
  const came =
    missing.length > 0 ? `gives no ${missing.join(' and no ')}` : `gives the output ${String(output)}`;
  throw new LockstepError(
    'experiment',
    `${layer.kind}: init ${came}; it gives { params, state, output }: {} where there are no parameters or no state, and output is the shape of one row of the result, such as [16]`,
    { kind: layer.kind, missing },
  );
}

/** Calls `layer.apply` and checks its result. */
export function applied<P, S>(
  layer: Layer<P, S>,
  params: P,
  state: S,
  x: Tensor,
  context: Context,
): [Tensor, S] {
  return watched(layer.kind, params, () => {
    const result: unknown = layer.apply(params, state, x, context);
    if (Array.isArray(result) && result.length === 2 && result[0] instanceof Tensor)
      return result as [Tensor, S];
    throw new LockstepError(
      'experiment',
      `${layer.kind}: apply gives ${result instanceof Tensor ? 'a tensor alone' : describe(result)}; it gives [y, state], the result and the state after it`,
      { kind: layer.kind },
    );
  });
}

const describe = (value: unknown): string =>
  Array.isArray(value)
    ? `a list of ${value.length}`
    : value === null
      ? 'null'
      : `a value of type ${typeof value}`;

export function asLayer(item: LayerLike): Layer {
  return typeof item === 'function' ? weightless(kindOf(item), item) : item;
}

/** A layer without parameters. */
export function weightless(kind: string, f: (x: Tensor) => Tensor): Layer<Empty, Empty> {
  return checkedLayer({
    kind,
    init: (_key, input) => ({ params: {}, state: {}, output: outputShape(f, input) }),
    apply: (_params, state, x) => [f(x), state],
  });
}

/** Names of ops, which are anonymous functions and often serve as layers. */
const names = new Map<unknown, string>(Object.entries(ops).map(([name, op]) => [op, name]));

const kindOf = (f: (x: Tensor) => Tensor): string => names.get(f) ?? (f.name || 'function');

function requireResult(y: unknown): void {
  if (y instanceof Tensor) return;
  const given = y === undefined ? 'nothing' : describeValue(y);
  throw new LockstepError(
    'experiment',
    `the function of the batch gives ${given}; it gives a tensor, as (x) => x.mul(2) or (x) => { return x.mul(2); } do`,
    { came: describeValue(y) },
  );
}
/** An unusual number of rows, so that it equals no length of the model. */
const triedRows = 13;

/**
 * The shape of a row of `f`'s result. Traces `f` on rows of `input` (and further arguments of the given shapes)
 * without computing anything.
 */
export function outputShape(
  f: (x: Tensor, ...others: Tensor[]) => Tensor,
  input: Shape,
  ...others: readonly Shape[]
): Shape {
  return withRows(triedRows, (rows) => {
    let output: Shape = [];
    traceProgram(
      (x, ...rest) => {
        const y = f(x!, ...rest);
        requireResult(y);
        output = y.shape;
        return [y];
      },
      [[rows, ...input], ...others].map((shape) => ({ dtype: 'float32' as const, shape })),
    );
    if (output[0] === rows) return output.slice(1);
    throw new LockstepError(
      'shape',
      `the function makes ${formatShape(output)} of ${formatShape([rows, ...input])}; a layer must keep the batch axis in front`,
      { input, output },
    );
  });
}
