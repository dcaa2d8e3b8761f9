/**
 * Compilation: a function is traced once for each combination of input types and each profile, optimised, planned and
 * replayed. The results have the bits of eager execution. Inside another transformation a compiled function is simply
 * called, so all transformations compose.
 */

import { aFunction, anObject, type Kind, type Rules, signature, whole } from '@lockstep/errors';
import type { Profile } from '@lockstep/kernels';
import { bytesPerElement, type Storage, sizeOf, viewOf } from '@lockstep/tensor';
import { flatten, formatStructure, type Structure, unflatten } from '@lockstep/tree';
import { findActiveTrace } from '../core.ts';
import { currentProfile } from '../profile.ts';
import { type Instance, instantiate } from '../program/instance.ts';
import { createProgramMemory } from '../program/memory.ts';
import { planProgram } from '../program/plan.ts';
import { traceProgram } from '../program/trace.ts';
import { type Aval, ConcreteTensor, type Tensor } from '../tensor.ts';
import { toTensors } from './arguments.ts';
import { recentlyUsed } from './recent.ts';
import type { Inputs } from './types.ts';

interface Compiled {
  call(inputs: readonly Tensor[]): Tensor[];
  readonly structure: Structure;
}

export interface JitOptions {
  /**
   * The number of programs that are kept, one for each combination of input types, structure and profile. A further one
   * replaces the program that has not run for the longest time. Default 256.
   */
  readonly maxPrograms?: number;
}

const jitRules: Rules<JitOptions> = { maxPrograms: whole(1) };
const checkJit = signature('jit', { f: aFunction }, jitRules);

/**
 * A compiled `f`: same arguments, same results, faster when called again with the same shapes.
 * @throws LockstepError `argument` for options that do not exist.
 */
export function jit<Args extends readonly unknown[], Out>(
  f: (...args: Args) => Out,
  options: JitOptions = {},
): (...args: Inputs<Args>) => Out {
  checkJit(f, options);
  const { maxPrograms = 256 } = options;
  const programs = recentlyUsed<Compiled>(maxPrograms);
  return (...args) => {
    const trees = args.map((arg) => toTensors('jit', arg));
    const call = (leaves: readonly Tensor[]): unknown => {
      let next = 0;
      const values = trees.map(({ leaves: own, structure }) => {
        next += own.length;
        return unflatten(structure, leaves.slice(next - own.length, next));
      });
      return f(...(values as unknown as Args));
    };
    const leaves = trees.flatMap((tree) => tree.leaves);
    if (findActiveTrace(() => true) !== undefined) return call(leaves) as Out;
    const profile = currentProfile();
    const key =
      `${profile} ` +
      trees.map((tree) => formatStructure(tree.structure)).join() +
      leaves.map((x) => `${x.dtype}${x.shape}`).join();
    const compiled = programs(key, () => compile(call, leaves, profile));
    return unflatten(compiled.structure, compiled.call(leaves)) as Out;
  };
}

function compile(
  f: (leaves: readonly Tensor[]) => unknown,
  inputs: readonly Aval[],
  profile: Profile,
): Compiled {
  let structure: Structure | undefined;
  const program = traceProgram((...leaves) => {
    const out = flatten(f(leaves));
    structure = out.structure;
    return toTensors('jit', out.leaves).leaves;
  }, inputs);
  const plan = planProgram(program);
  const offsets: number[] = [];
  let bytes = plan.arenaBytes;
  for (const { dtype, shape } of inputs) {
    offsets.push(bytes);
    bytes += Math.ceil((sizeOf(shape) * bytesPerElement(dtype)) / 64) * 64;
  }
  const memory = createProgramMemory(bytes, profile);
  const { buffer, byteOffset, kernels } = memory;
  const views = inputs.map(({ dtype, shape }, i) =>
    viewOf(dtype, buffer, byteOffset + offsets[i]!, sizeOf(shape)),
  );
  const results = plan.exchanges.map((parts) => parts.map(({ size }) => new Float32Array(size)));
  memory.take();
  const instance = instantiate(plan, { kernels, buffer, byteOffset, inputs: views, results });
  return {
    structure: structure!,
    call(tensors) {
      if (memory.take()) instance.restore();
      for (const [i, x] of tensors.entries()) views[i]!.set(x.data);
      runAlone(instance);
      return plan.program.outputs.map((variable, i) => {
        const { dtype, shape } = plan.program.avals[variable]!;
        const storage: Storage = { dtype, shape, data: instance.outputs[i]!.slice() };
        return new ConcreteTensor(storage);
      });
    },
  };
}

const anInstance: Kind = {
  what: 'an instance, as instantiate gives it',
  fits: (value) => anObject.fits(value) && typeof (value as Partial<Instance>).run === 'function',
};
const checkRunAlone = signature('runAlone', { instance: anInstance });

/** Runs all segments of a program whose single block holds all shards: every partial result is already the result. */
export function runAlone(instance: Instance): void {
  checkRunAlone(instance);
  for (let segment = 0; segment < instance.numSegments; segment++) {
    instance.run(segment);
    for (const { partial, result } of instance.exchanges[segment] ?? []) result.set(partial);
  }
}
