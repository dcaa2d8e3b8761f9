/** What a page shows of a sweep, from what was read of its folder. */
import { basename } from 'node:path';
import { LockstepError } from '@lockstep/errors';
import {
  type Dimension,
  dimensionsOf,
  importances,
  paretoFront,
  type RecordedTrial,
  type Space,
  spaceOf,
} from '@lockstep/search';
import type { RepeatRecord, StoppingRule, SweepRecord, TrialRecord } from '@lockstep/sweep';
import type {
  ParamAxis,
  SweepFacts,
  SweepProgress,
  SweepView,
  TrialRun,
  TrialView,
  Value,
} from '@lockstep/view';
import { commandText, sharedPath } from './texts.ts';

/** The page's name of a run of a sweep; folders of runs have the same names in all sweeps. */
export const nameOfRun = (sweep: string, run: string): string => `${basename(sweep)}/${basename(run)}`;

export const viewOf = (record: SweepRecord): SweepView => ({
  facts: factsOf(record),
  progress: progressOf(record),
  trials: record.trials.map((trial) => trialOf(record.folder, trial)),
});

function factsOf({ folder, manifest, objectives }: SweepRecord): SweepFacts {
  const { name, file, profile, createdAt, sweep } = manifest;
  return {
    ...{ id: basename(folder), name, profile, created: createdAt },
    search: callText(sweep.search.name, sweep.search.options),
    ...(sweep.stopping && { stopping: stoppingText(sweep.stopping) }),
    objectives: objectives.map(({ metric, direction }) => ({ metric, direction })),
    axes: dimensionsOf(spaceOf(sweep.space)).map(axisOf),
    ...{ repeats: sweep.repeats, generation: sweep.generation, seed: sweep.seed },
    command: commandText(['sweep', sharedPath(file)]),
  };
}

/** `tpe startup=8`. */
const callText = (name: string, options: Readonly<Record<string, unknown>> = {}): string =>
  [name, ...Object.entries(options).map(([option, value]) => `${option}=${JSON.stringify(value)}`)].join(' ');

/** `hyperband min=100 max=2700 eta=3`; the brackets follow from these numbers. */
function stoppingText({ name, ...options }: StoppingRule): string {
  const numbers = Object.entries(options).filter(([, value]) => typeof value === 'number');
  return callText(name, Object.fromEntries(numbers));
}

function axisOf({ id, name, conditions, domain }: Dimension): ParamAxis {
  const shared = { id, name, conditions };
  switch (domain.type) {
    case 'choice':
      return { ...shared, kind: 'options', options: domain.options };
    case 'oneOf':
      return { ...shared, kind: 'options', options: Object.keys(domain.branches) };
    case 'integer':
    case 'number':
      return { ...shared, kind: 'number', lo: domain.lo, hi: domain.hi, log: domain.log };
    default:
      return domain satisfies never;
  }
}

function trialOf(sweep: string, trial: TrialRecord): TrialView {
  const { number, generation = 0, params, status, values, spread, rungs = [], reason, repeats } = trial;
  return {
    ...{ number, generation, params: params as Readonly<Record<string, Value>>, status, values },
    ...(spread !== undefined && { spread }),
    steps: repeats.reduce((most, { step }) => Math.max(most, step), 0),
    ...(reason !== undefined && { reason }),
    repeats: repeats.map((repeat) => repeatOf(sweep, repeat)),
    rungs: rungs.flatMap(({ steps: step, values: [value] }) =>
      value === undefined ? [] : [{ step, value }],
    ),
  };
}

const repeatOf = (sweep: string, { seed, run, values, reason }: RepeatRecord): TrialRun => ({
  seed,
  ...(run !== undefined && { run: nameOfRun(sweep, run) }),
  ...(values !== undefined && { values }),
  ...(reason !== undefined && { reason }),
});

function progressOf(record: SweepRecord): SweepProgress {
  const { objectives, numTrials, best, tableSha256, isRunning } = record;
  const finished = record.trials.filter(({ status }) => status === 'finished').map(asRecorded);
  const warnings = [...record.warnings];
  const ofTrials = <T>(read: () => readonly T[]): readonly T[] => {
    try {
      return read();
    } catch (error) {
      // A manifest that was changed by hand can name a space or an objective that the library refuses.
      if (!(error instanceof LockstepError)) throw error;
      warnings.push(error.message);
      return [];
    }
  };
  const space: Space = spaceOf(record.manifest.sweep.space);
  return {
    status: isRunning === true ? 'running' : tableSha256 === undefined ? 'interrupted' : 'finished',
    ...{ numTrials: Math.max(numTrials, record.trials.length) },
    ...(best !== undefined && { best }),
    front:
      objectives.length < 2
        ? []
        : ofTrials(() => paretoFront(objectives, finished)).map(({ number }) => number),
    importances: ofTrials(() => importances(space, objectives[0]!, finished)),
    ...(tableSha256 !== undefined && { tableSha256 }),
    warnings,
  };
}

const asRecorded = ({ number, generation = 0, params, values }: TrialRecord): RecordedTrial => ({
  ...{ number, generation, params },
  result: { status: 'complete', values },
});
