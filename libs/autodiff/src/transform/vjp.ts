/**
 * Reverse mode: a tape of nodes forwards, cotangents backwards (Linnainmaa, 1970; Baydin et al., 2018, section 3.2).
 * Walks are iterative and cotangents are added in a fixed order, so long loops neither overflow nor vary.
 */
import { LockstepError } from '@lockstep/errors';
import { formatShape, isFloat, sameShape } from '@lockstep/tensor';
import { assertSameStructure, flatten, type Structure, unflatten } from '@lockstep/tree';
import type { Construct, MaybeTensor } from '../construct.ts';
import { asTensor, onesLike, zerosLike } from '../convert.ts';
import { type Attrs, bind, PrimalTracer, type Primitive, type Tensor, Trace, withTrace } from '../core.ts';
import { add } from '../primitives/elementwise.ts';
import {
  differentiableBy,
  lifted,
  regroup,
  requireArguments,
  requireFloats,
  toTensors,
} from './arguments.ts';
import type { Gradient, Gradients, Inputs } from './types.ts';

/** One step of the computation, with what its vjp needs. Numbered in the order of execution. */
interface Node {
  readonly index: number;
  readonly parents: readonly (Source | undefined)[];
  /** From the cotangents of the results (undefined for zeros) to the cotangent of each parent. */
  readonly pull: (cotangents: readonly MaybeTensor[]) => (argument: number) => MaybeTensor;
}

/** Where a value comes from. */
interface Source {
  readonly node: Node;
  /** Which of the node's results it is. */
  readonly output: number;
}

class VjpTracer extends PrimalTracer<VjpTrace> {
  readonly source: Source;

  constructor(trace: VjpTrace, primal: Tensor, source: Source) {
    super(trace, primal);
    this.source = source;
  }
}

class VjpTrace extends Trace {
  private numNodes = 0;

  owns(x: unknown): x is VjpTracer {
    return x instanceof VjpTracer && x.trace === this;
  }

  input(primal: Tensor): VjpTracer {
    const node = this.node([], () => () => {
      throw new LockstepError('internal', 'an input has no parents to pull a cotangent to');
    });
    return new VjpTracer(this, primal, { node, output: 0 });
  }

  override process(primitive: Primitive, inputs: readonly Tensor[], attrs: Attrs): Tensor {
    const primals = inputs.map((x) => (this.owns(x) ? x.primal : x));
    const out = bind(primitive, primals, attrs);
    const { vjp: rule } = primitive;
    if (rule === undefined) return out;
    const parents = inputs.map((x, i) =>
      this.owns(x) && differentiableBy(primitive, i) ? x.source : undefined,
    );
    if (parents.every((parent) => parent === undefined)) return out;
    const node = this.node(
      parents,
      ([ct]) =>
        (argument) =>
          rule(ct!, argument, primals, out, attrs),
    );
    return new VjpTracer(this, out, { node, output: 0 });
  }

  override processMany(construct: Construct, inputs: readonly Tensor[], attrs: Attrs): readonly Tensor[] {
    const primals = inputs.map((x) => (this.owns(x) ? x.primal : x));
    const parents = inputs.map((x) => (this.owns(x) && isFloat(x.dtype) ? x.source : undefined));
    const { outs, pull } = construct.vjp(
      primals,
      parents.map((parent) => parent !== undefined),
      attrs,
    );
    if (parents.every((parent) => parent === undefined)) return outs;
    const node = this.node(parents, (cotangents) => {
      // One entry for each result: what has come up is a list with holes, and ends with the last that is moved.
      const pulled = pull(outs.map((_, output) => cotangents[output]));
      return (argument) => pulled[argument];
    });
    return outs.map((out, output) => (isFloat(out.dtype) ? new VjpTracer(this, out, { node, output }) : out));
  }

  private node(parents: Node['parents'], pull: Node['pull']): Node {
    return { index: this.numNodes++, parents, pull };
  }
}

/**
 * Cotangents of `inputs`, given one for each output; undefined where no path leads. `seeds` are what has been gathered
 * for the inputs before.
 */
