/**
 * Values in a fixed order, by name. The inputs of a program, its outputs and the numbers of a vector are one list each;
 * the code that writes a list and the code that reads it share one description, so no order is written twice.
 */
import { invariant } from '@lockstep/errors';

/** A description: each name stands for one item or for a list of items. The order of the names is the order of the list. */
export type Groups<Item = unknown> = Readonly<Record<string, Item | readonly Item[]>>;

/** A value for each item of a description, under the same names. */
export type Grouped<G extends Groups, Value> = {
  readonly [Name in keyof G]: G[Name] extends readonly unknown[] ? readonly Value[] : Value;
};

/** The type of the single values in grouped values. */
type ValueOf<V> = { [Name in keyof V]: V[Name] extends readonly (infer Value)[] ? Value : V[Name] }[keyof V];

/** The items of a description, in order. */
export function itemsOf<Item>(groups: Groups<Item>): Item[] {
  return Object.values(groups).flat() as Item[];
}

/**
 * The list of named values, in the order of the description. Throws `internal` for a group of another length and for a
 * missing or unknown name.
 */
export function pack<G extends Groups, V extends Grouped<G, unknown>>(groups: G, values: V): ValueOf<V>[] {
  const unknownName = Object.keys(values).find((name) => !Object.hasOwn(groups, name));
  invariant(unknownName === undefined, `there is no '${unknownName}' but ${Object.keys(groups).join(', ')}`);
  return Object.entries(groups).flatMap(([name, group]) => {
    invariant(Object.hasOwn(values, name), `there is no value for '${name}'`);
    const value: unknown = values[name];
    if (!Array.isArray(group)) {
      invariant(!Array.isArray(value), `'${name}' takes one value, not a list`);
      return [value];
    }
    const list = value as readonly unknown[];
    invariant(list.length === group.length, `'${name}' takes ${group.length} values, not ${list.length}`);
    return list;
  }) as ValueOf<V>[];
}

/** The named values of a list: the inverse of {@link pack}. Throws `internal` for a list of another length. */
export function unpack<G extends Groups, Value>(groups: G, list: readonly Value[]): Grouped<G, Value> {
  let next = 0;
  const entries = Object.entries(groups).map(([name, group]) => {
    const start = next;
    next += Array.isArray(group) ? group.length : 1;
    return [name, Array.isArray(group) ? list.slice(start, next) : list[start]];
  });
  const names = Object.keys(groups).join(', ');
  invariant(list.length === next, `${names} take ${next} values, not ${list.length}`);
  return Object.fromEntries(entries) as Grouped<G, Value>;
}

/** The place of each item in the list. */
export function placesOf<G extends Groups>(groups: G): Grouped<G, number> {
  return unpack(
    groups,
    itemsOf(groups).map((_, i) => i),
  );
}
