/**
 * Reverse mode: a tape of nodes forwards, cotangents backwards (Linnainmaa, 1970; Baydin et al., 2018, section 3.2).
 * Walks are iterative and cotangents are added in a fixed order, so long loops neither overflow nor vary.
 */
import { LockstepError } from '@lockstep/errors';
import { formatShape, sameShape } from '@lockstep/tensor';
import { assertSameStructure, flatten, unflatten } from '@lockstep/tree';
import { asTensor, onesLike, zerosLike } from '../convert.ts';
import { type Attrs, bind, PrimalTracer, type Primitive, type Tensor, Trace, withTrace } from '../core.ts';
import { add } from '../primitives/elementwise.ts';
import { differentiableBy, requireFloats, toTensors } from './arguments.ts';
import type { Gradient, Gradients, Inputs } from './types.ts';

/** One step of the computation, with what its vjp needs. Numbered in the order of execution. */
interface Node {
  readonly index: number;
  readonly parents: readonly (Node | undefined)[];
  /** The cotangent of a parent from this node's own. */
  readonly pull: (cotangent: Tensor, argument: number) => Tensor;
}

class VjpTracer extends PrimalTracer<VjpTrace> {
  readonly node: Node;

  constructor(trace: VjpTrace, primal: Tensor, node: Node) {
    super(trace, primal);
    this.node = node;
  }
}

class VjpTrace extends Trace {
  private numNodes = 0;

  owns(x: unknown): x is VjpTracer {
    return x instanceof VjpTracer && x.trace === this;
  }

  input(primal: Tensor): VjpTracer {
    return this.record(primal, [], () => {
      throw new LockstepError('internal', 'an input has no parents to pull a cotangent to');
    });
  }

  record(primal: Tensor, parents: Node['parents'], pull: Node['pull']): VjpTracer {
    return new VjpTracer(this, primal, { index: this.numNodes++, parents, pull });
  }

  override process(primitive: Primitive, inputs: readonly Tensor[], attrs: Attrs): Tensor {
    const primals = inputs.map((x) => (this.owns(x) ? x.primal : x));
    const out = bind(primitive, primals, attrs);
    const { vjp: rule } = primitive;
    if (rule === undefined) return out;
    const parents = inputs.map((x, i) =>
      this.owns(x) && differentiableBy(primitive, i) ? x.node : undefined,
    );
    if (parents.every((parent) => parent === undefined)) return out;
    return this.record(out, parents, (ct, argument) => rule(ct, argument, primals, out, attrs));
  }
}

/** Cotangents of `inputs`, given one for each output; undefined where no path leads. */
function pullBack(
  outputs: readonly (Node | undefined)[],
  cotangents: readonly Tensor[],
  inputs: readonly Node[],
): (Tensor | undefined)[] {
  const pending = new Map<Node, Tensor>();
  const accumulate = (node: Node, ct: Tensor): void => {
    const sofar = pending.get(node);
    pending.set(node, sofar === undefined ? ct : add(sofar, ct));
  };
  for (const node of reachable(outputs)) {
    for (const [i, output] of outputs.entries()) if (output === node) accumulate(node, cotangents[i]!);
    const ct = pending.get(node);
    if (ct === undefined || node.parents.length === 0) continue;
    pending.delete(node);
    for (const [argument, parent] of node.parents.entries()) {
      if (parent !== undefined) accumulate(parent, node.pull(ct, argument));
    }
  }
  return inputs.map((node) => pending.get(node));
}

/** The nodes that outputs depend on, latest first. */
function reachable(outputs: readonly (Node | undefined)[]): Node[] {
  const seen = new Set<Node>();
  const stack = outputs.filter((node) => node !== undefined);
  for (let node = stack.pop(); node !== undefined; node = stack.pop()) {
    if (seen.has(node)) continue;
    seen.add(node);
    for (const parent of node.parents) if (parent !== undefined) stack.push(parent);
  }
  return [...seen].sort((a, b) => b.index - a.index);
}

interface Linearized<Out> {
  readonly out: Out;
  /** Cotangents of the leaves of the differentiated argument, zeros where nothing flows. */
  readonly pullback: (cotangents: readonly Tensor[]) => Tensor[];
}

/** Runs `f` on tracers for the leaves of `args` and keeps the tape. */
function linearize<Out>(
  op: string,
  f: (args: readonly unknown[]) => Out,
  args: readonly unknown[],
  wrt: readonly number[],
): Linearized<{ leaves: Tensor[]; structure: ReturnType<typeof flatten>['structure'] }> & {
  structures: ReturnType<typeof toTensors>[];
} {
  return withTrace(
    (level) => new VjpTrace(level),
    (trace) => {
      const structures = wrt.map((argument) => toTensors(op, args[argument]));
      const tracers = structures.map(({ leaves }) => {
        requireFloats(op, leaves);
        return leaves.map((leaf) => trace.input(leaf));
      });
      const call = [...args];
      for (const [i, argument] of wrt.entries())
        call[argument] = unflatten(structures[i]!.structure, tracers[i]!);
      const { leaves, structure } = flatten(f(call));
      const outputs = (leaves as unknown[]).map((y) => asTensor(y as Tensor | number));
      const nodes = outputs.map((y) => (trace.owns(y) ? y.node : undefined));
      const primals = outputs.map((y) => (trace.owns(y) ? y.primal : y));
      const inputs = tracers.flat();
      return {
        out: { leaves: primals, structure },
        structures,
        pullback: (cotangents) =>
          pullBack(
            nodes,
            cotangents,
            inputs.map((x) => x.node),
          ).map((ct, i) => ct ?? zerosLike(inputs[i]!)),
      };
    },
  );
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

function regroup(flat: readonly Tensor[], structures: readonly ReturnType<typeof toTensors>[]): unknown[] {
  let next = 0;
  return structures.map(({ leaves, structure }) => {
    const part = flat.slice(next, next + leaves.length);
    next += leaves.length;
    return unflatten(structure, part);
  });
}

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
): { leaves: Tensor[]; structure: ReturnType<typeof flatten>['structure']; gradient: unknown } {
  const list = typeof wrt === 'number' ? [wrt] : wrt;
  for (const argument of list) {
    if (!Number.isInteger(argument) || argument < 0 || argument >= args.length) {
      throw new LockstepError(
        'argument',
        `${op}: argument ${argument} does not exist; the function was called with ${args.length}`,
        {
          argument,
          numArguments: args.length,
        },
      );
    }
  }
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