function pullBack(
  outputs: readonly (Source | undefined)[],
  cotangents: readonly MaybeTensor[],
  inputs: readonly Node[],
  seeds: readonly MaybeTensor[],
): MaybeTensor[] {
  const pending = new Map<Node, MaybeTensor[]>();
  const accumulate = ({ node, output }: Source, ct: Tensor): void => {
    const list = pending.get(node) ?? [];
    const sofar = list[output];
    list[output] = sofar === undefined ? ct : add(sofar, ct);
    pending.set(node, list);
  };
  for (const [i, node] of inputs.entries()) {
    const seed = seeds[i];
    if (seed !== undefined) accumulate({ node, output: 0 }, seed);
  }
  for (const node of reachable(outputs)) {
    for (const [i, output] of outputs.entries()) {
      const ct = cotangents[i];
      if (output?.node === node && ct !== undefined) accumulate(output, ct);
    }
    const own = pending.get(node);
    if (own === undefined || node.parents.length === 0) continue;
    pending.delete(node);
    const cotangentOf = node.pull(own);
    for (const [argument, parent] of node.parents.entries()) {
      const ct = parent && cotangentOf(argument);
      if (ct !== undefined) accumulate(parent!, ct);
    }
  }
  return inputs.map((node) => pending.get(node)?.[0]);
}

/** The nodes that outputs depend on, latest first. */
function reachable(outputs: readonly (Source | undefined)[]): Node[] {
  const seen = new Set<Node>();
  const stack = outputs.flatMap((output) => output?.node ?? []);
  for (let node = stack.pop(); node !== undefined; node = stack.pop()) {
    if (seen.has(node)) continue;
    seen.add(node);
    for (const parent of node.parents) if (parent !== undefined) stack.push(parent.node);
  }
  return [...seen].sort((a, b) => b.index - a.index);
}

export interface Linear {
  readonly outs: readonly Tensor[];
  /**
   * From cotangents of the results to those of the inputs, undefined for zeros. To `seeds` (one for each input) the
   * cotangents are added in the order in which they come up.
   */
  readonly pull: (
    cotangents: readonly MaybeTensor[],
    seeds?: readonly MaybeTensor[],
  ) => readonly MaybeTensor[];
}

/** Runs `f` on tracers for those inputs whose cotangents are wanted, and keeps the tape. */
export function linearized(
  f: (inputs: readonly Tensor[]) => readonly Tensor[],
  inputs: readonly Tensor[],
  wanted: readonly boolean[],
): Linear {
  return withTrace(
    (level) => new VjpTrace(level),
    (trace) => {
      const tracers = inputs.map((x, i) => (wanted[i] ? trace.input(x) : undefined));
      const outs = f(inputs.map((x, i) => tracers[i] ?? x));
      const sources = outs.map((y) => (trace.owns(y) ? y.source : undefined));
      return {
        outs: outs.map((y) => (trace.owns(y) ? y.primal : y)),
        pull: (cotangents, seeds = []) => {
          const places = tracers.flatMap((x, i) => (x === undefined ? [] : [i]));
          const nodes = places.map((i) => tracers[i]!.source.node);
          const own = places.map((i) => seeds[i]);
          const pulled = pullBack(sources, cotangents, nodes, own);
          return inputs.map((_, i) => (wanted[i] ? pulled[places.indexOf(i)] : undefined));
        },
      };
    },
  );
}

interface Linearized {
  readonly out: { readonly leaves: readonly Tensor[]; readonly structure: Structure };
  /** Of the differentiated arguments, one after the other. */
  readonly structures: readonly ReturnType<typeof toTensors>[];
  /** Cotangents of the leaves of the differentiated arguments, zeros where nothing flows. */
  readonly pullback: (cotangents: readonly Tensor[]) => Tensor[];
}

/** {@link linearized} for arguments and results that are trees. */
function linearize(
  op: string,
  f: (args: readonly unknown[]) => unknown,
  args: readonly unknown[],
  wrt: readonly number[],
): Linearized {
  const structures = wrt.map((argument) => toTensors(op, args[argument]));
  const inputs = structures.flatMap(({ leaves }) => leaves);
  requireFloats(op, inputs);
  let structure: Structure | undefined;
  const { outs, pull } = linearized(
    (tracers) => {
      const call = args.map(lifted);
      const trees = regroup(tracers, structures);
      for (const [i, argument] of wrt.entries()) call[argument] = trees[i];
      const out = flatten(f(call) as never);
      structure = out.structure;
      return (out.leaves as unknown[]).map((y) => asTensor(y as Tensor | number));
    },
    inputs,
    inputs.map(() => true),
  );
  return {
    out: { leaves: outs, structure: structure! },
    structures,
    pullback: (cotangents) => pull(cotangents).map((ct, i) => ct ?? zerosLike(inputs[i]!)),
  };
}

/**
 * The value of `f` and its pullback, which maps a cotangent of the value to the cotangents of all arguments:
 * `const [y, pull] = vjp(f, x1, x2); const [ct1, ct2] = pull(ct)`.
 */
