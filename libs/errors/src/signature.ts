/** Checks of arguments, called first in every public function. */
import { describeValue } from './describe.ts';
import { isPlainObject, type Kind, type Rules } from './kinds.ts';
import { type ErrorCode, LockstepError } from './lockstep-error.ts';
import { nearNames } from './near.ts';

/** Throws for the first argument that does not fit. */
export type Check = (...given: readonly unknown[]) => void;

interface Parameter {
  readonly name: string;
  readonly kind: Kind;
  readonly isOptional: boolean;
  readonly isRest: boolean;
}

/**
 * The check of a public function's arguments, from a description of its parameters in their order. A parameter whose
 * name ends in `?` is optional; one whose name begins with `...` takes all remaining arguments. The last argument is an
 * object of the `options`. Errors show the whole call.
 *
 * `const check = signature('sum', { x: aTensor, 'axes?': someAxes }, { keepDims: aBoolean })`
 */
export function signature(
  owner: string,
  parameters: Readonly<Record<string, Kind>>,
  options?: Rules,
  code: ErrorCode = 'argument',
): Check {
  const list = Object.entries(parameters).map(([name, kind]) => parameterOf(name, kind));
  const needsOptions = Object.values(options ?? {}).some(({ isRequired }) => isRequired);
  const call = () => callOf(owner, parameters, options);
  const { length } = list;
  return (...given) => {
    for (let i = 0; i < length; i++) {
      const parameter = list[i]!;
      const value = given[i];
      if (value === undefined && parameter.isOptional) continue;
      const { kind } = parameter;
      if (parameter.isRest) return checkRest(owner, parameter, given, i, { code, call });
      if (kind.rules !== undefined || !kind.fits(value)) {
        checkValue(owner, parameter.name, value, kind, { code, call });
      }
    }
    if (options === undefined) return;
    const value = given[length];
    if (value === undefined) {
      if (needsOptions) checkOptions(owner, {}, options, { code, call });
    } else if (needsOptions || !isEmptyObject(value)) checkOptions(owner, value, options, { code, call });
  };
}

/** A fast path: ops are called often and rarely with options, so most option objects are empty. */
function isEmptyObject(value: unknown): boolean {
  if (typeof value !== 'object' || value === null || Object.getPrototypeOf(value) !== Object.prototype)
    return false;
  for (const _name in value) return false;
  return true;
}

function checkRest(
  owner: string,
  { name, kind }: Parameter,
  given: readonly unknown[],
  from: number,
  { code = 'argument', call }: OptionsContext,
): void {
  for (let k = from; k < given.length; k++) {
    if (!kind.fits(given[k])) throw wrongValue(owner, `${name}[${k - from}]`, given[k], kind, code, call?.());
  }
}

function parameterOf(name: string, kind: Kind): Parameter {
  const isRest = name.startsWith('...');
  return { name: name.replace(/^\.\.\.|\?$/g, ''), kind, isOptional: name.endsWith('?'), isRest };
}

/** `sum(x, axes?, { keepDims })` */
function callOf(
  owner: string,
  parameters: Readonly<Record<string, Kind>>,
  options: Rules | undefined,
): string {
  const names = Object.keys(parameters);
  const last = options === undefined ? [] : [`{ ${namesOf(options)} }`];
  return `${owner}(${[...names, ...last].join(', ')})`;
}

/** The names of the options in their order, with a `?` after each optional one. */
const namesOf = (rules: Rules): string =>
  Object.entries(rules)
    .map(([name, { isRequired }]) => (isRequired ? name : `${name}?`))
    .join(', ');

interface OptionsContext {
  /** Default `argument`. */
  readonly code?: ErrorCode;
  /** The whole call, for the message. */
  readonly call?: () => string;
}

/** Throws for an unknown option, with the nearest known name as a suggestion, and for a value that does not fit. */
export function checkOptions(
  owner: string,
  options: unknown,
  rules: Rules,
  context: OptionsContext = {},
): void {
  const { code = 'argument', call } = context;
  const known = rules as Readonly<Record<string, Kind>>;
  if (!isPlainObject(options)) throw notOptions(owner, options, known, code, call?.());
  for (const name of Object.keys(options)) {
    const value = options[name];
    const kind = Object.hasOwn(known, name) ? known[name] : undefined;
    if (kind === undefined) throw unknownOption(owner, name, Object.keys(known), code);
    if (value === undefined) continue;
    checkValue(owner, name, value, kind, context);
  }
  for (const name of requiredOf(known)) {
    if (options[name] === undefined) throw wrongValue(owner, name, undefined, known[name]!, code, call?.());
  }
}

/** A cache by the identity of the rules: each function passes the same object on every call. */
const requiredNames = new WeakMap<Rules, readonly string[]>();

function requiredOf(rules: Rules): readonly string[] {
  let names = requiredNames.get(rules);
  if (names === undefined) {
    names = Object.keys(rules).filter((name) => rules[name]!.isRequired);
    requiredNames.set(rules, names);
  }
  return names;
}

/** Throws unless the value fits the kind. `name` is the argument or option that has the value. */
export function checkValue(
  owner: string,
  name: string,
  value: unknown,
  kind: Kind,
  { code = 'argument', call }: OptionsContext = {},
): void {
  if (!kind.fits(value)) throw wrongValue(owner, name, value, kind, code, call?.());
  if (kind.rules !== undefined && isPlainObject(value)) {
    checkOptions(`${owner}: ${name}`, value, kind.rules, { code });
  }
}

function unknownOption(
  owner: string,
  option: string,
  known: readonly string[],
  code: ErrorCode,
): LockstepError {
  const [near] = nearNames(option, known, 1);
  const takes = known.length === 0 ? 'it takes none' : `the options are ${[...known].sort().join(', ')}`;
  const remedy =
    near === undefined ? takes : `did you mean '${near}'? ${takes[0]!.toUpperCase()}${takes.slice(1)}`;
  return new LockstepError(code, `${owner}: there is no option '${option}'; ${remedy}`, {
    owner,
    option,
    near,
    known,
  });
}

function notOptions(
  owner: string,
  value: unknown,
  rules: Rules,
  code: ErrorCode,
  call: string | undefined,
): LockstepError {
  // `loss: mse` in place of `loss: mse()`: the trainer then passes arrays where the function expects options.
  const isCallMissing = call?.startsWith(`${owner}({`) && typeof value === 'object' && value !== null;
  const remedy = isCallMissing ? `; is a call missing, as in ${owner}()?` : calledAs(call);
  return new LockstepError(
    code,
    `${owner}: options are an object { ${namesOf(rules)} }, not ${describeValue(value)}${remedy}`,
    { owner, came: describeValue(value) },
  );
}

function wrongValue(
  owner: string,
  name: string,
  value: unknown,
  kind: Kind,
  code: ErrorCode,
  call: string | undefined,
): LockstepError {
  const [near] = typeof value === 'string' ? nearNames(value, kind.names ?? [], 1) : [];
  const came = value === undefined ? 'is missing' : `is ${describeValue(value)}`;
  const suggestion = near === undefined ? '' : `; did you mean '${near}'?`;
  return new LockstepError(
    code,
    `${owner}: ${name} ${came}; it must be ${kind.what}${suggestion}${calledAs(call)}`,
    {
      owner,
      name,
      came: describeValue(value),
    },
  );
}

const calledAs = (call: string | undefined): string => (call === undefined ? '' : `; the call is ${call}`);
