/**
 * Rematerialisation: what a function computes on its way is not kept for its derivative but computed again (Griewank and
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
 * Values as the operands of a construct that is run in place: its cotangents are added up among themselves first, in the
 * order of the equation that it is in a program.
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
 * The same function, of which reverse mode keeps only the arguments (and the values from around that it reads): the rest
 * is computed a second time when the derivative needs it. A chain of n blocks, each in a checkpoint, keeps n values and
 * what a single block needs, for one more forward pass. Gradients have the same bits,
 * but for a last digit where a value is read inside and outside. Branches and loops
 * may depend on values outside of `jit` and `vmap`, as everywhere.
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
