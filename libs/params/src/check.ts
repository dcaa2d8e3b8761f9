/** Declarations as an experiment file gives them, which nobody has type-checked. */
import { anObject, checkValue, describeValue, LockstepError } from '@lockstep/errors';
import type { Declarations, Param } from './declaration.ts';

const types = ['number', 'integer', 'boolean', 'text', 'choice'] as const satisfies readonly Param['type'][];

/** Names stand in front of a `=` on the command line. */
const aName = /^[A-Za-z_][A-Za-z0-9_]*$/;

/** @throws LockstepError `config` for a name that no command line could set, and for what `param` did not make. */
export function checkDeclarations(declared: unknown): asserts declared is Declarations {
  checkValue('defineExperiment', 'params', declared, anObject, { code: 'config' });
  for (const [name, value] of Object.entries(declared as object)) {
    if (!aName.test(name)) {
      throw new LockstepError(
        'config',
        `defineExperiment: '${name}' cannot be a parameter's name; use letters, digits and _, beginning with a letter`,
        { name },
      );
    }
    if (!isDeclaration(value)) {
      throw new LockstepError(
        'config',
        `defineExperiment: params.${name} must be made by param, such as ${exampleFor(value)}, not ${describeValue(value)}`,
        { name },
      );
    }
  }
}

function isDeclaration(value: unknown): value is Param {
  const { type } = (value ?? {}) as { readonly type?: unknown };
  return types.some((known) => known === type) && 'default' in (value as object);
}

/** What somebody who wrote the plain value most likely wants. */
function exampleFor(value: unknown): string {
  switch (typeof value) {
    case 'number':
      return Number.isInteger(value) ? `param.integer(${value})` : `param.number(${value})`;
    case 'boolean':
      return `param.boolean(${value})`;
    case 'string':
      return `param.text('${value}')`;
    default:
      return 'param.number(0.1)';
  }
}
