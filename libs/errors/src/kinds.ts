/**
 * Kinds of values: what an argument or an option may be, as a test and as words. Callers without types, and experiment
 * files, which run without a type check, meet them at the head of every public function.
 */

export interface Kind {
  /** After "it must be": `a whole number ≥ 1`. */
  readonly what: string;
  readonly fits: (value: unknown) => boolean;
  /** The names of modes, for suggestions. */
  readonly names?: readonly string[];
  /** Of an object that has options of its own. */
  readonly rules?: Rules;
  /** Of an option that cannot be left out. */
  readonly isRequired?: boolean;
}

/** The kind of each option of `Options`: one that the interface has and the rules lack does not type-check. */
export type Rules<Options = Readonly<Record<string, unknown>>> = {
  readonly [Name in keyof Options]-?: Kind;
};

export const isPlainObject = (value: unknown): value is Readonly<Record<string, unknown>> => {
  if (typeof value !== 'object' || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || prototype === Object.prototype;
};

/** For what the function itself looks at. */
export const anything: Kind = { what: 'any value', fits: () => true };
export const aBoolean: Kind = { what: 'true or false', fits: (value) => typeof value === 'boolean' };
export const aString: Kind = { what: 'a string', fits: (value) => typeof value === 'string' };
export const aFunction: Kind = { what: 'a function', fits: (value) => typeof value === 'function' };
/** NaN and infinities too: what such a number means is the function's affair. */
export const aNumber: Kind = { what: 'a number', fits: (value) => typeof value === 'number' };
export const finite: Kind = { what: 'a finite number', fits: Number.isFinite };
export const anObject: Kind = { what: 'an object', fits: isPlainObject };

/** A number of at least `least`; infinity counts, NaN does not. */
export const numberFrom = (least: number): Kind => ({
  what: `a number ≥ ${least}`,
  fits: (value) => typeof value === 'number' && value >= least,
});

/** A whole number of at least `least`, or of any size. */
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

/** A list whose items are all of a kind, and of which there are `count` if that is told. */
export const listOf = (kind: Kind, what = `a list, each item ${kind.what}`, count?: number): Kind => ({
  what,
  fits: (value) =>
    Array.isArray(value) && (count === undefined || value.length === count) && everyItem(value, kind),
});

/** `every` passes over holes. */
function everyItem(list: readonly unknown[], kind: Kind): boolean {
  for (let i = 0; i < list.length; i++) if (!kind.fits(list[i])) return false;
  return true;
}

/** An object whose values are all of a kind, under names that users choose. */
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

/** An option that cannot be left out. */
export const required = (kind: Kind): Kind => ({ ...kind, isRequired: true });

/** An object of options within options. */
export const nestedOptions = (rules: Rules): Kind => ({
  what: `an object of ${Object.keys(rules).join(', ')}`,
  fits: isPlainObject,
  rules,
});
