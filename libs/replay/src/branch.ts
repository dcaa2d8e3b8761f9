/** Plans a branch: a run that goes on from a state of another run with other settings, as if they had changed at that step. */
import type { Dataset } from '@lockstep/data';
import { LockstepError } from '@lockstep/errors';
import { importChanged, placedIn } from '@lockstep/inference';
import { createSchedule, type RunConfig, replicaVariables, type Variable } from '@lockstep/run';
import { canonicalJson } from '@lockstep/tracking';
import { compilePrograms, type Experiment, type RunOverrides, resolveConfig } from '@lockstep/training';
import type { RecordedRun } from './recorded-run.ts';

/** What a branch sets. Everything else stays as the parent has it. */
export interface BranchSettings extends Omit<RunOverrides, 'params' | 'limitSamples'> {
  /** Values of declared parameters, such as `rate=0.1`. */
  readonly assignments?: readonly string[];
}

/** A branch that is possible. */
export interface PlannedBranch {
  readonly parent: RecordedRun;
  /** The step of the parent's state. */
  readonly step: number;
  readonly name: string;
  readonly config: RunConfig;
  readonly experiment: Experiment;
  readonly dataset: Dataset;
}

/**
 * Plans a branch that begins after `step`. Throws `config` where no setting differs, where arrays of the state have other shapes, and
 * where the branch would have no step; also for a change of the steps in an epoch that does not begin at the end of one.
 */
export async function planBranch(
  parent: RecordedRun,
  step: number,
  settings: BranchSettings,
): Promise<PlannedBranch> {
  const { assignments = [] } = settings;
  const { experiment, params } =
    assignments.length === 0
      ? { experiment: parent.experiment, params: parent.config.params }
      : await importChanged(parent, assignments);
  const { limitSamples } = parent.config;
  const dataset =
    experiment === parent.experiment
      ? parent.dataset
      : await experiment.data.load({ limitSamples: limitSamples ?? undefined });
  const before = parent.stage(step + 1).config;
  const changed = { ...configOf(parent, experiment, before, settings), ...(params && { params }) };
  requireChange(parent, before, changed);
  const config = withEpochs(parent, step, before, changed, dataset);
  const { totalSteps } = createSchedule(config, dataset.splits.train.size, false);
  if (totalSteps <= step) throw tooShort(step, totalSteps);
  const differing = differingArray(parent, step, { experiment, dataset, config });
  if (differing !== undefined)
    throw misshapen(step, await blamed(parent, step, config, assignments), differing);
  return { parent, step, name: experiment.name ?? parent.name, config, experiment, dataset };
}

/**
 * The parent's settings with those that are given. A setting that the parent has from its experiment follows the experiment, whose
 * parameters may have changed.
 */
function configOf(
  parent: RecordedRun,
  experiment: Experiment,
  before: RunConfig,
  settings: BranchSettings,
): RunConfig {
  const { until: _until, ...inherited } = before;
  const asked = resolveConfig(experiment, settings);
  const was = resolveConfig(parent.experiment);
  const isSet = (value: unknown): boolean => value !== undefined;
  const follows = (...names: (keyof RunConfig)[]): boolean =>
    names.every((name) => before[name] === was[name]);
  const taken = <Name extends keyof RunConfig>(isTaken: boolean, ...names: Name[]): Partial<RunConfig> =>
    isTaken ? Object.fromEntries(names.map((name) => [name, asked[name]])) : {};
  const { seed, batchSize, shards, epochs, steps, fingerprintEvery, checkpointEvery } = settings;
  return {
    ...inherited,
    ...taken(isSet(seed) || follows('seed'), 'seed'),
    ...taken(isSet(batchSize) || follows('batchSize'), 'batchSize'),
    ...taken(isSet(shards) || follows('numShards'), 'numShards'),
    ...taken(isSet(epochs) || isSet(steps) || follows('epochs', 'steps'), 'epochs', 'steps'),
    ...taken(isSet(fingerprintEvery), 'fingerprintEvery'),
    ...taken(isSet(checkpointEvery), 'checkpointEvery'),
    ...taken(follows('onNonFinite'), 'onNonFinite'),
  };
}

