/** The runs as this page knows them, with changes applied as they come. */
import {
  type Curve,
  type CurveKind,
  type Delta,
  emptyCurve,
  extend,
  fewer,
  GrowingWork,
  type HistogramStep,
  type PageData,
  type RunDelta,
  type RunFacts,
  type RunProgress,
  type RunView,
  type Summary,
  type SweepView,
  type Timeline,
  type Value,
  widthFor,
  withMeans,
  withTrials,
} from '@lockstep/view';

/** A curve that grows beyond so many columns is thinned to half of them. */
const maxColumns = 2_048;

const maxHistograms = 256;

export interface ShownCurve {
  readonly kind: CurveKind;
  readonly curve: Curve;
}

/** The trial whose run it is. */
export interface OfTrial {
  readonly sweep: string;
  readonly number: number;
}

export class ShownRun {
  readonly index: number;
  /** Absent for a run that belongs to no sweep. */
  of: OfTrial | undefined;
  facts: RunFacts;
  progress: RunProgress;
  timeline: Timeline;
  program: RunView['program'];
  histograms: readonly HistogramStep[];
  readonly curves = new Map<string, ShownCurve>();
  readonly workers = new Map<string, { rank: number; readonly work: GrowingWork }>();

  constructor(index: number, run: RunView) {
    const { facts, progress, timeline, curves, workers, program, histograms } = run;
    this.index = index;
    this.facts = facts;
    this.progress = progress;
    this.timeline = timeline;
    this.program = program;
    this.histograms = histograms;
    for (const [name, { kind, curve }] of Object.entries(curves)) {
      this.curves.set(name, { kind, curve: withMeans(curve) });
    }
    this.#addWork(workers);
  }

  get id(): string {
    return this.facts.id;
  }

  apply({ facts, progress, timeline, curves = {}, workers = [], program, histograms = [] }: RunDelta): void {
    this.facts = facts ?? this.facts;
    this.progress = progress ?? this.progress;
    this.timeline = timeline ?? this.timeline;
    this.program = program ?? this.program;
    this.histograms = joined(this.histograms, histograms);
    for (const [name, { kind, ...points }] of Object.entries(curves)) {
      const { curve } = this.curves.get(name) ?? { curve: emptyCurve };
      this.curves.set(name, { kind, curve: bounded(extend(curve, points)) });
    }
    this.#addWork(workers);
  }

  #addWork(workers: RunView['workers']): void {
    for (const { worker, rank, work } of workers) {
      const known = this.workers.get(worker) ?? { rank, work: new GrowingWork() };
      known.rank = rank;
      known.work.addAll(work);
      this.workers.set(worker, known);
    }
  }
}

/** Steps that ascend; more than these are thinned to half of them. */
function joined(known: readonly HistogramStep[], added: readonly HistogramStep[]): readonly HistogramStep[] {
  if (added.length === 0) return known;
  const last = known.at(-1)?.step ?? -1;
  const all = [...known, ...added.filter(({ step }) => step > last)];
  return all.length > maxHistograms ? fewer(all, maxHistograms / 2) : all;
}

function bounded(curve: Curve): Curve {
  const { steps, means, width } = curve;
  if (means.steps.length <= maxColumns || steps.length === 0) return curve;
  const coarse = widthFor(steps[0]!, steps.at(-1)!, maxColumns / 2);
  return extend(curve, { steps: [], values: [] }, Math.max(width, coarse));
}

export class Store {
  runs: readonly ShownRun[] = [];
  sweeps: readonly SweepView[] = [];
  warnings: readonly string[] = [];
  /** When the newest data were read, in milliseconds since 1970. */
  time = 0;

  load({ runs, sweeps, warnings, time }: PageData): void {
    this.runs = runs.map((run, index) => new ShownRun(index, run));
    this.sweeps = sweeps;
    this.warnings = warnings;
    this.time = time;
    this.#nameTrials();
  }

  apply({ runs, added, sweeps, time }: Delta): void {
    this.time = time;
    for (const delta of runs) this.runs[delta.run]?.apply(delta);
    const { length } = this.runs;
    this.runs = [...this.runs, ...added.map((run, i) => new ShownRun(length + i, run))];
    const changed = new Map(sweeps.map((delta) => [delta.sweep, delta]));
    this.sweeps = this.sweeps.map((sweep, i) => {
      const delta = changed.get(i);
      if (delta === undefined) return sweep;
      const { progress, trials } = delta;
      return { ...sweep, progress, trials: withTrials(sweep.trials, trials) };
    });
    if (added.length + sweeps.length > 0) this.#nameTrials();
  }

  runNamed(id: string | undefined): ShownRun | undefined {
    return this.runs.find((run) => run.id === id);
  }

  #nameTrials(): void {
    const trials = new Map<string, OfTrial>();
    for (const { facts, trials: all } of this.sweeps) {
      for (const { number, repeats } of all) {
        for (const { run } of repeats) if (run !== undefined) trials.set(run, { sweep: facts.id, number });
      }
    }
    for (const run of this.runs) run.of = trials.get(run.id);
  }
}

/** Every value by which runs are filtered and sorted; the names are those of `lockstep runs`. */
export function valuesOf({ facts, progress, of }: ShownRun): ReadonlyMap<string, Value> {
  const metrics = Object.entries(progress.metrics);
  const { status, steps, totalSteps, durationMs, fingerprint } = progress;
  const own: Readonly<Record<string, Value | undefined>> = {
    ...{ run: facts.id, name: facts.name, status, created: facts.created, steps, totalSteps },
    ...{ seed: facts.seed, profile: facts.profile, fingerprint, identity: facts.identity, data: facts.data },
    ...{ sweep: of?.sweep, trial: of?.number },
    seconds: durationMs === undefined ? undefined : durationMs / 1_000,
  };
  const last = (summary: Summary): Value => summary.last;
  const best = (summary: Summary): Value | undefined => summary.best;
  const entries: (readonly [string, Value | undefined])[] = [
    ...metrics.map(([name, summary]) => [name, last(summary)] as const),
    ...metrics.map(([name, summary]) => [`last.${name}`, last(summary)] as const),
    ...metrics.map(([name, summary]) => [`best.${name}`, best(summary)] as const),
    ...Object.entries(facts.params),
    ...Object.entries(facts.params).map(([name, value]) => [`params.${name}`, value] as const),
    ...Object.entries(facts.config),
    ...Object.entries(facts.config).map(([name, value]) => [`config.${name}`, value] as const),
    ...Object.entries(own),
  ];
  return new Map(entries.filter((entry): entry is [string, Value] => entry[1] !== undefined));
}
