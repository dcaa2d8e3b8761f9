/**
 * Matrices of derivatives and products with them. A Jacobian consists of pushforwards or pullbacks along all unit
 * vectors at once, by vmap; a Hessian is the forward-mode Jacobian of the gradient ("forward over reverse").
 */

import { aFunction, describeValue, LockstepError, oneOf, type Rules, signature } from '@lockstep/errors';
import { sizeOf } from '@lockstep/tensor';
import { flatten, type Structure, unflatten } from '@lockstep/tree';
import { asTensor, tensor, zerosLike } from '../convert.ts';
import { someArguments } from '../kinds.ts';
import { add, mul, square } from '../primitives/elementwise/fusible.ts';
import { sum } from '../primitives/reduce/sum.ts';
import { stack } from '../primitives/shape/concatenate.ts';
import { reshape, transpose } from '../primitives/shape/reshape.ts';
import type { Aval, Tensor } from '../tensor.ts';
import { lifted, requireArguments, requireFloats, toTensors } from './arguments.ts';
import { jvp } from './jvp.ts';
import type { Input, Inputs } from './types.ts';
import { grad, valueAndGradWithAux, vjp } from './vjp.ts';
import { vmap } from './vmap.ts';

/** One argument, or a list of them. */
export type Wrt = number | readonly number[];

/** The form of the gradient: that of argument W, or a list for a list of arguments. */
export type GradientBy<Args extends readonly unknown[], W extends Wrt> = ReturnType<
  ReturnType<typeof grad<Args, W>>
>;

/**
 * For each array of `Out`, the form of `In`, with arrays whose shape is that of the output followed by that of the
 * input.
 */
export type Jacobian<Out, In> = Out extends Tensor
  ? In
  : { -readonly [K in keyof Out]: Jacobian<Out[K], In> };

export interface JacobianOptions {
  /** Compute row by row (reverse, for few outputs) or column by column (forward, for few inputs). Default 'reverse'. */
  readonly mode?: 'reverse' | 'forward';
}

export const jacobianRules: Rules<JacobianOptions> = { mode: oneOf('reverse', 'forward') };

/** The arguments `wrt` of a call: a single one directly, several as a list. */
interface Restricted<Out> {
  readonly chosen: unknown;
  /** The function of these arguments only. */
  readonly g: (chosen: unknown) => Out;
}

/** `f` with all arguments fixed except `wrt`. */
export function restrict<Args extends readonly unknown[], Out>(
  op: string,
  f: (...args: Args) => Out,
  args: readonly unknown[],
  wrt: Wrt,
): Restricted<Out> {
  if (!Array.isArray(args)) {
    throw new LockstepError(
      'argument',
      `${op}: the arguments are ${describeValue(args)}; give them as a list, as in ${op}(f)([x], v)`,
      { op },
    );
  }
  requireArguments(op, args.length, wrt);
  if (typeof wrt === 'number') {
    return { chosen: args[wrt], g: (moved) => f(...(args.map(lifted).with(wrt, moved) as unknown as Args)) };
  }
  const g = (moved: unknown): Out => {
    const call = args.map(lifted);
    for (const [i, argument] of wrt.entries()) call[argument] = (moved as readonly unknown[])[i];
    return f(...(call as unknown as Args));
  };
  return { chosen: wrt.map((argument) => args[argument]), g };
}

const checkElementwiseGrad = signature('elementwiseGrad', { f: aFunction, 'wrt?': someArguments });

/**
 * The sum of each column of the Jacobian in one pass. If each output element of the function depends on one input
 * element only, this is its derivative everywhere: `elementwiseGrad(tanh)(xs)` is tanh′ at each of xs.
 */
export function elementwiseGrad<Args extends readonly unknown[], const W extends Wrt = 0>(
  f: (...args: Args) => Tensor,
  wrt: W = 0 as W,
): (...args: Inputs<Args>) => GradientBy<Args, W> {
  checkElementwiseGrad(f, wrt);
  return grad<Args, W>((...args) => sum(asTensor(f(...args))), wrt);
}

const checkGradWithAux = signature('gradWithAux', { f: aFunction, 'wrt?': someArguments });