export function vjp<Args extends readonly unknown[], Out>(
  f: (...args: Args) => Out,
  ...args: Inputs<Args>
): [Out, (cotangent: Out) => Gradients<Args>] {
  const all = args.map((_, i) => i);
  const { out, pullback, structures } = linearize('vjp', onArguments(f), args, all);
  const pull = (cotangent: Out): Gradients<Args> => {
    const { leaves, structure } = toTensors('vjp', cotangent);
    assertSameStructure('vjp: value and cotangent', out.structure, structure);
    for (const [i, y] of out.leaves.entries()) {
      const { shape } = leaves[i]!;
      if (!sameShape(shape, y.shape)) {
        throw new LockstepError(
          'shape',
          `vjp: a cotangent of shape ${formatShape(shape)} for a value of shape ${formatShape(y.shape)}; they must be equal`,
          { cotangent: shape, value: y.shape },
        );
      }
    }
    return regroup(
      pullback(leaves.map((ct, i) => ct.cast(out.leaves[i]!.dtype))),
      structures,
    ) as unknown as Gradients<Args>;
  };
  return [unflatten(out.structure, out.leaves) as Out, pull];
}

/** `f` as a function of its argument list, whose trees of tracers stand for the caller's types. */
const onArguments =
  <Args extends readonly unknown[], Out>(f: (...args: Args) => Out) =>
  (args: readonly unknown[]): Out =>
    f(...(args as Args));

type Selected<Args extends readonly unknown[], W> = W extends number
  ? Gradient<Args[W]>
  : W extends readonly number[]
    ? { -readonly [K in keyof W]: Gradient<Args[W[K] & number]> }
    : never;

function valueAndPull(
  op: string,
  f: (args: readonly unknown[]) => unknown,
  args: readonly unknown[],
  wrt: number | readonly number[],
): Linearized['out'] & { gradient: unknown } {
  const list = typeof wrt === 'number' ? [wrt] : wrt;
  requireArguments(op, args.length, wrt);
  const { out, pullback, structures } = linearize(op, f, args, list);
  const value = out.leaves[0];
  if (value === undefined || value.size !== 1 || value.rank !== 0) {
    throw new LockstepError(
      'shape',
      `${op}: the function must return a scalar, not ${value === undefined ? 'nothing' : formatShape(value.shape)}; reduce it with sum() or mean(), or use vjp`,
      { op, shape: value?.shape },
    );
  }
  requireFloats(op, [value]);
  const cotangents = out.leaves.map((y, i) => (i === 0 ? onesLike(y) : zerosLike(y)));
  const gradients = regroup(pullback(cotangents), structures);
  return { ...out, gradient: typeof wrt === 'number' ? gradients[0] : gradients };
}

/** The gradient of a scalar function with respect to argument `wrt` (0 by default; a list gives a list). */
export function grad<Args extends readonly unknown[], const W extends number | readonly number[] = 0>(
  f: (...args: Args) => Tensor,
  wrt: W = 0 as W,
): (...args: Inputs<Args>) => Selected<Args, W> {
  return (...args) => valueAndPull('grad', onArguments(f), args, wrt).gradient as Selected<Args, W>;
}

/** Value and gradient of a scalar function in one pass: `[value, gradient]`. */
export function valueAndGrad<Args extends readonly unknown[], const W extends number | readonly number[] = 0>(
  f: (...args: Args) => Tensor,
  wrt: W = 0 as W,
): (...args: Inputs<Args>) => [Tensor, Selected<Args, W>] {
  return (...args) => {
    const { leaves, gradient } = valueAndPull('valueAndGrad', onArguments(f), args, wrt);
    return [leaves[0]!, gradient as Selected<Args, W>];
  };
}

/** Like {@link valueAndGrad} for a function that returns `[scalar, auxiliary]`: `[[value, auxiliary], gradient]`. */
export function valueAndGradWithAux<
  Args extends readonly unknown[],
  Aux,
  const W extends number | readonly number[] = 0,
>(
  f: (...args: Args) => readonly [Tensor, Aux],
  wrt: W = 0 as W,
): (...args: Inputs<Args>) => [readonly [Tensor, Aux], Selected<Args, W>] {
  return (...args) => {
    const out = valueAndPull('valueAndGradWithAux', onArguments(f), args, wrt);
    const value = unflatten(out.structure, out.leaves) as unknown as readonly [Tensor, Aux];
    return [value, out.gradient as Selected<Args, W>];
  };
}
