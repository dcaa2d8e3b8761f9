/** What a page knows of sweeps. */
import type { Value } from '../values.ts';

/**
 * `waiting`: begun, and nobody trains it now. `pruned`: stopped early, where others were better. `failed`: it failed by itself.
 * `setAside`: it lost its workers again and again.
 */
export const trialStatuses = [
  'waiting',
  'running',
  'finished',
  'pruned',
  'failed',
  'cancelled',
  'setAside',
] as const;

export type TrialStatus = (typeof trialStatuses)[number];

/** `interrupted`: no process trains the sweep, and `lockstep sweep --resume` goes on with it. */
export type SweepStatus = 'running' | 'finished' | 'interrupted';

export interface ObjectiveView {
  readonly metric: string;
  readonly direction: 'minimize' | 'maximize';
}

/** A choice under which a parameter exists. */
export interface ChoiceMade {
  readonly name: string;
  readonly branch: string;
}

/** A parameter of the space. The same name may stand in several branches, so `id` has the choices above it: `head=mlp/width`. */
export type ParamAxis = {
  readonly id: string;
  readonly name: string;
  readonly conditions: readonly ChoiceMade[];
} & (
  | { readonly kind: 'number'; readonly lo: number; readonly hi: number; readonly log: boolean }
  | { readonly kind: 'options'; readonly options: readonly Value[] }
);

/** A value at the end of a rung, the mean over repeats. */
export interface RungPoint {
  readonly step: number;
  readonly value: number;
}

/** A repeat of a trial. */
export interface TrialRun {
  readonly seed: number;
  /** The page's name of its run; absent where it has no folder. */
  readonly run?: string;
  /** By objective; absent while it is trained, and where it failed. */
  readonly values?: readonly number[];
  /** Why it failed. */
  readonly reason?: string;
}

export interface TrialView {
  /** Counts from 0 in the order of proposals. */
  readonly number: number;
  /** The trials that were proposed from the same results. */
  readonly generation: number;
  readonly params: Readonly<Record<string, Value>>;
  readonly status: TrialStatus;
  /** Means over repeats, one for each objective; empty where there is none. */
  readonly values: readonly number[];
  /** The sample standard deviation of the first value over repeats, where there are several. */
  readonly spread?: number;
  /** Updates of the repeat that made most. */
  readonly steps: number;
  /** Why it failed. */
  readonly reason?: string;
  readonly repeats: readonly TrialRun[];
  /** In ascending order of steps; empty without rungs. */
  readonly rungs: readonly RungPoint[];
}

/** What does not change while a sweep goes on. */
export interface SweepFacts {
  /** The name of its folder. */
  readonly id: string;
  readonly name: string;
  readonly created?: string;
  readonly profile?: string;
  /** The search and what it was told: `tpe startup=8`. */
  readonly search: string;
  /** The rule that stops trials early: `hyperband min=100 max=2700 eta=3`. */
  readonly stopping?: string;
  readonly objectives: readonly ObjectiveView[];
  readonly axes: readonly ParamAxis[];
  readonly repeats: number;
  readonly generation: number;
  readonly seed: number;
  /** The command line that computes the same table. */
  readonly command: string;
}

/** The share of a parameter in deciding whether a trial is among the best. */
export interface ImportanceView {
  readonly id: string;
  readonly importance: number;
}

/** What changes with every trial. */
export interface SweepProgress {
  readonly status: SweepStatus;
  /** The number of trials that the sweep will have at most. */
  readonly numTrials: number;
  /** The finished trial with the best value of the first objective. */
  readonly best?: number;
  /** Trials that no other one beats by every objective; empty for a single objective. */
  readonly front: readonly number[];
  /** The greatest first; empty for fewer than two finished trials. */
  readonly importances: readonly ImportanceView[];
  /** SHA-256 of the table, once it is complete. */
  readonly tableSha256?: string;
  readonly warnings: readonly string[];
}

export interface SweepView {
  readonly facts: SweepFacts;
  readonly progress: SweepProgress;
  /** In the order of their numbers. */
  readonly trials: readonly TrialView[];
}

/** Changes of a sweep. */
export interface SweepDelta {
  /** The index in `PageData`. */
  readonly sweep: number;
  readonly progress: SweepProgress;
  /** Trials that are new or that changed. */
  readonly trials: readonly TrialView[];
}

/** The trials of a sweep after a change, in the order of their numbers. */
export function withTrials(
  trials: readonly TrialView[],
  changed: readonly TrialView[],
): readonly TrialView[] {
  const byNumber = new Map([...trials, ...changed].map((trial) => [trial.number, trial]));
  return [...byNumber.values()].sort((a, b) => a.number - b.number);
}

/** The value of a parameter in a trial; undefined where the parameter does not exist under the trial's choices. */
export function paramOf(
  { name, conditions }: Pick<ParamAxis, 'name' | 'conditions'>,
  { params }: Pick<TrialView, 'params'>,
): Value | undefined {
  const exists = conditions.every(({ name: choice, branch }) => params[choice] === branch);
  return exists && Object.hasOwn(params, name) ? params[name] : undefined;
}