/** Like `grad` for a function that returns `[scalar, auxiliary]`: `[gradient, auxiliary]`. */
export function gradWithAux<Args extends readonly unknown[], Aux, const W extends Wrt = 0>(
  f: (...args: Args) => readonly [Tensor, Aux],
  wrt: W = 0 as W,
): (...args: Inputs<Args>) => [GradientBy<Args, W>, Aux] {
  checkGradWithAux(f, wrt);
  const both = valueAndGradWithAux<Args, Aux, W>(f, wrt);
  return (...args) => {
    const [[, aux], gradient] = both(...args);
    return [gradient as GradientBy<Args, W>, aux];
  };
}

const checkJacobian = signature('jacobian', { f: aFunction, 'wrt?': someArguments }, jacobianRules);

/**
 * All partial derivatives of all outputs. Where `f` gives an array of shape [..out], the gradient's form with arrays of
 * shape [..out, ..in]. Costs one pullback for each output element, or one pushforward for each input element.
 */
export function jacobian<Args extends readonly unknown[], Out, const W extends Wrt = 0>(
  f: (...args: Args) => Out,
  wrt: W = 0 as W,
  options: JacobianOptions = {},
): (...args: Inputs<Args>) => Jacobian<Out, GradientBy<Args, W>> {
  checkJacobian(f, wrt, options);
  const { mode = 'reverse' } = options;
  return (...args) => {
    const { g, chosen } = restrict('jacobian', f, args, wrt);
    const { leaves, structure } = toTensors('jacobian', chosen);
    requireFloats('jacobian', leaves);
    let outputs: Structure | undefined;
    const flat = (...xs: Tensor[]): Tensor[] => {
      const out = toTensors('jacobian', g(unflatten(structure, xs)));
      outputs = out.structure;
      return out.leaves;
    };
    const blocks = mode === 'reverse' ? rows(flat, leaves) : columns(flat, leaves);
    const byOutput = blocks.map((row) => unflatten(structure, row));
    return unflatten(outputs!, byOutput) as Jacobian<Out, GradientBy<Args, W>>;
  };
}

type FlatFunction = (...xs: Tensor[]) => Tensor[];

/**
 * For each output, the blocks of its derivatives with respect to each input: pullbacks of the output's unit vectors.
 */
function rows(f: FlatFunction, inputs: readonly Tensor[]): Tensor[][] {
  const [outputs, pull] = vjp(f, ...inputs);
  requireFloats('jacobian', outputs);
  return outputs.map((y, output) => {
    const pulled = alongUnitVectors(y, (ct) =>
      pull(outputs.map((z, i) => (i === output ? ct : zerosLike(z)))),
    );
    return pulled.map((block, i) => reshape(block, [...y.shape, ...inputs[i]!.shape]));
  });
}

/** The same blocks by pushforwards of the inputs' unit vectors, whose axis is then moved behind those of the output. */
function columns(f: FlatFunction, inputs: readonly Tensor[]): Tensor[][] {
  const byInput = inputs.map((x, input) => {
    const pushed = alongUnitVectors(x, (t) => {
      const tangents = inputs.map((_, i) => (i === input ? t : null));
      return jvp(f, inputs as Tensor[], tangents as Tensor[])[1];
    });
    return pushed.map((block) => {
      const outShape = block.shape.slice(1);
      const behind = transpose(block, [...outShape.map((_, axis) => axis + 1), 0]);
      return reshape(behind, [...outShape, ...x.shape]);
    });
  });
  const [first] = byInput;
  if (first === undefined) return f().map(() => []);
  return first.map((_, output) => byInput.map((blocks) => blocks[output]!));
}

/**
 * A linear map of each unit vector of x's shape, stacked along a new first axis. Runs by vmap, or one by one if a rule
 * reads the elements of its direction, which a batch does not have. (An error with another cause then occurs again.)
 */
function alongUnitVectors(x: Aval, linear: (direction: Tensor) => Tensor[]): Tensor[] {
  const directions = unitVectors(x);
  if (x.shape.includes(0))
    return linear(zerosLike(x)).map((y) => zerosLike({ dtype: y.dtype, shape: [0, ...y.shape] }));
  try {
    return vmap(linear)(directions);
  } catch (error) {
    if (!(error instanceof LockstepError && error.code === 'trace')) throw error;
    const each = Array.from({ length: sizeOf(x.shape) }, (_, i) => linear(directions.at(i)));
    return each[0]!.map((_, output) => stack(each.map((results) => results[output]!)));
  }
}

