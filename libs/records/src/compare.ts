/** Sets runs side by side. In every row the values are in the order of the runs; `null` stands for one that a run lacks. */
import { LockstepError } from '@lockstep/errors';
import { metricsOf, type RunRecord, type Value } from './record.ts';

export interface Comparison {
  /** Names of the folders. */
  readonly runs: readonly string[];
  /** Settings that differ, the experiment, programs, data and versions among them. */
  readonly settings: readonly { readonly key: string; readonly values: readonly (Value | null)[] }[];
  readonly metrics: readonly ComparedMetric[];
  readonly curves: readonly AlignedCurve[];
  readonly fingerprints: ComparedFingerprints;
}

export interface ComparedMetric {
  readonly name: string;
  readonly last: readonly (number | null)[];
  readonly best: readonly (number | null)[];
}

export interface AlignedCurve {
  readonly name: string;
  /** Steps at which at least one of the runs has a value, ascending. */
  readonly steps: readonly number[];
  /** For each run a value for each step. */
  readonly values: readonly (readonly (number | null)[])[];
}

export interface ComparedFingerprints {
  /** Steps at which all runs have a fingerprint. */
  readonly numCompared: number;
  /** The first of those steps at which the fingerprints differ; `null` where they are the same at all of them. */
  readonly firstDifferentStep: number | null;
}

/** Throws `argument` for fewer than two runs. */
export function compareRuns(runs: readonly RunRecord[]): Comparison {
  if (runs.length < 2) {
    throw new LockstepError('argument', `compareRuns: needs at least two runs, not ${runs.length}`, {});
  }
  const summaries = runs.map(metricsOf);
  const names = union(summaries.map(Object.keys));
  return {
    runs: runs.map(({ id }) => id),
    settings: differing(runs.map(settingsOf)),
    metrics: names.map((name) => ({
      name,
      last: summaries.map((of) => of[name]?.last ?? null),
      best: summaries.map((of) => of[name]?.best ?? null),
    })),
    curves: names.map((name) => alignedCurve(runs, name)),
    fingerprints: compareFingerprints(runs),
  };
}

type Settings = Readonly<Record<string, Value | undefined>>;

function settingsOf(run: RunRecord): Settings {
  const { name, seed, profile, platform, data, parent } = run;
  return {
    ...{ name, seed, profile },
    parent: parent && `${parent.run}, step ${parent.step}`,
    ...withPrefix('', run.config),
    ...withPrefix('params.', run.params),
    experiment: run.experiment?.hash,
    data,
    ...withPrefix('programs.', run.programs),
    build: run.builds.at(-1),
    ...withPrefix('versions.', run.versions),
    platform,
    cpu: run.machine?.cpu,
  };
}

const withPrefix = (prefix: string, values: Settings): Settings =>
  Object.fromEntries(Object.entries(values).map(([name, value]) => [`${prefix}${name}`, value]));

function differing(all: readonly Settings[]): Comparison['settings'] {
  return union(all.map(Object.keys))
    .map((key) => ({ key, values: all.map((settings) => settings[key] ?? null) }))
    .filter(({ values }) => new Set(values).size > 1);
}

function alignedCurve(runs: readonly RunRecord[], name: string): AlignedCurve {
  const points = runs.map(({ curves }) => {
    const { steps = [], values = [] } = curves[name] ?? {};
    return new Map(steps.map((step, i) => [step, values[i]!]));
  });
  const steps = [...new Set(points.flatMap((of) => [...of.keys()]))].sort((a, b) => a - b);
  return { name, steps, values: points.map((of) => steps.map((step) => of.get(step) ?? null)) };
}

function compareFingerprints(runs: readonly RunRecord[]): ComparedFingerprints {
  const [first, ...others] = runs.map(
    ({ fingerprints }) => new Map(fingerprints.map(({ step, fingerprint }) => [step, fingerprint])),
  );
  const common = [...first!].filter(([step]) => others.every((of) => of.has(step)));
  const different = common.find(([step, fingerprint]) => others.some((of) => of.get(step) !== fingerprint));
  return { numCompared: common.length, firstDifferentStep: different?.[0] ?? null };
}

/** In the order of their first appearance. */
const union = (lists: readonly (readonly string[])[]): readonly string[] => [...new Set(lists.flat())];
