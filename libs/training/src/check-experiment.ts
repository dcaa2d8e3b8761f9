/** Checks the fields of an experiment: experiment files run without the type checker. */
import {
  aNumber,
  aString,
  checkOptions,
  LockstepError,
  nearNames,
  numberFrom,
  oneOf,
  type Rules,
  required,
} from '@lockstep/errors';
import type { EarlyStopping } from '@lockstep/run';
import type { CommonOptions, FunctionExperiment, ModelExperiment } from './experiment.ts';

type Field = keyof ModelExperiment | keyof FunctionExperiment<unknown>;

interface Rule {
  readonly needed?: true;
  readonly fits: (value: unknown) => boolean;
  readonly what: string;
  /** The options of a field that is an object. */
  readonly rules?: Rules;
}

const isFunction = (value: unknown): boolean => typeof value === 'function';
const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const has =
  (...methods: readonly string[]) =>
  (value: unknown): boolean =>
    isRecord(value) && methods.every((method) => isFunction(value[method]));
const isWhole = (value: unknown, least: number): boolean =>
  Number.isSafeInteger(value) && (value as number) >= least;

/** The ranges of these numbers are checked later, together with the values of the command line. */
const batchRules: Rules<CommonOptions['batch']> = { size: required(aNumber), shards: aNumber };

const stoppingRules: Rules<EarlyStopping> = {
  metric: required(aString),
  patience: required(aNumber),
  minDelta: numberFrom(0),
  mode: oneOf('min', 'max'),
};

const count: Rule = { fits: (value) => isWhole(value, 1), what: 'a whole number of at least 1' };

const rules: Readonly<Record<Field, Rule>> = {
  name: { fits: (value) => typeof value === 'string', what: 'a string' },
  batch: {
    needed: true,
    fits: isRecord,
    what: 'an object such as { size: 64 }',
    rules: batchRules,
  },
  data: { needed: true, fits: has('load'), what: "a data source such as mnist() or csv('points.csv', …)" },
  model: { fits: has('init', 'apply'), what: 'a layer such as sequential(dense(16), relu, dense(1))' },
  init: { fits: isFunction, what: 'a function (key) => params' },
  loss: {
    needed: true,
    fits: isFunction,
    what: 'a function that gives one value a sample, such as softmaxCrossEntropy()',
  },
  optimizer: { needed: true, fits: has('init', 'update'), what: 'an optimizer such as adam(1e-3)' },
  penalty: { fits: isFunction, what: 'a function (params) => scalar, such as l2(1e-4)' },
  metrics: {
    fits: (value) => isRecord(value) && Object.values(value).every(isFunction),
    what: 'an object of functions that give one value a sample, such as { accuracy }',
  },
  predict: { fits: isFunction, what: 'a function (params, { x }) => outputs' },
  epochs: count,
  steps: count,
  seed: { fits: (value) => isWhole(value, 0), what: 'a whole number of at least 0' },
  earlyStopping: {
    fits: isRecord,
    what: "an object such as { metric: 'validation/loss', patience: 2 }",
    rules: stoppingRules,
  },
  evaluateWith: {
    fits: (value) => value === 'params' || value === 'average',
    what: "'params' or 'average'",
  },
  onNonFinite: {
    fits: (value) => value === 'stop' || value === 'warn',
    what: "'stop' or 'warn'",
  },
};

/** Throws `config` for fields that are missing, unknown or of a kind that no run can use. */
export function checkExperiment(experiment: unknown): void {
  if (!isRecord(experiment)) throw wrong('its argument', 'an object of data, model, loss, …', experiment);
  const fields = Object.keys(experiment);
  for (const field of fields) {
    if (!(field in rules)) throw unknownField(field);
  }
  for (const [field, { needed, fits, what, rules: inner }] of Object.entries(rules)) {
    const value = experiment[field];
    if (value === undefined ? needed : !fits(value)) throw wrong(field, what, value);
    if (inner !== undefined && value !== undefined) {
      checkOptions(`defineExperiment: ${field}`, value, inner, { code: 'config' });
    }
  }
  if ('model' in experiment === 'init' in experiment) {
    throw new LockstepError(
      'experiment',
      `defineExperiment: needs a model (layers) or an init function that makes the parameters${'model' in experiment ? ', not both' : ''}`,
      { given: fields },
    );
  }
  checkWatched(experiment);
}

/** Early stopping on a metric that no evaluation reports would never stop a run. */
function checkWatched({ earlyStopping, metrics = {} }: Readonly<Record<string, unknown>>): void {
  if (earlyStopping === undefined) return;
  const { metric } = earlyStopping as { metric?: unknown };
  const watchable = ['loss', ...Object.keys(metrics as object)].map((name) => `validation/${name}`);
  if (watchable.some((name) => name === metric)) return;
  throw new LockstepError(
    'config',
    `defineExperiment: earlyStopping watches ${String(metric)}; evaluations give ${watchable.join(', ')}`,
    { metric, watchable },
  );
}

function unknownField(field: string): LockstepError {
  const known = Object.keys(rules).sort();
  const [near] = nearNames(field, known, 1);
  const suggestion = near === undefined ? '' : `did you mean '${near}'? `;
  return new LockstepError(
    'config',
    `defineExperiment: unknown field '${field}'; ${suggestion}fields are ${known.join(', ')}`,
    { field, near },
  );
}

function wrong(field: string, what: string, value: unknown): LockstepError {
  const came =
    value === undefined
      ? 'and is missing'
      : isFunction(value)
        ? 'not a function; is a call missing, as in f()?'
        : `not ${Array.isArray(value) ? 'a list' : isRecord(value) ? `an object of ${Object.keys(value).join(', ') || 'nothing'}` : String(value)}`;
  return new LockstepError('config', `defineExperiment: ${field} must be ${what}, ${came}`, { field });
}
