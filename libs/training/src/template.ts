/** Experiments whose parameters are set when a run begins. */
import { LockstepError } from '@lockstep/errors';
import { checkDeclarations, type Declarations, type ParamValues, resolveParams } from '@lockstep/params';
import type { Experiment } from './experiment.ts';

const marker = Symbol.for('lockstep.template');

/** The default export of an experiment file that declares parameters. */
export interface ExperimentTemplate<Declared extends Declarations = Declarations> {
  readonly params: Declared;
}

interface Template extends ExperimentTemplate {
  readonly [marker]: (values: ParamValues) => Experiment;
}

/** @param check turns the result of `define` into an experiment */
export function defineTemplate(
  given: unknown,
  define: unknown,
  check: (made: unknown) => Experiment,
): ExperimentTemplate {
  const { params, ...others } = Object(given) as Readonly<Record<string, unknown>>;
  const other = Object.keys(others)[0];
  if (other !== undefined || typeof define !== 'function') {
    throw new LockstepError(
      'config',
      `defineExperiment: ${other === undefined ? 'its second argument is no function' : `'${other}' stands beside params`}; give the declared parameters first and all else by a function of their values: defineExperiment({ params: { rate: param.number(1e-3) } }, ({ rate }) => ({ … }))`,
      { other },
    );
  }
  checkDeclarations(params);
  const template: Template = { params, [marker]: (values) => check(define(values)) };
  return template;
}

export function isTemplate(value: unknown): value is ExperimentTemplate {
  return typeof value === 'object' && value !== null && marker in value;
}

export interface ResolvedExperiment {
  readonly experiment: Experiment;
  /** The value of every declared parameter; undefined where the experiment declares none. */
  readonly params?: ParamValues;
}

/**
 * The experiment of a file's default export, with the given values of parameters and the defaults of the others.
 *
 * @throws LockstepError `config` for a parameter that is not declared, or whose value its declaration does not allow; and what the
 * experiment's own function throws.
 */
export function resolveExperiment(
  exported: Experiment | ExperimentTemplate,
  given: Readonly<Record<string, unknown>> = {},
): ResolvedExperiment {
  if (isTemplate(exported)) {
    const params = resolveParams(exported.params, given);
    return { experiment: (exported as Template)[marker](params), params };
  }
  resolveParams({}, given);
  return { experiment: exported };
}
