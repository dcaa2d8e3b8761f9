/** Defines primitives and keeps the table of all of them by name: programs are data and refer to primitives by name. */
import { invariant, LockstepError } from '@lockstep/errors';
import { type Storage, sizeOf } from '@lockstep/tensor';
import type { Construct } from './construct.ts';
import { bind } from './core.ts';
import type { Attrs, Batched, BoundKernel, Primitive } from './primitive.ts';
import type { Tensor } from './tensor.ts';

const table = new Map<string, Primitive>();
const constructs = new Map<string, Construct>();

export function primitiveNamed(name: string): Primitive {
  const primitive = table.get(name);
  if (primitive === undefined) {
    throw new LockstepError(
      'argument',
      `there is no primitive '${String(name)}'; was this program made by another version?`,
      {
        name,
      },
    );
  }
  return primitive;
}

/** The construct of this name; undefined for primitives. */
export const constructNamed = (name: string): Construct | undefined => constructs.get(name);

/** Adds a construct to the table. */
export function construct<A extends Attrs>(entry: Construct<A>): Construct<A> {
  invariant(!constructs.has(entry.name) && !table.has(entry.name), `'${entry.name}' is defined twice`);
  constructs.set(entry.name, entry as unknown as Construct);
  return entry;
}

/** Every primitive, in the order of definition. */
export function allPrimitives(): readonly Primitive[] {
  return [...table.values()];
}

/** Adds a primitive to the table, and the jvp of a linear one. */
export function primitive<A extends Attrs>(entry: Primitive<A>): Primitive<A> {
  invariant(
    !constructs.has(entry.name) && !table.has(entry.name),
    `primitive '${entry.name}' is defined twice`,
  );
  const whole: Primitive<A> = entry.linear ? { ...entry, jvp: linearJvp } : entry;
  table.set(entry.name, whole as unknown as Primitive);
  return whole;

  function linearJvp(
    tangent: Tensor,
    argument: number,
    inputs: readonly Tensor[],
    _out: Tensor,
    attrs: A,
  ): Tensor {
    return bind(
      whole,
      inputs.map((input, i) => (i === argument ? tangent : input)),
      attrs,
    );
  }
}

/**
 * The kernel of primitives that change no element. An alias needs it only where its output must not share the input's
 * memory.
 */
export const copyKernel = (out: Storage, [x]: readonly Storage[]): BoundKernel => {
  const attrs = { shape: [sizeOf(out.shape)], strides: [1], offset: 0 };
  return (kernels) => kernels.readStrided(out.data, x!.data, attrs);
};

export const batchedAs = (value: Tensor): Batched => ({ value, batched: true });
export const unbatchedAs = (value: Tensor): Batched => ({ value, batched: false });
