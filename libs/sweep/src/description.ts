/** What decides the table of a sweep, as plain JSON that its folder keeps, and what differs in a file that was changed since. */
import { LockstepError } from '@lockstep/errors';
import {
  describeDifference,
  describeSpace,
  type Objective,
  type SpaceDescription,
  spaceDifference,
} from '@lockstep/search';
import type { CostLimits, Sweep } from './definition.ts';
import type { StoppingRule } from './stopping.ts';

/** The order of names and comments in a sweep file do not change it. */
export interface SweepDescription {
  readonly space: SpaceDescription;
  readonly search: { readonly name: string; readonly options: Readonly<Record<string, unknown>> };
  /** The first one. */
  readonly objective: Objective;
  /** Those after the first one. */
  readonly others: readonly Objective[] | null;
  readonly stopping: StoppingRule | null;
  readonly limits: CostLimits | null;
  readonly trials: number;
  readonly repeats: number;
  readonly generation: number;
  readonly seed: number;
  readonly steps: number | null;
  readonly epochs: number | null;
  readonly limitSamples: number | null;
}

/** The canonical form of a sweep. Where the experiment's file lies and the profile are recorded beside it. */
export function describeSweep(sweep: Sweep): SweepDescription {
  const { space, constraints, search, objectives, trials, repeats, generation, seed } = sweep;
  const { steps = null, epochs = null, limitSamples = null, stopping = null, limits } = sweep;
  const [objective, ...others] = objectives.map(plain);
  return {
    space: describeSpace(space, constraints),
    search: { name: search.name, options: search.options },
    ...{ objective: objective!, others: others.length > 0 ? others : null, stopping },
    limits: limits === undefined ? null : plainLimits(limits),
    ...{ trials, repeats, generation, seed, steps, epochs, limitSamples },
  };
}

const plain = ({ metric, direction, over }: Objective): Objective => ({ metric, direction, over });

/** With the same order of names in every sweep. */
const plainLimits = ({ parameters, flops }: CostLimits): CostLimits => ({
  ...(parameters !== undefined && { parameters }),
  ...(flops !== undefined && { flops }),
});

/**
 * Lets a sweep go on with its file as it is now.
 *
 * @throws LockstepError `config` that names what differs from what the sweep began with
 */
export function requireSameSweep(began: SweepDescription, now: SweepDescription): void {
  const inSpace = spaceDifference(began.space, now.space);
  const names = (Object.keys(now) as (keyof SweepDescription)[]).filter((name) => name !== 'space');
  const others = names
    .map((name) => ({ name, from: JSON.stringify(began[name] ?? null), to: JSON.stringify(now[name]) }))
    .filter(({ from, to }) => from !== to)
    .map(({ name, from, to }) => `${name} was ${from} and is ${to}`);
  const differences = [...(inSpace === undefined ? [] : [describeDifference(inSpace)]), ...others];
  if (differences.length === 0) return;
  throw new LockstepError(
    'config',
    `the sweep file was changed since the sweep began: ${differences.join('; ')}; undo that to go on, or begin another sweep`,
    { differences },
  );
}
