/** Where the expected improvement is largest. */
import { foldIn, type Key } from '@lockstep/rng';
import { normalQuantile } from '../../normal.ts';
import { uniforms } from '../../random.ts';
import type { Assignment } from '../../space/assignment.ts';
import { logExpectedImprovement } from './acquisition.ts';
import { minimizeInBox } from './box.ts';
import type { Encoding } from './encoding.ts';
import { type Posterior, predict } from './regression.ts';

/** Candidates from the whole space, and around each of the best trials. */
const numSpread = 256;
const numNear = 32;
/** How many of the best candidates are improved along the slope. */
const numImproved = 6;
const maxIterations = 30;

export interface Candidate {
  readonly assignment: Assignment;
  readonly input: Float64Array;
  /** The logarithm of the expected improvement. */
  readonly score: number;
}

export interface ProposalOptions {
  readonly encoding: Encoding;
  /** The least value that is known of the function. */
  readonly best: number;
  /** The best trials, near which candidates are drawn. */
  readonly centres: readonly Assignment[];
  readonly accepts: (assignment: Assignment) => boolean;
  readonly key: Key;
}

/** The best candidate that constraints accept; undefined if they refuse all. */
export function bestCandidate(posterior: Posterior, options: ProposalOptions): Candidate | undefined {
  const candidates = drawn(options)
    .map((input) => candidateAt(posterior, options, input))
    .filter((candidate) => candidate !== undefined);
  // Array.sort keeps the order of equal scores.
  const order = candidates.sort((a, b) => b.score - a.score);
  const improved = order.slice(0, numImproved).map((candidate) => improve(posterior, options, candidate));
  return [...improved, ...order.slice(0, 1)].reduce<Candidate | undefined>(
    (best, candidate) => (best === undefined || candidate.score > best.score ? candidate : best),
    undefined,
  );
}

/** The candidate at the assignment nearest to an input, unless constraints refuse it. */
function candidateAt(
  posterior: Posterior,
  { encoding, best, accepts }: ProposalOptions,
  near: Float64Array,
): Candidate | undefined {
  const assignment = encoding.decode(near);
  if (!accepts(assignment)) return undefined;
  const input = encoding.encode(assignment);
  return { assignment, input, score: logExpectedImprovement(predict(posterior, input), best).value };
}

/** Inputs that are evenly likely, and inputs near the best trials at distances from 1/4 to 1/1000 of the ranges. */
function drawn({ encoding, centres, key }: ProposalOptions): readonly Float64Array[] {
  const { axes } = encoding;
  const count = numSpread + numNear * centres.length;
  const numbers = axes.map(({ dimension }) => uniforms(foldIn(key, dimension.id), 2 * count));
  const spread = Array.from({ length: numSpread }, (_, i) =>
    Float64Array.from(axes, (one, k) => evenly(one, numbers[k]![i]!)),
  );
  const near = centres.flatMap((centre, c) => {
    const input = encoding.encode(centre);
    return Array.from({ length: numNear }, (_, i) => {
      const at = numSpread + c * numNear + i;
      const distance = 0.25 / (1 << (i % 8));
      return Float64Array.from(axes, (one, k) => {
        const [u, v] = [numbers[k]![at]!, numbers[k]![count + at]!];
        if (one.axis.kind === 'options') return v < 0.2 ? evenly(one, u) : input[k]!;
        const moved = input[k]! + distance * normalQuantile(u + 2 ** -54);
        return Math.max(0, Math.min(1, moved));
      });
    });
  });
  return [...spread, ...near];
}

const evenly = ({ axis }: Encoding['axes'][number], u: number): number =>
  axis.kind === 'options' ? Math.floor(u * axis.options.length) : u;

/** Moves numbers along the slope, and then options one by one. The candidate stays where a constraint refuses the better place. */
function improve(posterior: Posterior, options: ProposalOptions, candidate: Candidate): Candidate {
  const { encoding, best } = options;
  const isFixed = encoding.isOptions;
  const box = {
    lower: candidate.input.map((x, k) => (isFixed[k] ? x : 0)),
    upper: candidate.input.map((x, k) => (isFixed[k] ? x : 1)),
    maxIterations,
  };
  const { point } = minimizeInBox(
    (input) => {
      const { value, gradient } = logExpectedImprovement(predict(posterior, input), best);
      return { value: -value, gradient: gradient.map((slope) => -slope) };
    },
    candidate.input,
    box,
  );
  let found = better(candidate, candidateAt(posterior, options, point));
  for (const [k, { axis }] of encoding.axes.entries()) {
    if (axis.kind !== 'options') continue;
    for (let option = 0; option < axis.options.length; option++) {
      const other = found.input.map((x, i) => (i === k ? option : x));
      found = better(found, candidateAt(posterior, options, other));
    }
  }
  return found;
}

const better = (a: Candidate, b: Candidate | undefined): Candidate =>
  b !== undefined && b.score > a.score ? b : a;
