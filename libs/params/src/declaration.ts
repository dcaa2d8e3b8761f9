/**
 * What an experiment lets its users set. A declaration is plain JSON, so that it can be shown without loading data,
 * recorded with a run and searched over by a sweep.
 */
import {
  aBoolean,
  aNumber,
  aString,
  checkOptions,
  checkValue,
  either,
  finite,
  isPlainObject,
  type Kind,
  LockstepError,
  type Rules,
  signature,
  whole,
} from '@lockstep/errors';

interface Described {
  /** What `lockstep train FILE --help` says of the parameter, beside its type. Default: nothing. */
  readonly help?: string;
}

export interface NumberParam extends Described {
  readonly type: 'number';
  readonly default: number;
  readonly min?: number;
  readonly max?: number;
}

export interface IntegerParam extends Described {
  readonly type: 'integer';
  readonly default: number;
  readonly min?: number;
  readonly max?: number;
}

export interface BooleanParam extends Described {
  readonly type: 'boolean';
  readonly default: boolean;
}

export interface TextParam extends Described {
  readonly type: 'text';
  readonly default: string;
}

export interface ChoiceParam<Value extends ParamValue = ParamValue> extends Described {
  readonly type: 'choice';
  readonly default: Value;
  readonly options: readonly Value[];
}

export type Param = NumberParam | IntegerParam | BooleanParam | TextParam | ChoiceParam;

/** What a parameter may be set to. */
export type ParamValue = number | string | boolean;

/** Declared parameters by name. */
export type Declarations = Readonly<Record<string, Param>>;

/** The value that an experiment's function is given for one declaration. */
export type ValueOf<Declared extends Param> =
  Declared extends ChoiceParam<infer Value>
    ? Value
    : Declared extends BooleanParam
      ? boolean
      : Declared extends TextParam
        ? string
        : number;

/** The values that an experiment's function is given. */
export type ValuesOf<Declared extends Declarations> = {
  readonly [Name in keyof Declared]: ValueOf<Declared[Name]>;
};

export interface RangeOptions extends Described {
  /** The least value. Default: none. */
  readonly min?: number;
  /** The greatest value. Default: none. */
  readonly max?: number;
}

export type HelpOption = Described;

const rangeRules: Rules<RangeOptions> = { min: aNumber, max: aNumber, help: aString };
const helpRules: Rules<HelpOption> = { help: aString };
const aValue: Kind = either(finite, aString, aBoolean);

const checkNumber = signature('param.number', { default: finite }, rangeRules);
/** A finite number. */
export function number(defaultValue: number, options: RangeOptions = {}): NumberParam {
  checkNumber(defaultValue, options);
  return withinBounds({ type: 'number', default: defaultValue, ...options });
}

const checkInteger = signature('param.integer', { default: whole() }, rangeRules);
/** A whole number. */
export function integer(defaultValue: number, options: RangeOptions = {}): IntegerParam {
  checkInteger(defaultValue, options);
  return withinBounds({ type: 'integer', default: defaultValue, ...options });
}

const checkBoolean = signature('param.boolean', { default: aBoolean }, helpRules);
/** `true` or `false`. */
export function boolean(defaultValue: boolean, options: HelpOption = {}): BooleanParam {
  checkBoolean(defaultValue, options);
  return { type: 'boolean', default: defaultValue, ...options };
}

const checkText = signature('param.text', { default: aString }, helpRules);
/** Any string, such as the name of a file. */
export function text(defaultValue: string, options: HelpOption = {}): TextParam {
  checkText(defaultValue, options);
  return { type: 'text', default: defaultValue, ...options };
}

/**
 * One of several values; the first one is the default. A last argument that is an object holds options:
 * `param.choice('adam', 'sgd', { help: 'how parameters are updated' })`.
 */
export function choice<const Options extends readonly [ParamValue, ...(ParamValue | HelpOption)[]]>(
  ...options: Options
): ChoiceParam<Extract<Options[number], ParamValue>> {
  const last = options.at(-1);
  const help = isPlainObject(last) ? (last as HelpOption) : {};
  checkOptions('param.choice', help, helpRules);
  const values = (isPlainObject(last) ? options.slice(0, -1) : options) as Extract<
    Options[number],
    ParamValue
  >[];
  for (const [i, value] of values.entries()) checkValue('param.choice', `options[${i}]`, value, aValue);
  const [first] = values;
  if (first === undefined || new Set(values).size < values.length) {
    throw new LockstepError(
      'argument',
      `param.choice: needs at least one value, and each value once; it got ${JSON.stringify(values)}`,
      { options: values },
    );
  }
  return { type: 'choice', default: first, options: values, ...help };
}

function withinBounds<Ranged extends NumberParam | IntegerParam>(param: Ranged): Ranged {
  const { type, default: value, min = Number.NEGATIVE_INFINITY, max = Number.POSITIVE_INFINITY } = param;
  if (min <= value && value <= max) return param;
  throw new LockstepError(
    'argument',
    `param.${type}: the default ${value} is outside of its bounds, ${min} to ${max}`,
    { default: value, min, max },
  );
}
