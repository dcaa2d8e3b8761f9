/** Forward mode: every value carries its tangent (Wengert, 1964; Baydin et al., 2018, section 3.1). */
import { aFunction, anything, LockstepError, listOf, signature } from '@lockstep/errors';
import { isFloat } from '@lockstep/tensor';
import { assertSameStructure, flatten, unflatten } from '@lockstep/tree';
import type { Construct, MaybeTensor, Moved } from '../construct.ts';
import { zerosLike } from '../convert.ts';
import { bind, PrimalTracer, Trace, withTrace } from '../core.ts';
import type { Attrs, Primitive } from '../primitive.ts';
import { add } from '../primitives/elementwise/fusible.ts';
import { Tensor } from '../tensor.ts';
import { differentiableBy, requireNoOperators, toTensors } from './arguments.ts';
import type { Input, Output } from './types.ts';

class JvpTracer extends PrimalTracer<JvpTrace> {
  readonly tangent: Tensor;

  constructor(trace: JvpTrace, primal: Tensor, tangent: Tensor) {
    super(trace, primal);
    this.tangent = tangent;
  }
}

class JvpTrace extends Trace {
  owns(x: Tensor): x is JvpTracer {
    return x instanceof JvpTracer && x.trace === this;
  }

  override process(primitive: Primitive, inputs: readonly Tensor[], attrs: Attrs): Tensor {
    const primals = inputs.map((x) => (this.owns(x) ? x.primal : x));
    const out = bind(primitive, primals, attrs);
    const { jvpTogether } = primitive;
    if (jvpTogether !== undefined) {
      const tangents = inputs.map((x, i) =>
        this.owns(x) && differentiableBy(primitive, i) ? x.tangent : undefined,
      );
      const moves = tangents.some((each) => each !== undefined);
      return moves ? new JvpTracer(this, out, jvpTogether(tangents, primals, attrs)) : out;
    }
    let tangent: Tensor | undefined;
    for (const [argument, input] of inputs.entries()) {
      if (!this.owns(input) || !primitive.jvp || !differentiableBy(primitive, argument)) continue;
      const contribution = primitive.jvp(input.tangent, argument, primals, out, attrs);
      tangent = tangent === undefined ? contribution : add(tangent, contribution);
    }
    return tangent === undefined ? out : new JvpTracer(this, out, tangent);
  }

  override processMany(construct: Construct, inputs: readonly Tensor[], attrs: Attrs): Tensor[] {
    const primals = inputs.map((x) => (this.owns(x) ? x.primal : x));
    const directions = inputs.map((x) => (this.owns(x) ? x.tangent : undefined));
    const { outs, tangents } = construct.jvp(primals, directions, attrs);
    return outs.map((out, i) => {
      const tangent = tangents[i];
      return tangent === undefined ? out : new JvpTracer(this, out, tangent);
    });
  }
}

/** Values of `f` and their tangents; undefined stands for a value that does not move. */
export function pushForward(
  f: (inputs: readonly Tensor[]) => readonly Tensor[],
  primals: readonly Tensor[],
  tangents: readonly MaybeTensor[],
): Moved {
  return withTrace(
    (level) => new JvpTrace(level),
    (trace) => {
      const outs = f(
        primals.map((x, i) => {
          const tangent = tangents[i];
          return tangent === undefined ? x : new JvpTracer(trace, x, tangent);
        }),
      );
      return {
        outs: outs.map((y) => (trace.owns(y) ? y.primal : y)),
        tangents: outs.map((y) => (trace.owns(y) ? y.tangent : undefined)),
      };
    },
  );
}

const aList = listOf(anything, 'a list, one entry for each argument');
const checkJvp = signature('jvp', { f: aFunction, primals: aList, tangents: aList });

/**
 * The value of `f` at `primals` and its directional derivative along `tangents` (one for each argument, or null for an
 * argument that does not move): `[value, tangent]`.
 */
export function jvp<Args extends readonly unknown[], Out>(
  f: (...args: Args) => Out,
  primals: { readonly [K in keyof Args]: Input<Args[K]> },
  tangents: { readonly [K in keyof Args]: Input<Args[K]> | null },
): [Output<Out>, Output<Out>] {
  checkJvp(f, primals, tangents);
  if (primals.length !== tangents.length) {
    throw new LockstepError(
      'argument',
      `jvp: ${primals.length} arguments but ${tangents.length} tangents; give one tangent for each argument (null for one that does not move)`,
      { primals: primals.length, tangents: tangents.length },
    );
  }
  return withTrace(
    (level) => new JvpTrace(level),
    (trace) => {
      const args = (primals as readonly unknown[]).map((primal, i) =>
        pair(trace, primal, (tangents as readonly unknown[])[i]),
      );
      const { leaves, structure } = flatten(f(...(args as unknown as Args)));
      for (const y of leaves) requireNoOperators('jvp', y, trace);
      const values = leaves.map((y) => (trace.owns(y as Tensor) ? (y as JvpTracer).primal : y));
      const moves = leaves.map((y) => {
        if (trace.owns(y as Tensor)) return (y as JvpTracer).tangent;
        return y instanceof Tensor ? zerosLike(y) : 0;
      });
      return [unflatten(structure, values), unflatten(structure, moves)] as [Output<Out>, Output<Out>];
    },
  );
}

function pair(trace: JvpTrace, primal: unknown, tangent: unknown): unknown {
  const { leaves, structure } = toTensors('jvp', primal);
  if (tangent === null) return unflatten(structure, leaves);
  const { leaves: directions, structure: found } = toTensors('jvp', tangent);
  assertSameStructure('jvp: argument and tangent', structure, found);
  const tracers = leaves.map((x, i) => {
    const direction = directions[i]!;
    if (!isFloat(x.dtype)) return x;
    if (direction.shape.join() !== x.shape.join()) {
      throw new LockstepError(
        'shape',
        `jvp: a tangent of shape [${direction.shape}] for an argument of shape [${x.shape}]; they must be equal`,
        { tangent: direction.shape, primal: x.shape },
      );
    }
    return new JvpTracer(trace, x, direction.dtype === x.dtype ? direction : direction.cast(x.dtype));
  });
  return unflatten(structure, tracers);
}
