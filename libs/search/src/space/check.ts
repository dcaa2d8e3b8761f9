/** A space beside the parameters that its experiment declares. */
import { describeValue, isPlainObject, LockstepError, nearNames } from '@lockstep/errors';
import { type Declarations, expectedOf, isValueOf, type Param, type ParamValue } from '@lockstep/params';
import { type Dimension, dimensionsOf, optionsOf } from './assignment.ts';
import type { Domain, IntegerDomain, NumberDomain, Space } from './domain.ts';

/**
 * Checks the names, types and bounds of a space.
 *
 * @throws LockstepError `config` for a name that the experiment does not declare, a value that it would refuse, and a parameter
 * that a space has twice.
 */
export function checkSpace(space: Space, declared: Declarations): void {
  checkForm(space);
  for (const dimension of dimensionsOf(space)) {
    const { name } = dimension;
    const param = Object.hasOwn(declared, name) ? declared[name] : undefined;
    if (param === undefined) throw undeclared(dimension, Object.keys(declared));
    const problem = problemWith(dimension.domain, param);
    if (problem !== undefined) throw refused(dimension, param, problem);
  }
}

/** Names stand in front of a `=` on the command line. */
const aName = /^[A-Za-z_][A-Za-z0-9_]*$/;

const types = ['choice', 'integer', 'number', 'oneOf'] as const satisfies readonly Domain['type'][];

/**
 * Checks what can be said without the experiment.
 *
 * @throws LockstepError `config` for a space that no function of this library made or that has a parameter twice.
 */
export function checkForm(space: Space): void {
  if (!isPlainObject(space) || Object.keys(space).length === 0) {
    throw new LockstepError(
      'config',
      `sweep: space is ${describeValue(space)}; it must be an object of parameters, such as { rate: logUniform(1e-4, 1e-1) }`,
    );
  }
  checkNames(space, '', []);
}

function checkNames(space: Space, path: string, outer: readonly string[]): void {
  const names = Object.keys(space);
  for (const [name, domain] of Object.entries(space)) {
    if (!aName.test(name)) {
      throw new LockstepError(
        'config',
        `sweep: '${path}${name}' cannot be a parameter's name; use letters, digits and _, beginning with a letter`,
        { name },
      );
    }
    if (!types.some((known) => known === (domain as Partial<Domain> | undefined)?.type)) {
      throw new LockstepError(
        'config',
        `sweep: space.${path}${name} is ${describeValue(domain)}; make it by ${exampleFor(domain)}`,
        { name },
      );
    }
    if (outer.includes(name)) throw twice(name);
  }
  const branching = names.filter((name) => space[name]!.type === 'oneOf');
  for (const name of branching) {
    const domain = space[name]!;
    if (domain.type !== 'oneOf') continue;
    // What exists beside a branch: other parameters, and everything that the branches of others may bring.
    const beside = names.flatMap((other) => [other, ...(other === name ? [] : innerNames(space[other]!))]);
    for (const [branch, inner] of Object.entries(domain.branches)) {
      checkNames(inner, `${path}${name}=${branch}/`, [...outer, ...beside]);
    }
  }
}

const innerNames = (domain: Domain): string[] =>
  domain.type === 'oneOf'
    ? Object.values(domain.branches).flatMap((inner) => dimensionsOf(inner).map(({ name }) => name))
    : [];

const twice = (name: string): LockstepError =>
  new LockstepError(
    'config',
    `sweep: the space has '${name}' twice under the same choices; give it once, or in different branches of one oneOf`,
    { name },
  );

/** What somebody who wrote a plain value most likely wants. */
const exampleFor = (value: unknown): string =>
  Array.isArray(value)
    ? `choice(${JSON.stringify(value)})`
    : 'choice([…]), integer(lo, hi), uniform(lo, hi), logUniform(lo, hi) or oneOf({ … })';

function undeclared({ name, id }: Dimension, names: readonly string[]): LockstepError {
  const [near] = nearNames(name, names, 1);
  const rest =
    names.length === 0
      ? 'it declares none: defineExperiment({ params: { … } }, (params) => ({ … }))'
      : `${near === undefined ? '' : `did you mean '${near}'? `}it has ${names.join(', ')}`;
  return new LockstepError('config', `sweep: the experiment has no parameter '${id}'; ${rest}`, {
    ...{ name, near, names },
  });
}

const refused = ({ id, name }: Dimension, param: Param, problem: string): LockstepError =>
  new LockstepError(
    'config',
    `sweep: ${problem}, but parameter '${id}' of the experiment is ${expectedOf(param)}`,
    { name, expected: expectedOf(param) },
  );

/** What a run would refuse, or undefined. */
function problemWith(domain: Domain, param: Param): string | undefined {
  switch (domain.type) {
    case 'choice':
    case 'oneOf': {
      const wrong = optionsOf(domain).find((option) => !isValueOf(param, option));
      return wrong === undefined ? undefined : `${domain.type} has ${quoted(wrong)}`;
    }
    case 'integer':
    case 'number':
      return problemWithRange(domain, param);
    default:
      return domain satisfies never;
  }
}

function problemWithRange(domain: IntegerDomain | NumberDomain, param: Param): string | undefined {
  const { type, lo, hi } = domain;
  const range = `the range from ${lo} to ${hi}`;
  if (param.type !== 'integer' && param.type !== 'number') return `${range} is of numbers; use choice([…])`;
  if (type === 'number' && param.type === 'integer')
    return `${range} has fractions; use integer(${lo}, ${hi})`;
  return isValueOf(param, lo) && isValueOf(param, hi) ? undefined : `${range} goes beyond its bounds`;
}

const quoted = (value: ParamValue): string => (typeof value === 'string' ? `'${value}'` : String(value));
