/** The training steps of a generation: what the machine asks of a step, carried out by a {@link StepRunner} and the first thread. */
import type { WorkerEffect, WorkerEvent } from '@lockstep/protocol';
import { chainAfter } from '@lockstep/run';
import { clockMs } from '../clock.ts';
import type { Pool } from '../compute/pool.ts';
import type { Group } from '../network/invitations.ts';
import type { Run } from '../run/run.ts';
import { type Tracer, tracedBy } from '../tracer.ts';
import { createStepRecord } from './step-record.ts';
import type { StepRunner } from './step-runner.ts';

type Effect<Type extends WorkerEffect['type']> = Extract<WorkerEffect, { type: Type }>;

export interface TrainingOptions {
  readonly group: Pick<Group, 'generation' | 'rank' | 'members'>;
  readonly run: Pick<Run, 'replica' | 'memory' | 'schedule' | 'tally' | 'jobs' | 'histograms'>;
  readonly runner: StepRunner;
  readonly pool: Pick<Pool, 'runUpdate'>;
  readonly tracer: Pick<Tracer, 'add' | 'take'>;
  /** Called when an update is asked for: from then on nobody else may read the state. */
  beforeUpdate(): void;
  raise(event: WorkerEvent): void;
}

export interface Training {
  runSegment(effect: Effect<'runSegment'>): void;
  exchange(effect: Effect<'exchange'>): void;
  /** Turns the sums of the step into the next state, and reports the step. */
  runUpdate(effect: Effect<'runUpdate'>): void;
}

export function createTraining(options: TrainingOptions): Training {
  const { group, run, runner, pool, tracer, beforeUpdate, raise } = options;
  const { generation, rank } = group;
  const { replica, memory, schedule, tally, jobs } = run;
  const record = createStepRecord(group);

  /** Counts and traces a step that was updated. `computeMs`: of its update. */
  const account = (step: number, computeMs: number) => {
    const { startMs, ...times } = runner.takeTimes();
    const stepMs = clockMs() - startMs;
    tally.countStep(schedule.samplesAt(step), stepMs);
    tracer.add({ name: `step ${step}`, track: 'steps', startMs, durationMs: stepMs, step });
    return {
      ...{ rank, shards: memory.numOwnShards, stepMs },
      ...{ ...times, computeMs: times.computeMs + computeMs },
    };
  };
  /** The hashes of the new state that the schedule asks for. Nothing else writes to the state until its step is reported. */
  const hash = async ({ fingerprint, stateHash }: Effect<'runUpdate'>) => {
    if (fingerprint || stateHash) await replica.hash(stateHash);
    return {
      ...(fingerprint && { fingerprint: replica.fingerprint() }),
      ...(stateHash && { stateHash: replica.stateHash() }),
    };
  };
  const update = async (effect: Effect<'runUpdate'>): Promise<void> => {
    const { step, careful } = effect;
    if (careful) replica.keep();
    const { isUpdated, nonFinite, histograms, computeMs } = await pool.runUpdate({
      ...{ order: 'update', step, copy: replica.copy },
      histograms: run.histograms && effect.fingerprint,
    });
    if (!isUpdated && nonFinite !== undefined) return raise({ type: 'nonFinite', found: nonFinite });
    replica.updated();
    const broken = careful ? replica.firstNonFinite() : undefined;
    if (broken !== undefined) {
      replica.takeBack();
      return raise({ type: 'nonFinite', found: { cause: 'update', step, what: [broken] } });
    }
    const hashes = await hash(effect);
    const { progress } = replica;
    const chain = chainAfter(progress.chain, step, hashes);
    replica.setProgress({ ...progress, chain });
    const work = account(step, computeMs);
    const report = {
      ...{ metrics: memory.stepMetrics(), chain, totalSteps: schedule.totalSteps, work },
      ...tracedBy(tracer, rank),
      ...(nonFinite && { nonFinite: nonFinite.what }),
      ...(histograms && { histograms }),
    };
    const recorded = memory.recorded();
    raise({ type: 'updateDone', ...hashes, ...(recorded && record(recorded)), report });
  };
  return {
    runSegment: ({ step, segment }) => runner.runSegment(step, segment, () => raise({ type: 'segmentDone' })),
    exchange: ({ step, exchange }) =>
      runner.exchange(step, exchange, () => raise({ type: 'exchangeDone', generation, step, exchange })),
    runUpdate(effect) {
      beforeUpdate();
      jobs.add(() => update(effect));
    },
  };
}
