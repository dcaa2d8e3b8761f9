/** The evaluations of a generation: of the state that a step leaves, and of the run's last state. */
import type { SplitName } from '@lockstep/data';
import type { WorkerEffect, WorkerEvent } from '@lockstep/protocol';
import { afterEvaluation, evaluationMetrics } from '@lockstep/run';
import type { Pool } from '../compute/pool.ts';
import type { Reductions } from '../exchange/reductions.ts';
import type { Group } from '../network/invitations.ts';
import type { Run } from '../run/run.ts';
import { type Tracer, tracedBy } from '../tracer.ts';

type Effect<Type extends WorkerEffect['type']> = Extract<WorkerEffect, { type: Type }>;

export interface EvaluationOptions {
  readonly group: Pick<Group, 'rank'>;
  readonly run: Pick<
    Run,
    'replica' | 'memory' | 'schedule' | 'tally' | 'jobs' | 'programs' | 'earlyStopping' | 'finalSplit'
  >;
  readonly pool: Pick<Pool, 'runAll'>;
  readonly reductions: Pick<Reductions, 'reduce'>;
  readonly tracer: Pick<Tracer, 'take'>;
  raise(event: WorkerEvent): void;
}

export interface Evaluation {
  /** Computes the sums of this worker's blocks over all batches of a split. */
  run(effect: Effect<'runEvaluation'>): void;
  /** Reduces the sums, and reports the metrics. */
  exchange(effect: Effect<'exchangeEvaluation'>): void;
}

export function createEvaluation(options: EvaluationOptions): Evaluation {
  const { group, run, pool, reductions, tracer, raise } = options;
  const { replica, memory, schedule, tally, jobs, programs, earlyStopping } = run;
  const splitOf = (step: number, isFinal: boolean): SplitName =>
    isFinal && run.finalSplit(step) === 'test' ? 'test' : 'validation';
  return {
    run: ({ step, final }) =>
      jobs.add(async () => {
        const next = final || schedule.at(step).last ? {} : { nextStep: step + 1 };
        const job = { order: 'evaluate', step, split: splitOf(step, final), copy: replica.copy } as const;
        await pool.runAll({ ...job, ...next });
        raise({ type: 'segmentDone' });
      }),
    exchange({ generation, step, exchange, final }) {
      const split = splitOf(step, final);
      const bucket = memory.evaluationBucket(split);
      reductions.reduce(step, exchange, [bucket], () => {
        const metrics = evaluationMetrics(programs.evaluationMetrics, bucket.result, split);
        if (final) tally.finalMetrics = metrics;
        else replica.setProgress(afterEvaluation(replica.progress, step, metrics, earlyStopping));
        const stop = replica.progress.stopped;
        const report = { metrics, ...tracedBy(tracer, group.rank) };
        raise({ type: 'evaluationDone', generation, step, exchange, stop, report });
      });
    },
  };
}
