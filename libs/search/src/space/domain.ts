/**
 * What a sweep may set a parameter to. A domain is plain JSON, so that it can be recorded with the sweep and compared when the
 * sweep is resumed.
 */
import {
  aBoolean,
  checkValue,
  describeValue,
  finite,
  isPlainObject,
  LockstepError,
  type Rules,
  signature,
  whole,
} from '@lockstep/errors';
import type { ParamValue } from '@lockstep/params';

/** One of several values. */
export interface ChoiceDomain<Value extends ParamValue = ParamValue> {
  readonly type: 'choice';
  readonly options: readonly Value[];
}

/** The whole numbers `lo`, `lo + step`, … up to `hi`; with `log`, small ones are tried as often as large ones. */
export interface IntegerDomain {
  readonly type: 'integer';
  readonly lo: number;
  readonly hi: number;
  readonly step: number;
  readonly log: boolean;
}

/** The numbers from `lo` to `hi`, or with `step` the numbers `lo`, `lo + step`, … up to `hi`. */
export interface NumberDomain {
  readonly type: 'number';
  readonly lo: number;
  readonly hi: number;
  readonly step?: number;
  readonly log: boolean;
}

/** One of several names, each with the parameters that exist only where it is chosen. */
export interface OneOfDomain<
  Branches extends Readonly<Record<string, Space>> = Readonly<Record<string, Space>>,
> {
  readonly type: 'oneOf';
  readonly branches: Branches;
}

export type Domain = ChoiceDomain | IntegerDomain | NumberDomain | OneOfDomain;

/** Domains by the name of the parameter that they belong to. The order of names has no meaning. */
export interface Space {
  readonly [name: string]: Domain;
}

export interface IntegerOptions {
  /** Whether the logarithm is uniform in place of the number. Not together with `step`. Default: false. */
  readonly log?: boolean;
  /** The distance between values. Default: 1. */
  readonly step?: number;
}

export interface UniformOptions {
  /** The distance between values. Default: every number of the range. */
  readonly step?: number;
}

/**
 * One of the values of a list: `choice([64, 128, 256])`.
 *
 * @throws LockstepError `argument` for an empty list, a value that occurs twice, and values that no parameter can have.
 */
export function choice<const Value extends ParamValue>(options: readonly Value[]): ChoiceDomain<Value> {
  const isList = Array.isArray(options) && options.length > 0;
  if (isList && new Set(options).size === options.length && options.every(isParamValue)) {
    return { type: 'choice', options: [...options] };
  }
  throw impossible(
    'choice',
    `needs a list of at least one number, text, true or false, each once; it got ${describeValue(options)}`,
    { options },
  );
}

const isParamValue = (value: unknown): boolean =>
  typeof value === 'string' || typeof value === 'boolean' || Number.isFinite(value);

const integerRules: Rules<IntegerOptions> = { log: aBoolean, step: whole(1) };
const checkInteger = signature('integer', { lo: whole(), hi: whole() }, integerRules);
/**
 * A whole number from `lo` to `hi`, both included: `integer(32, 256, { log: true })`.
 *
 * @throws LockstepError `argument` for a range without values, a step that is longer than the range, and `log` from below 1.
 */
export function integer(lo: number, hi: number, options: IntegerOptions = {}): IntegerDomain {
  checkInteger(lo, hi, options);
  const { log = false, step = 1 } = options;
  checkRange('integer', lo, hi, options.step);
  if (log && lo < 1) throw withoutLogarithm('integer', lo, hi, 1);
  if (log && step !== 1) {
    throw impossible('integer', `log and step exclude each other; it got step ${step}`, { step });
  }
  return { type: 'integer', lo, hi, step, log };
}

const uniformRules: Rules<UniformOptions> = { step: finite };
const checkUniform = signature('uniform', { lo: finite, hi: finite }, uniformRules);
/**
 * A number from `lo` to `hi`: `uniform(0, 0.5)`. With a step, a multiple of it above `lo`: `uniform(0, 0.5, { step: 0.1 })`.
 *
 * @throws LockstepError `argument` for a range without values, and a step that is longer than the range or not positive.
 */
export function uniform(lo: number, hi: number, options: UniformOptions = {}): NumberDomain {
  checkUniform(lo, hi, options);
  const { step } = options;
  checkRange('uniform', lo, hi, step);
  return { type: 'number', lo, hi, ...(step !== undefined && { step }), log: false };
}

const checkLogUniform = signature('logUniform', { lo: finite, hi: finite });
/**
 * A number from `lo` to `hi` whose logarithm is uniform: `logUniform(1e-4, 1e-1)`.
 *
 * @throws LockstepError `argument` for a range without values or from 0 or below.
 */
export function logUniform(lo: number, hi: number): NumberDomain {
  checkLogUniform(lo, hi);
  checkRange('logUniform', lo, hi, undefined);
  if (lo <= 0) throw withoutLogarithm('logUniform', lo, hi, 'a number > 0');
  return { type: 'number', lo, hi, log: true };
}

/**
 * One of several names, with the parameters of each: `oneOf({ linear: {}, mlp: { width: integer(32, 256) } })`. The type of an
 * assignment narrows by the name.
 *
 * @throws LockstepError `argument` without names.
 */
export function oneOf<const Branches extends Readonly<Record<string, Space>>>(
  branches: Branches,
): OneOfDomain<Branches> {
  if (!isPlainObject(branches) || Object.keys(branches).length === 0) {
    throw impossible(
      'oneOf',
      `needs an object of names and their parameters, such as { linear: {}, mlp: { width: integer(32, 256) } }; it got ${describeValue(branches)}`,
      {},
    );
  }
  for (const [name, space] of Object.entries(branches)) {
    checkValue('oneOf', name, space, { what: 'an object of parameters', fits: isPlainObject });
  }
  return { type: 'oneOf', branches };
}

function checkRange(owner: string, lo: number, hi: number, step: number | undefined): void {
  if (lo > hi) throw impossible(owner, `lo is ${lo} and hi is ${hi}; exchange them?`, { lo, hi });
  if (!Number.isFinite(hi - lo)) {
    throw impossible(owner, `the range from ${lo} to ${hi} is longer than the largest number`, { lo, hi });
  }
  if (step === undefined) return;
  if (!(step > 0)) throw impossible(owner, `step is ${step}; it must be a number > 0`, { step });
  if (step > hi - lo) {
    throw impossible(
      owner,
      `step is ${step}, longer than the range from ${lo} to ${hi}; give a shorter step, or choice([${lo}])`,
      { lo, hi, step },
    );
  }
}

const withoutLogarithm = (owner: string, lo: number, hi: number, least: number | string): LockstepError =>
  impossible(owner, `lo is ${lo}; a range with logarithms begins at ${least}`, { lo, hi });

const impossible = (owner: string, what: string, facts: Readonly<Record<string, unknown>>): LockstepError =>
  new LockstepError('argument', `${owner}: ${what}`, facts);
