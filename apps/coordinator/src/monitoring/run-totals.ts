/** What the lines of a run's logs come to, one after the other: those of earlier processes, then those of this one. */
import type { LossReason } from '@lockstep/protocol';
import { type LogRecord, lengthChanged } from '@lockstep/tracking';
import { stepSecondsBuckets } from './families.ts';
import { Histogram } from './histogram.ts';
import { type Sample, type Samples, single } from './text-format.ts';

/** What members report of each step, in the units of `metrics.jsonl`, and the counters that add it up. */
const workCounters = {
  lockstep_worker_step_seconds_total: { field: 'stepMs', divisor: 1_000 },
  lockstep_worker_compute_seconds_total: { field: 'computeMs', divisor: 1_000 },
  lockstep_worker_wait_seconds_total: { field: 'waitMs', divisor: 1_000 },
  lockstep_worker_network_seconds_total: { field: 'networkMs', divisor: 1_000 },
  lockstep_worker_sent_bytes_total: { field: 'sentBytes', divisor: 1 },
  lockstep_worker_received_bytes_total: { field: 'receivedBytes', divisor: 1 },
} as const;

type WorkField = (typeof workCounters)[keyof typeof workCounters]['field'];

const lossReasons = [
  'disconnected',
  'silent',
  'left',
  'unreachable',
  'restarted',
] as const satisfies readonly LossReason[];

/** Metrics of steps that have a family of their own. */
const named = {
  loss: 'lockstep_loss',
  gradientNorm: 'lockstep_gradient_norm',
  learningRate: 'lockstep_learning_rate',
} as const;

/** An experiment declares few metrics. More names than these are left out, so that no report can fill a database. */
const maxMetricNames = 128;

interface Work {
  steps: number;
  readonly sums: Record<WorkField, number>;
}

export interface RunTotalsOptions {
  /** Samples of a step. */
  readonly batchSize: number;
  /** There are no more ranks than shards. */
  readonly numShards: number;
}

export class RunTotals {
  readonly #options: RunTotalsOptions;
  readonly #stepMetrics = new Map<string, number>();
  readonly #evaluationMetrics = new Map<string, number>();
  /** By rank: the ids of workers have no bound. A rank is a place in the run, which one worker after another may take. */
  readonly #work = new Map<number, Work>();
  readonly #losses = new Map<LossReason, number>(lossReasons.map((reason) => [reason, 0]));
  readonly #stepSeconds = new Histogram(stepSecondsBuckets);
  /** The step that members report now, with the longest of their times. */
  #current: { readonly generation: unknown; readonly step: unknown; ms: number } | undefined;
  #lastStepMs: number | undefined;
  #step = 0;
  #targetSteps: number | undefined;
  #numSteps = 0;
  #numEvaluations = 0;
  #numNonFinite = 0;
  #generation = 0;
  #numGenerations = 0;
  #numJoins = 0;
  #numCheckpoints = 0;
  #checkpointStep: number | undefined;

  constructor(options: RunTotalsOptions) {
    this.#options = options;
  }

