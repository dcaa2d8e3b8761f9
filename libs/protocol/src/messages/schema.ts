/**
 * Schemas of messages: each checks a value and gives it the type it has then. A few lines of our own, because every
 * process loads them before its first word, and a library of schemas took longer than all the rest of a hello.
 */

/** Returns the value without keys that it should not have. Throws a `Mismatch` that begins with `path`. */
export type Schema<Value> = (value: unknown, path: string) => Value;

export type Infer<S> = S extends Schema<infer Value> ? Value : never;

export type Checked<Value> =
  | { readonly ok: true; readonly value: Value }
  | { readonly ok: false; readonly reason: string };

class Mismatch extends Error {}

/** Checks data from outside: what is wrong with it is a result. */
export function check<Value>(schema: Schema<Value>, value: unknown): Checked<Value> {
  try {
    return { ok: true, value: schema(value, '') };
  } catch (error) {
    if (error instanceof Mismatch) return { ok: false, reason: error.message };
    throw error;
  }
}

function mismatch(path: string, expected: string): Mismatch {
  return new Mismatch(`${path || 'message'}: expected ${expected}`);
}

export interface Bounds {
  readonly min?: number;
  readonly max?: number;
}

const isWithin = (value: number, { min = -Infinity, max = Infinity }: Bounds): boolean =>
  min <= value && value <= max;

function described(what: string, { min, max }: Bounds): string {
  const bounds = [
    ...(min === undefined ? [] : [`at least ${min}`]),
    ...(max === undefined ? [] : [`at most ${max}`]),
  ];
  return [what, ...(bounds.length === 0 ? [] : [`of ${bounds.join(' and ')}`])].join(' ');
}

export function integer(bounds: Bounds = {}): Schema<number> {
  return (value, path) => {
    if (Number.isSafeInteger(value) && isWithin(value as number, bounds)) return value as number;
    throw mismatch(path, described('a whole number', bounds));
  };
}

/** Bounds are of its length. */
export function string(bounds: Bounds = {}): Schema<string> {
  return (value, path) => {
    if (typeof value === 'string' && isWithin(value.length, bounds)) return value;
    throw mismatch(path, described('a string with a length', bounds));
  };
}

export function matching(pattern: RegExp, expected: string): Schema<string> {
  return (value, path) => {
    if (typeof value === 'string' && pattern.test(value)) return value;
    throw mismatch(path, expected);
  };
}

export const boolean: Schema<boolean> = (value, path) => {
  if (typeof value === 'boolean') return value;
  throw mismatch(path, 'true or false');
};

export function oneOf<const Names extends readonly string[]>(names: Names): Schema<Names[number]> {
  return (value, path) => {
    if (typeof value === 'string' && names.includes(value)) return value;
    throw mismatch(path, names.join(' or '));
  };
}

/** Bounds are of its length. */
export function array<Item>(item: Schema<Item>, bounds: Bounds = {}): Schema<readonly Item[]> {
  return (value, path) => {
    if (!Array.isArray(value) || !isWithin(value.length, bounds)) {
      throw mismatch(path, described('an array with a length', bounds));
    }
    return value.map((each, i) => item(each, `${path}[${i}]`));
  };
}

/** Plain data of any form under string keys. */
export const record: Schema<Readonly<Record<string, unknown>>> = (value, path) => {
  if (isObject(value)) return value;
  throw mismatch(path, 'an object');
};

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** A field that may be absent, but not undefined. */
export interface Optional<Value> {
  readonly optional: Schema<Value>;
}

export const optional = <Value>(schema: Schema<Value>): Optional<Value> => ({ optional: schema });

export type Fields = Readonly<Record<string, Schema<unknown> | Optional<unknown>>>;

export type ObjectOf<F extends Fields> = Flat<
  { readonly [Key in keyof F as F[Key] extends Schema<unknown> ? Key : never]: Infer<F[Key]> } & {
    readonly [Key in keyof F as F[Key] extends Optional<unknown> ? Key : never]?: F[Key] extends Optional<
      infer Value
    >
      ? Value
      : never;
  }
>;

type Flat<T> = { [Key in keyof T]: T[Key] };

export function object<const F extends Fields>(fields: F): Schema<ObjectOf<F>> {
  const entries = Object.entries(fields);
  return (value, path) => {
    if (!isObject(value)) throw mismatch(path, 'an object');
    const found: Record<string, unknown> = {};
    for (const [key, field] of entries) {
      const inner = path === '' ? key : `${path}.${key}`;
      if (typeof field === 'function') found[key] = field(value[key], inner);
      else if (Object.hasOwn(value, key)) found[key] = field.optional(value[key], inner);
    }
    return found as ObjectOf<F>;
  };
}

/** A string is read as the first, everything else as the second. */
export function stringOr<First extends string, Second>(
  first: Schema<First>,
  second: Schema<Second>,
): Schema<First | Second> {
  return (value, path) => (typeof value === 'string' ? first(value, path) : second(value, path));
}

/** Objects told apart by their `type`. */
export function variants<const Types extends Readonly<Record<string, Fields>>>(
  types: Types,
): Schema<
  { [Type in keyof Types & string]: Flat<{ readonly type: Type } & ObjectOf<Types[Type]>> }[keyof Types &
    string]
> {
  const schemas = new Map(
    Object.entries(types).map(([type, fields]) => [type, object({ type: oneOf([type]), ...fields })]),
  );
  return (value, path) => {
    if (!isObject(value)) throw mismatch(path, 'an object');
    const schema = typeof value.type === 'string' ? schemas.get(value.type) : undefined;
    if (schema === undefined) throw mismatch('type', [...schemas.keys()].join(' or '));
    // Of the fields of this type, which the compiler cannot follow through a map.
    return schema(value, path) as never;
  };
}
