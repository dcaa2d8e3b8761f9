/** Fields of JSON that nobody has checked: what has another type counts as absent. */
import type { Value } from './record.ts';

export type Json = Readonly<Record<string, unknown>>;

export const isJson = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

export const jsonOf = (value: unknown): Json => (isJson(value) ? value : {});

export const textOf = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined);

export const numberOf = (value: unknown): number | undefined =>
  typeof value === 'number' ? value : undefined;

const nonFinite: Readonly<Record<string, number>> = {
  NaN: Number.NaN,
  Infinity: Number.POSITIVE_INFINITY,
  '-Infinity': Number.NEGATIVE_INFINITY,
};

/** A number of a log, which holds those that JSON lacks as text. */
export const loggedNumber = (value: unknown): number | undefined =>
  typeof value === 'string' ? nonFinite[value] : numberOf(value);

export const textsOf = (value: unknown): readonly string[] =>
  Array.isArray(value) ? value.filter((item) => typeof item === 'string') : [];

export const isValue = (value: unknown): value is Value =>
  typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean';

/** The properties that `is` accepts. */
export function pick<T>(value: unknown, is: (item: unknown) => item is T): Readonly<Record<string, T>> {
  return Object.fromEntries(
    Object.entries(jsonOf(value)).filter((entry): entry is [string, T] => is(entry[1])),
  );
}

export const isText = (value: unknown): value is string => typeof value === 'string';

type Defined<Fields> = { readonly [Name in keyof Fields]?: Exclude<Fields[Name], undefined> };

/** The fields that are there. */
export function defined<const Fields extends object>(fields: Fields): Defined<Fields> {
  return Object.fromEntries(
    Object.entries(fields).filter(([, value]) => value !== undefined),
  ) as Defined<Fields>;
}
