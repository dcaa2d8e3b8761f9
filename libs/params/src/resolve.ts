/** From declarations and what somebody sets to the values of a run, which are plain JSON. */
import { describeValue, LockstepError, nearNames } from '@lockstep/errors';
import type { Declarations, Param, ParamValue, ValuesOf } from './declaration.ts';

/** The value of every declared parameter, in the order of their declaration. */
export type ParamValues = Readonly<Record<string, ParamValue>>;

/**
 * The defaults, and `given` in their place.
 *
 * @throws LockstepError `config` for a name that is not declared, a value of another type or one out of bounds.
 */
export function resolveParams<Declared extends Declarations>(
  declared: Declared,
  given: Readonly<Record<string, unknown>> = {},
): ValuesOf<Declared> {
  for (const name of Object.keys(given)) paramNamed(declared, name);
  const values = Object.entries(declared).map(([name, param]) => {
    const value = Object.hasOwn(given, name) ? given[name] : param.default;
    const expected = isValueOf(param, value) ? undefined : expectedOf(param);
    if (expected === undefined) return [name, value];
    throw new LockstepError(
      'config',
      `parameter '${name}' must be ${expected}, not ${describeValue(value)}`,
      { name, value, expected },
    );
  });
  return Object.fromEntries(values) as ValuesOf<Declared>;
}

/**
 * The values that assignments of a command line give, such as `rate=0.1`. A later assignment replaces an earlier one of the
 * same name.
 *
 * @throws LockstepError `config` for text that is no assignment, and as {@link resolveParams} does.
 */
export function parseAssignments(declared: Declarations, assignments: readonly string[]): ParamValues {
  const parsed = assignments.map((assignment): [string, ParamValue] => {
    const at = assignment.indexOf('=');
    if (at < 1) {
      throw new LockstepError(
        'config',
        `'${assignment}' sets nothing; write NAME=VALUE, such as ${exampleOf(declared)}`,
        { assignment },
      );
    }
    const name = assignment.slice(0, at).trim();
    return [name, parseValue(name, paramNamed(declared, name), assignment.slice(at + 1))];
  });
  return Object.fromEntries(parsed);
}

/** What a value of this parameter is, for help and errors: `a number from 0 to 1`. */
export function expectedOf(param: Param): string {
  switch (param.type) {
    case 'number':
      return `a finite number${boundsOf(param)}`;
    case 'integer':
      return `a whole number${boundsOf(param)}`;
    case 'boolean':
      return 'true or false';
    case 'text':
      return 'text';
    case 'choice':
      return listed(param.options.map(quoted));
    default:
      return param satisfies never;
  }
}

/** Whether a run may give this value to the parameter: its type, bounds and options. */
export function isValueOf(param: Param, value: unknown): value is ParamValue {
  switch (param.type) {
    case 'number':
      return Number.isFinite(value) && isWithin(param, value as number);
    case 'integer':
      return Number.isSafeInteger(value) && isWithin(param, value as number);
    case 'boolean':
      return typeof value === 'boolean';
    case 'text':
      return typeof value === 'string';
    case 'choice':
      return param.options.some((option) => option === value);
    default:
      return param satisfies never;
  }
}

type Ranged = Extract<Param, { type: 'number' | 'integer' }>;

const isWithin = ({ min, max }: Ranged, value: number): boolean =>
  (min === undefined || min <= value) && (max === undefined || value <= max);

function boundsOf({ min, max }: Ranged): string {
  if (min !== undefined && max !== undefined) return ` from ${min} to ${max}`;
  if (min !== undefined) return ` of at least ${min}`;
  return max === undefined ? '' : ` of at most ${max}`;
}

function paramNamed(declared: Declarations, name: string): Param {
  const param = Object.hasOwn(declared, name) ? declared[name] : undefined;
  if (param !== undefined) return param;
  const names = Object.keys(declared);
  const [near] = nearNames(name, names, 1);
  const rest =
    names.length === 0
      ? 'it declares none: defineExperiment({ params: { … } }, (params) => ({ … }))'
      : `${near === undefined ? '' : `did you mean '${near}'? `}it has ${names.join(', ')}`;
  throw new LockstepError('config', `the experiment has no parameter '${name}'; ${rest}`, {
    name,
    near,
    names,
  });
}

/** Decimal notation, as JavaScript and JSON have it. */
const decimal = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i;

function parseValue(name: string, param: Param, given: string): ParamValue {
  const value = readValue(param, given);
  if (value !== undefined && isValueOf(param, value)) return value;
  const expected = expectedOf(param);
  throw new LockstepError('config', `parameter '${name}' must be ${expected}, not '${given}'`, {
    ...{ name, value: given, expected },
  });
}

function readValue(param: Param, given: string): ParamValue | undefined {
  switch (param.type) {
    case 'number':
    case 'integer':
      return decimal.test(given.trim()) ? Number(given) : undefined;
    case 'boolean':
      return given === 'true' ? true : given === 'false' ? false : undefined;
    case 'text':
      return given;
    case 'choice':
      return param.options.find((option) =>
        typeof option === 'number'
          ? decimal.test(given.trim()) && option === Number(given)
          : String(option) === given,
      );
    default:
      return param satisfies never;
  }
}

const quoted = (value: ParamValue): string => (typeof value === 'string' ? `'${value}'` : String(value));

function listed(items: readonly string[]): string {
  return items.length === 1 ? items[0]! : `${items.slice(0, -1).join(', ')} or ${items.at(-1)}`;
}

function exampleOf(declared: Declarations): string {
  const [first] = Object.entries(declared);
  return first === undefined ? 'rate=0.1' : `${first[0]}=${first[1].default}`;
}
