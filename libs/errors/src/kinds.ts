/**
 * Kinds of values: a kind says which values an argument or option may have, as a predicate and in words. Every public
 * function checks its arguments by kinds, because JavaScript callers and experiment files run without a type check.
 */

export interface Kind {
  /** The words that follow "it must be" in a message: `a whole number ≥ 1`. */
  readonly what: string;
  readonly fits: (value: unknown) => boolean;
  /** The allowed strings, from which a message suggests the nearest. */
  readonly names?: readonly string[];
  /** The rules of the value's own options, if the value is an object of options. */
  readonly rules?: Rules;
  /** True for an option that must be given. */
  readonly isRequired?: boolean;
}

/** The kind of each option of `Options`. The type check fails if the rules lack an option of the interface. */
export type Rules<Options = Readonly<Record<string, unknown>>> = {
  readonly [Name in keyof Options]-?: Kind;
};

export const isPlainObject = (value: unknown): value is Readonly<Record<string, unknown>> => {
  if (typeof value !== 'object' || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || prototype === Object.prototype;
};

/** For an argument that the function checks itself. */
export const anything: Kind = { what: 'any value', fits: () => true };
export const aBoolean: Kind = { what: 'true or false', fits: (value) => typeof value === 'boolean' };
export const aString: Kind = { what: 'a string', fits: (value) => typeof value === 'string' };
export const aFunction: Kind = { what: 'a function', fits: (value) => typeof value === 'function' };
/** Includes NaN and infinities; the function decides what they mean. */
export const aNumber: Kind = { what: 'a number', fits: (value) => typeof value === 'number' };
export const finite: Kind = { what: 'a finite number', fits: Number.isFinite };
export const anObject: Kind = { what: 'an object', fits: isPlainObject };

/** A number of at least `least`. Infinity fits, NaN does not. */
export const numberFrom = (least: number): Kind => ({
  what: `a number ≥ ${least}`,
  fits: (value) => typeof value === 'number' && value >= least,
});

/** A whole number of at least `least`; without `least`, any whole number. */
export const whole = (least?: number): Kind => ({
  what: least === undefined ? 'a whole number' : `a whole number ≥ ${least}`,
  fits: (value) => Number.isSafeInteger(value) && (least === undefined || (value as number) >= least),
});

/** One of several strings. */
export function oneOf(...names: readonly string[]): Kind {
  const quoted = names.map((name) => `'${name}'`);
  const last = quoted.at(-1)!;
  return {
    what: quoted.length === 1 ? last : `${quoted.slice(0, -1).join(', ')} or ${last}`,
    fits: (value) => typeof value === 'string' && names.includes(value),
    names,
  };
}

/** A list whose items are all of one kind. If `count` is given, the list has exactly that many items. */
export const listOf = (kind: Kind, what = `a list, each item ${kind.what}`, count?: number): Kind => ({
  what,
  fits: (value) =>
    Array.isArray(value) && (count === undefined || value.length === count) && everyItem(value, kind),
});

/** Checks holes too, which `Array.prototype.every` skips. */
function everyItem(list: readonly unknown[], kind: Kind): boolean {
  for (let i = 0; i < list.length; i++) if (!kind.fits(list[i])) return false;
  return true;
}

/** An object whose values are all of one kind, under names that the user chooses. */
export const recordOf = (kind: Kind, what = `an object, each value ${kind.what}`): Kind => ({
  what,
  fits: (value) => isPlainObject(value) && Object.values(value).every(kind.fits),
});

export function either(...kinds: readonly Kind[]): Kind {
  const names = kinds.flatMap((kind) => kind.names ?? []);
  const rules = kinds.find((kind) => kind.rules !== undefined)?.rules;
  return {
    what: kinds.map(({ what }) => what).join(', or '),
    fits: (value) => kinds.some((kind) => kind.fits(value)),
    ...(names.length > 0 && { names }),
    ...(rules !== undefined && { rules }),
  };
}

export const orNull = (kind: Kind): Kind => either(kind, { what: 'null', fits: (value) => value === null });

/** Marks the kind of an option that must be given. */
export const required = (kind: Kind): Kind => ({ ...kind, isRequired: true });

/** An option whose value is itself an object of options. */
export const nestedOptions = (rules: Rules): Kind => ({
  what: `an object of ${Object.keys(rules).join(', ')}`,
  fits: isPlainObject,
  rules,
});
