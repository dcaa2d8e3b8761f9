/** Finds entries of an optimizer's state by name, at any depth. */
import { flatten } from '@lockstep/tree';

/** The objects in a state that have all these entries, outermost first. Throws for a state that contains itself. */
export function partsWith<Name extends string>(
  state: unknown,
  ...names: readonly Name[]
): Readonly<Record<Name, unknown>>[] {
  flatten(state);
  return partsIn(state, names);
}

function partsIn<Name extends string>(
  state: unknown,
  names: readonly Name[],
): Readonly<Record<Name, unknown>>[] {
  if (Array.isArray(state)) return state.flatMap((part) => partsIn(part, names));
  // Tensors are objects too.
  if (typeof state !== 'object' || state === null || Object.getPrototypeOf(state) !== Object.prototype)
    return [];
  const inside = Object.values(state).flatMap((part) => partsIn(part, names));
  const isOne = names.every((name) => Object.hasOwn(state, name));
  return isOne ? [state as Readonly<Record<Name, unknown>>, ...inside] : inside;
}