  /** A line of `metrics.jsonl`. */
  addMetrics(line: LogRecord): void {
    switch (line.kind) {
      case 'step':
        this.#addStep(line);
        break;
      case 'evaluation':
        this.#numEvaluations++;
        setMetrics(this.#evaluationMetrics, line);
        break;
      case 'work':
        this.#addWork(line);
        break;
      case lengthChanged:
        // Later steps are repeated with the new length.
        this.#step = numberOf(line.step) ?? this.#step;
    }
  }

  /** A line of `events.jsonl`. */
  addEvent({ type, generation, reason }: LogRecord): void {
    if (type === 'joined') this.#numJoins++;
    if (type === 'lost') {
      const known = lossReasons.find((one) => one === reason);
      if (known !== undefined) this.#losses.set(known, this.#losses.get(known)! + 1);
    }
    if (type === 'generation') {
      this.#numGenerations++;
      this.#generation = numberOf(generation) ?? this.#generation;
    }
  }

  addCheckpoint(step: number): void {
    this.#numCheckpoints++;
    this.#checkpointStep = step;
  }

  /** The step that members reported last is complete: none of them goes on. */
  endStep(): void {
    if (this.#current === undefined) return;
    this.#lastStepMs = this.#current.ms;
    this.#stepSeconds.add(this.#current.ms / 1_000);
    this.#current = undefined;
  }

  samples(): Samples {
    const { batchSize } = this.#options;
    const ms = this.#lastStepMs;
    return {
      lockstep_step: single(this.#step),
      lockstep_target_steps: single(this.#targetSteps),
      lockstep_steps_total: single(this.#numSteps),
      lockstep_batch_samples: single(batchSize),
      lockstep_samples_per_second: single(ms === undefined || ms <= 0 ? undefined : batchSize / (ms / 1_000)),
      lockstep_step_seconds: this.#stepSeconds.samples(),
      ...this.#metricSamples(),
      lockstep_evaluations_total: single(this.#numEvaluations),
      lockstep_non_finite_steps_total: single(this.#numNonFinite),
      ...this.#workSamples(),
      lockstep_generation: single(this.#generation),
      lockstep_generations_total: single(this.#numGenerations),
      lockstep_joins_total: single(this.#numJoins),
      lockstep_losses_total: Array.from(this.#losses, ([reason, value]) => ({ labels: { reason }, value })),
      lockstep_checkpoints_total: single(this.#numCheckpoints),
      lockstep_checkpoint_step: single(this.#checkpointStep),
    };
  }

  #metricSamples(): Samples {
    const own = Object.entries(named).map(([metric, family]) => [
      family,
      single(this.#stepMetrics.get(metric)),
    ]);
    const others = [...this.#stepMetrics].filter(([metric]) => !Object.hasOwn(named, metric));
    return {
      ...Object.fromEntries(own),
      lockstep_step_metric: byMetric(others),
      lockstep_evaluation_metric: byMetric([...this.#evaluationMetrics]),
    };
  }

  #workSamples(): Samples {
    const ranks = [...this.#work].sort(([a], [b]) => a - b);
    const byRank = (value: (work: Work) => number): readonly Sample[] =>
      ranks.map(([rank, work]) => ({ labels: { rank: String(rank) }, value: value(work) }));
    const sums = Object.entries(workCounters).map(([family, { field, divisor }]) => [
      family,
      byRank(({ sums }) => sums[field] / divisor),
    ]);
    return { lockstep_worker_steps_total: byRank(({ steps }) => steps), ...Object.fromEntries(sums) };
  }

  #addStep(line: LogRecord): void {
    this.#numSteps++;
    this.#step = numberOf(line.step) ?? this.#step;
    this.#targetSteps = numberOf(line.totalSteps) ?? this.#targetSteps;
    if (Array.isArray(line.nonFinite)) this.#numNonFinite++;
    setMetrics(this.#stepMetrics, line);
  }

  #addWork(line: LogRecord): void {
    const { rank, generation, step } = line;
    if (typeof rank !== 'number' || !Number.isInteger(rank)) return;
    if (rank < 0 || rank >= this.#options.numShards) return;
    const work = this.#work.get(rank) ?? noWork();
    this.#work.set(rank, work);
    work.steps++;
    for (const { field } of Object.values(workCounters)) work.sums[field] += numberOf(line[field]) ?? 0;
    const ms = numberOf(line.stepMs) ?? 0;
    const current = this.#current;
    if (current !== undefined && current.step === step && current.generation === generation) {
      current.ms = Math.max(current.ms, ms);
      return;
    }
    this.endStep();
    this.#current = { generation, step, ms };
  }
}

const noWork = (): Work => ({
  steps: 0,
  sums: { stepMs: 0, computeMs: 0, waitMs: 0, networkMs: 0, sentBytes: 0, receivedBytes: 0 },
});

const byMetric = (values: readonly (readonly [metric: string, value: number])[]): readonly Sample[] =>
  values.map(([metric, value]) => ({ labels: { metric }, value }));

function setMetrics(values: Map<string, number>, { metrics }: LogRecord): void {
  for (const [name, logged] of Object.entries((metrics ?? {}) as Readonly<Record<string, unknown>>)) {
    const value = loggedNumber(logged);
    if (value === undefined || (!values.has(name) && values.size >= maxMetricNames)) continue;
    values.set(name, value);
  }
}

const numberOf = (value: unknown): number | undefined => (typeof value === 'number' ? value : undefined);

/** A log holds numbers that JSON lacks as text. */
function loggedNumber(value: unknown): number | undefined {
  if (value === 'NaN' || value === 'Infinity' || value === '-Infinity') return Number(value);
  return numberOf(value);
}
