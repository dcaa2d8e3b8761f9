/** Bayesian optimisation with a Gaussian process. */
import { checkOptions, type Rules, whole } from '@lockstep/errors';
import { foldIn } from '@lockstep/rng';
import { trialKey } from '../../random.ts';
import type { Assignment } from '../../space/assignment.ts';
import { lossesOf, ranked } from '../../study/rank.ts';
import type { RecordedTrial } from '../../study/trial.ts';
import { latinAssignment } from '../latin-hypercube.ts';
import { requireOneObjective } from '../requirements.ts';
import { type Problem, randomAssignment, type Search } from '../search.ts';
import { type Encoding, encodingOf } from './encoding.ts';
import { fitted } from './fit.ts';
import { bestCandidate } from './proposal.ts';
import { type Observations, type Posterior, posteriorOf, predict } from './regression.ts';

export interface GaussianProcessOptions {
  /** The model begins once so many trials are recorded; those before are a Latin hypercube. Default: 10. */
  readonly startup?: number;
  /**
   * The most trials that the process sees, because its time grows with their cube: half of them the best ones, the others the last
   * ones. Default: 200.
   */
  readonly maxTrials?: number;
}

const rules: Rules<GaussianProcessOptions> = { startup: whole(2), maxTrials: whole(10) };

/** How many of the best trials candidates are drawn around. */
const numCentres = 3;

/**
 * Models the objective by a Gaussian process and tries where the expected improvement is largest. It suits few trials of up to about
 * twenty parameters. A trial counts with the mean that the process expects of it until its generation is recorded. Trials that
 * failed count with the worst value.
 */
export function gaussianProcess(options: GaussianProcessOptions = {}): Search {
  checkOptions('gaussianProcess', options, rules);
  const { startup = 10, maxTrials = 200 } = options;
  return {
    name: 'gaussianProcess',
    options: { startup, maxTrials },
    isAdaptive: true,
    over: (problem) => {
      requireOneObjective('gaussianProcess', problem);
      const encoding = encodingOf(problem.dimensions);
      return (history, numbers) => {
        const isModelled = history.length >= startup && encoding.axes.length > 0;
        if (!isModelled) return numbers.map((trial) => latinAssignment(problem, startup, trial));
        return proposeAll(problem, encoding, selected(problem, history, maxTrials), numbers);
      };
    },
  };
}

/** The trials that the process sees, in the order of their numbers. */
function selected(
  { objectives }: Problem,
  history: readonly RecordedTrial[],
  maxTrials: number,
): readonly RecordedTrial[] {
  if (history.length <= maxTrials) return history;
  const best = new Set(ranked(objectives[0]!, history).slice(0, Math.floor(maxTrials / 2)));
  const others = history.filter((trial) => !best.has(trial)).slice(-(maxTrials - best.size));
  return history.filter((trial) => best.has(trial) || others.includes(trial));
}

function proposeAll(
  problem: Problem,
  encoding: Encoding,
  history: readonly RecordedTrial[],
  numbers: readonly number[],
): readonly Assignment[] {
  let posterior = fitted(observationsOf(problem, encoding, history));
  const best = leastMean(posterior);
  const centres = ranked(problem.objectives[0]!, history)
    .slice(0, numCentres)
    .map(({ params }) => params);
  const accepts = (assignment: Assignment): boolean => problem.refusal(assignment) === undefined;
  return numbers.map((trial) => {
    const key = foldIn(trialKey(problem.seed, trial), 'gaussianProcess');
    const candidate = bestCandidate(posterior, { encoding, best, centres, accepts, key });
    const assignment = candidate?.assignment ?? randomAssignment(problem, trial);
    posterior = withExpected(posterior, encoding.encode(assignment));
    return assignment;
  });
}

function observationsOf(
  { objectives }: Problem,
  { encode, isOptions, axes }: Encoding,
  history: readonly RecordedTrial[],
): Observations {
  const inputs = new Float64Array(history.length * axes.length);
  for (const [i, { params }] of history.entries()) inputs.set(encode(params), i * axes.length);
  const losses = history.map(({ result }) => lossesOf(objectives, result)[0]!);
  return { inputs, targets: standardized(losses), isOptions };
}

/** Losses with mean 0 and variance 1; those that are not finite count as the worst one. */
function standardized(losses: readonly number[]): Float64Array {
  const finite = losses.filter(Number.isFinite);
  const worst = finite.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);
  const best = finite.reduce((a, b) => Math.min(a, b), Number.POSITIVE_INFINITY);
  const values = losses.map((loss) => {
    if (finite.length === 0) return 0;
    return Number.isFinite(loss) ? loss : loss === Number.NEGATIVE_INFINITY ? best : worst;
  });
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const variance = values.reduce((sum, value) => sum + (value - mean) * (value - mean), 0) / values.length;
  const deviation = variance > 0 ? Math.sqrt(variance) : 1;
  return Float64Array.from(values, (value) => (value - mean) / deviation);
}

/** The least mean of the process at a trial, which noise does not lower. */
function leastMean(posterior: Posterior): number {
  const d = posterior.isOptions.length;
  let least = Number.POSITIVE_INFINITY;
  for (let at = 0; at < posterior.inputs.length; at += d) {
    least = Math.min(least, predict(posterior, posterior.inputs.subarray(at, at + d)).mean);
  }
  return least;
}

/** The process as if the function's value at an input were the expected one (Ginsbourger et al., 2010). */
function withExpected(posterior: Posterior, input: Float64Array): Posterior {
  const { inputs, targets, isOptions } = posterior;
  const { mean } = predict(posterior, input);
  const more = {
    inputs: Float64Array.from([...inputs, ...input]),
    targets: Float64Array.from([...targets, mean]),
    isOptions,
  };
  return posteriorOf(more, posterior) ?? posterior;
}