function requireChange({ folder }: RecordedRun, before: RunConfig, after: RunConfig): void {
  const { until: _until, ...inherited } = before;
  if (canonicalJson(inherited) !== canonicalJson(after)) return;
  throw new LockstepError(
    'config',
    `the branch has the settings of ${folder}; change one, such as --set NAME=VALUE, --batch-size or --seed. To compute the same steps again, use lockstep replay`,
    { folder },
  );
}

/** The settings, with the step from which epochs are counted if the number of steps in an epoch changes. */
function withEpochs(
  parent: RecordedRun,
  step: number,
  before: RunConfig,
  changed: RunConfig,
  dataset: Dataset,
): RunConfig {
  const { train } = parent.dataset.splits;
  const isSame = changed.batchSize === before.batchSize && dataset.splits.train.size === train.size;
  if (isSame) return changed;
  const { epochsAfter, stepsPerEpoch } = parent.schedule(parent.stage(step + 1));
  const epoch = epochsAfter(step);
  if (Number.isInteger(epoch)) return { ...changed, epochsFrom: { step, epoch } };
  const begun = Math.floor(epoch);
  const start = Math.round(step - (epoch - begun) * stepsPerEpoch);
  throw new LockstepError(
    'config',
    `a branch that changes the number of steps in an epoch begins at the end of an epoch, and step ${step} is in the middle of one: take step ${start} or ${start + stepsPerEpoch}`,
    { step, start, stepsPerEpoch },
  );
}

function tooShort(step: number, totalSteps: number): LockstepError {
  return new LockstepError(
    'config',
    `the branch would have ${totalSteps} steps in all and begins after step ${step}, so it has nothing to do; make it longer with --epochs or --steps`,
    { step, totalSteps },
  );
}

/** An array of the state that has another form, or is on one side only. */
interface DifferingArray {
  readonly name: string;
  readonly before: Variable | undefined;
  readonly after: Variable | undefined;
}

type Settled = Pick<PlannedBranch, 'experiment' | 'dataset' | 'config'>;

function differingArray(
  parent: RecordedRun,
  step: number,
  { experiment, dataset, config }: Settled,
): DifferingArray | undefined {
  const { totalSteps } = createSchedule(config, dataset.splits.train.size, false);
  const after = placedIn(parent, experiment, () => compilePrograms(experiment, dataset, config, totalSteps));
  const [had, has] = [parent.programs(parent.stage(step + 1)), after].map(
    (programs) => new Map(replicaVariables(programs).map((variable) => [variable.name, variable])),
  );
  const names = new Set([...had!.keys(), ...has!.keys()]);
  const pairs = [...names].map((name) => ({ name, before: had!.get(name), after: has!.get(name) }));
  return pairs.find((pair) => formOf(pair.before) !== formOf(pair.after));
}

const formOf = (variable: Variable | undefined): string =>
  variable === undefined ? 'no such array' : `${variable.dtype}[${variable.shape.join(', ')}]`;

/** The assignments that change arrays each by itself; all of them if none does. */
async function blamed(
  parent: RecordedRun,
  step: number,
  config: RunConfig,
  assignments: readonly string[],
): Promise<readonly string[]> {
  const alone: string[] = [];
  for (const assignment of assignments.length > 1 ? assignments : []) {
    const { experiment } = await importChanged(parent, [assignment]);
    const dataset = await experiment.data.load({ limitSamples: config.limitSamples ?? undefined });
    if (differingArray(parent, step, { experiment, dataset, config }) !== undefined) alone.push(assignment);
  }
  return alone.length > 0 ? alone : assignments;
}

function misshapen(
  step: number,
  assignments: readonly string[],
  { name, before, after }: DifferingArray,
): LockstepError {
  const sets = assignments.map((one) => `--set ${one}`).join(' and ');
  const change = assignments.length === 1 ? 'changes' : 'change';
  return new LockstepError(
    'config',
    `${sets} ${change} the arrays of the state, and that of step ${step} does not fit: ${name} is ${formOf(before)} there and would be ${formOf(after)}; begin a new run with lockstep train`,
    { step, assignments, name, before: formOf(before), after: formOf(after) },
  );
}
