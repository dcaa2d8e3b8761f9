/**
 * Nested arrays and plain objects of leaves. `null` and `undefined` are empty subtrees. An interface has no
 * index signature and is no `Tree`; declare the types of trees with `type`.
 */
export type Tree<Leaf> =
  | Leaf
  | null
  | undefined
  | readonly Tree<Leaf>[]
  | { readonly [key: string]: Tree<Leaf> };

/** The type of the leaves of a tree of type `T`. An object type that has methods counts as a leaf. */
export type LeafOf<T> =
  IsRecursive<T> extends true
    ? Exclude<T, null | undefined | readonly unknown[] | { readonly [key: string]: T }>
    : T extends null | undefined
      ? never
      : T extends readonly (infer Item)[]
        ? LeafOf<Item>
        : T extends object
          ? HasMethods<T> extends true
            ? T
            : LeafOf<T[keyof T]>
          : T;

/** A tree of the shape of `T` with `Out` for each leaf. */
export type MapLeaves<T, Out> = IsRecursive<T> extends true ? Tree<Out> : MapShape<T, Out>;

type MapShape<T, Out> = T extends null | undefined
  ? T
  : T extends readonly unknown[]
    ? { [K in keyof T]: MapLeaves<T[K], Out> }
    : T extends object
      ? HasMethods<T> extends true
        ? Out
        : { [K in keyof T]: MapLeaves<T[K], Out> }
      : Out;

/** `Tree<Leaf>` itself contains arrays of itself; descending into it would not end. */
type IsRecursive<T> = [readonly T[]] extends [T] ? true : false;
type HasMethods<T> = [Extract<T[keyof T], (...args: never) => unknown>] extends [never] ? false : true;
