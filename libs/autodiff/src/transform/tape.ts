/**
 * The tape of reverse mode: nodes forward, cotangents backward (Linnainmaa, 1970; Baydin et al., 2018, section 3.2).
 * The walks are iterative, and cotangents are added in a fixed order, so long loops do not overflow the stack and
 * results do not vary.
 */
import { LockstepError } from '@lockstep/errors';
import { isFloat } from '@lockstep/tensor';
import type { Construct, MaybeTensor } from '../construct.ts';
import { bind, PrimalTracer, Trace, withTrace } from '../core.ts';
import type { Attrs, Primitive } from '../primitive.ts';
import { add } from '../primitives/elementwise/fusible.ts';
import type { Tensor } from '../tensor.ts';
import { differentiableBy } from './arguments.ts';

/** One step of the computation, with the data that its vjp needs. Nodes are numbered in the order of execution. */
interface Node {
  readonly index: number;
  readonly parents: readonly (Source | undefined)[];
  /** Maps the cotangents of the results (undefined for zeros) to the cotangent of each parent. */
  readonly pull: (cotangents: readonly MaybeTensor[]) => (argument: number) => MaybeTensor;
}

/** The origin of a value. */
interface Source {
  readonly node: Node;
  /** The index of the value among the node's results. */
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
      // One entry for each result. The collected cotangents are a list with holes that ends with the last result that
      // has one.
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
 * Cotangents of `inputs` from one cotangent for each output; undefined where no path leads to an input. `seeds` are
 * cotangents that were collected for the inputs before.
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
  const given = new Map<Node, [Source, Tensor][]>();
  for (const [i, output] of outputs.entries()) {
    const ct = cotangents[i];
    if (output === undefined || ct === undefined) continue;
    const list = given.get(output.node) ?? [];
    list.push([output, ct]);
    given.set(output.node, list);
  }
  for (const node of reachable(outputs)) {
    for (const [output, ct] of given.get(node) ?? []) accumulate(output, ct);
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

/** The nodes on which outputs depend, latest first. */
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
   * Maps cotangents of the results to those of the inputs, undefined for zeros. The cotangents are added to `seeds`
   * (one for each input) in the order in which they arrive.
   */
  readonly pull: (
    cotangents: readonly MaybeTensor[],
    seeds?: readonly MaybeTensor[],
  ) => readonly MaybeTensor[];
}

/** Runs `f` on tracers for the inputs whose cotangents are wanted, and keeps the tape. */
export function linearized(
  f: (inputs: readonly Tensor[], trace: Trace) => readonly Tensor[],
  inputs: readonly Tensor[],
  wanted: readonly boolean[],
): Linear {
  return withTrace(
    (level) => new VjpTrace(level),
    (trace) => {
      const tracers = inputs.map((x, i) => (wanted[i] ? trace.input(x) : undefined));
      const outs = f(
        inputs.map((x, i) => tracers[i] ?? x),
        trace,
      );
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