/** [n, ..shape] with a single 1 in each of the n arrays, for the n elements of the shape. */
function unitVectors({ dtype, shape }: Aval): Tensor {
  const size = sizeOf(shape);
  const data = new Float64Array(size * size);
  for (let i = 0; i < size; i++) data[i * size + i] = 1;
  return tensor(data, { shape: [size, ...shape], dtype });
}

const checkHessian = signature('hessian', { f: aFunction, 'wrt?': someArguments });

/**
 * Second derivatives of a scalar function. For one array of shape [..x] an array [..x, ..x]. For a list of arguments
 * the blocks of each pair: `hessian(f, [0, 1])(x, y)` is `[[∂²f/∂x², ∂²f/∂x∂y], [∂²f/∂y∂x, ∂²f/∂y²]]`.
 */
export function hessian<Args extends readonly unknown[], const W extends Wrt = 0>(
  f: (...args: Args) => Tensor,
  wrt: W = 0 as W,
): (...args: Inputs<Args>) => Jacobian<GradientBy<Args, W>, GradientBy<Args, W>> {
  checkHessian(f, wrt);
  const gradient = grad<Args, W>(f, wrt) as unknown as (...args: Args) => GradientBy<Args, W>;
  return jacobian<Args, GradientBy<Args, W>, W>(gradient, wrt, { mode: 'forward' });
}

const checkHvp = signature('hvp', { f: aFunction, 'wrt?': someArguments });

/**
 * The product of the Hessian with a vector in the gradient's form: `hvp(f)([x], v)`. It costs about two gradients and
 * never builds the matrix. Forward over reverse (Pearlmutter, 1994).
 */
export function hvp<Args extends readonly unknown[], const W extends Wrt = 0>(
  f: (...args: Args) => Tensor,
  wrt: W = 0 as W,
): (primals: Inputs<Args>, vector: Input<GradientBy<Args, W>>) => GradientBy<Args, W> {
  checkHvp(f, wrt);
  return (primals, vector) => {
    const { g, chosen } = restrict('hvp', f, primals, wrt);
    return jvp(grad(g), [chosen], [vector])[1] as GradientBy<Args, W>;
  };
}

/**
 * The Hessian [..x, ..x] contracted with an array of x's shape over all axes of x: Autograd's name for {@link hvp},
 * which takes arrays of any rank.
 */
export const hessianTensorProduct = hvp;

const checkGgnvp = signature('ggnvp', { f: aFunction, 'loss?': aFunction, 'wrt?': someArguments });

/**
 * The product of the generalised Gauss–Newton matrix with a vector: Jᵀ·H·J·v for the Jacobian J of `f` and the
 * Hessian H of `loss` (a scalar function of f's result; half the sum of squares by default, whose H is 1).
 * Positive semidefinite where `loss` is convex (Schraudolph, 2002).
 */
export function ggnvp<Args extends readonly unknown[], Out, const W extends Wrt = 0>(
  f: (...args: Args) => Out,
  loss: (out: Out) => Tensor = halfSumOfSquares,
  wrt: W = 0 as W,
): (primals: Inputs<Args>, vector: Input<GradientBy<Args, W>>) => GradientBy<Args, W> {
  checkGgnvp(f, loss, wrt);
  return (primals, vector) => {
    const { g, chosen } = restrict('ggnvp', f, primals, wrt);
    const [out, moved] = jvp(g, [chosen], [vector]);
    const curved = hvp(loss as (out: unknown) => Tensor)([out], moved);
    const [, pull] = vjp(g, chosen);
    return pull(curved as Out)[0] as GradientBy<Args, W>;
  };
}

function halfSumOfSquares(out: unknown): Tensor {
  const squares = (flatten(out).leaves as Tensor[]).map((y) => sum(square(y)));
  return mul(
    squares.reduce((a, b) => add(a, b)),
    0.5,
  );
}
