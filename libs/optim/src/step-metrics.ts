/** Metrics that links report: scalars that the trainer adds to the metrics of each step. */
import { Tensor } from '@lockstep/autodiff';
import { anything, LockstepError, signature } from '@lockstep/errors';
import { partsWith } from './search.ts';

/** The entry `stepMetrics` of a link's state: scalars by name. [] */
export type StepMetrics = Readonly<Record<string, Tensor>>;

const checkStepMetricsOf = signature('stepMetricsOf', { optState: anything });

/**
 * The metrics that the links of a chain report: the scalars in all entries `stepMetrics` of their states, at any
 * depth, by name in alphabetical order. The trainer reports them with loss and gradientNorm. Throws `argument` for a
 * value that is not a scalar and for a name that occurs twice.
 */
export function stepMetricsOf(optState: unknown): Record<string, Tensor> {
  checkStepMetricsOf(optState);
  const all = partsWith(optState, 'stepMetrics').flatMap(({ stepMetrics }) =>
    Object.entries(stepMetrics as StepMetrics),
  );
  const names = all.map(([name]) => name);
  const twice = names.find((name, i) => names.indexOf(name) !== i);
  if (twice !== undefined) {
    throw new LockstepError(
      'argument',
      `stepMetrics: two links report '${twice}'; give one of them another, as in monitorNoiseScale({ name })`,
      { name: twice },
    );
  }
  for (const [name, value] of all) requireScalar(name, value);
  return Object.fromEntries(all.sort(([a], [b]) => (a < b ? -1 : 1)));
}

function requireScalar(name: string, value: unknown): void {
  if (value instanceof Tensor && value.rank === 0) return;
  const found = value instanceof Tensor ? `a tensor of shape [${value.shape}]` : `a ${typeof value}`;
  throw new LockstepError(
    'argument',
    `stepMetrics: '${name}' is ${found}; a metric is a tensor with one number: reduce it, or keep it elsewhere in the state`,
    { name },
  );
}
