/**
 * Rematerialisation: intermediate values of a function are not kept for its derivative but recomputed (Griewank and
 * Walther, Algorithm 799, 2000; Chen et al., Training Deep Nets with Sublinear Memory Cost, 2016).
 */

import { aFunction, signature } from '@lockstep/errors';
import type { Construct } from '../construct.ts';
import { bind, bindMany, findActiveTrace, Tracer } from '../core.ts';
import { construct } from '../define.ts';
import { barrier } from '../primitives/shape/barrier.ts';
import { evaluateProgram } from '../program/evaluate.ts';
import type { Bodies } from '../program/program.ts';
import { closeProgram } from '../program/trace.ts';
import type { Tensor } from '../tensor.ts';
import { flattened } from './arguments.ts';
import { batchedBody, jvpBody, outputAvals, reached, spreadOut } from './bodies.ts';
import { linearized } from './tape.ts';
import type { Inputs } from './types.ts';

/**
 * Values as operands of a construct that runs in place. Their cotangents are first added up among themselves, in the
 * order that the construct's equation has in a program.
 */
export const withOwnPlace = (xs: readonly Tensor[]): readonly Tensor[] =>
  xs.map((x) => (x instanceof Tracer ? bind(barrier, [x, x], {}) : x));

const checkpointConstruct: Construct<Bodies> = construct({
  name: 'checkpoint',
  isCall: true,
  shape: (_inputs, { bodies: [body] }) => outputAvals(body!),
  evaluate: (inputs, { bodies: [body] }) => evaluateProgram(body!, inputs),
  jvp(inputs, tangents, { bodies: [body] }) {
    const moves = tangents.map((tangent) => tangent !== undefined);
    const asked = reached(body!, moves, 'derivative');
    const { program, captured } = jvpBody(body!, moves, asked);
    const all = bindMany(
      checkpointConstruct,
      [...captured, ...inputs, ...tangents.flatMap((tangent) => tangent ?? [])],
      { bodies: [program] },
    );
    return { outs: all.slice(0, asked.length), tangents: spreadOut(all.slice(asked.length), asked) };
  },
  vjp(inputs, wanted, attrs) {
    const [body] = attrs.bodies;
    return {
      outs: bindMany(checkpointConstruct, inputs, attrs),
      pull(cotangents) {
        const token = cotangents.find((ct) => ct !== undefined)!;
        const again = inputs.map((x) => bind(barrier, [x, token], {}));
        return linearized((xs) => evaluateProgram(body!, xs), again, wanted).pull(cotangents);
      },
    };
  },
  batch(inputs, batched, { bodies: [body] }, axis) {
    const asked = reached(body!, batched, 'batch');
    const { program, captured } = batchedBody(body!, batched, axis, asked);
    const outs = bindMany(checkpointConstruct, [...captured, ...inputs], { bodies: [program] });
    return outs.map((value, i) => ({ value, batched: asked[i]! }));
  },
});

const checkCheckpoint = signature('checkpoint', { f: aFunction });

/**
 * The same function with a reverse mode that keeps only the arguments (and the values that the function reads from
 * outside) and recomputes the rest when the derivative needs it. A chain of n blocks, each in a checkpoint, keeps n
 * values and the values of a single block, and costs one more forward pass. Gradients have the same bits, except for
 * the last digit where a value is read both inside and outside. As everywhere, branches and loops may depend on values
 * outside of `jit` and `vmap`.
 */
export function checkpoint<Args extends readonly unknown[], Out>(
  f: (...args: Args) => Out,
): (...args: Inputs<Args>) => Out {
  checkCheckpoint(f);
  return (...args) => {
    if (findActiveTrace(() => true) === undefined) return f(...(args as unknown as Args));
    const { leaves, call, restore } = flattened('checkpoint', f, args);
    const { program, captured } = closeProgram((...xs) => call(xs), leaves, leaves);
    return restore(bindMany(checkpointConstruct, [...captured, ...leaves], { bodies: [program] })) as Out;
  };
}
