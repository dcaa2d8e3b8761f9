/** The metrics of a run for Prometheus: sums over the lines of its logs, and what this process knows of its workers. */
import { basename } from 'node:path';
import { readLog } from '@lockstep/tracking';
import type { Update } from '../updates.ts';
import { RunTotals, type RunTotalsOptions } from './run-totals.ts';
import { type Samples, single, textOf } from './text-format.ts';

export interface RunMetricsOptions extends RunTotalsOptions {
  /** The folder of the run. */
  readonly folder: string;
  readonly experiment: string;
  /** Of this release. */
  readonly version: string;
  /** Hash of the packages' code. */
  readonly build: string;
  /** Milliseconds since 1970. Default: the clock of this machine. */
  readonly now?: () => number;
}

export interface RunMetrics {
  /** Takes in an update. May be passed on as a callback. */
  readonly see: (update: Update) => void;
  /** The values now, in the text format of Prometheus. */
  readonly text: () => string;
  /** Why no step is computed; undefined while a generation trains. */
  readonly whyIdle: () => string | undefined;
}

/**
 * Begins with the sums over what earlier processes have logged of the run, so that a resumed run goes on with its counters. Throws
 * `file` for a log that cannot be read.
 */
export async function openRunMetrics(options: RunMetricsOptions): Promise<RunMetrics> {
  const { folder, now = Date.now } = options;
  const totals = await totalsOf(folder, options);
  const workers = new Set<string>();
  let numMembers = 0;
  let profile = '';
  let lastStepAt: number | undefined;
  let isOver = false;

  const seeEvent = (event: Extract<Update, { type: 'event' }>['event']): void => {
    totals.addEvent(event);
    if (event.type === 'joined') workers.add(event.worker);
    if (event.type === 'lost' || event.type === 'refused') workers.delete(event.worker);
    if (event.type === 'waiting') numMembers = 0;
    if (event.type === 'generation') {
      numMembers = event.workers.length;
      profile = event.profile;
    }
  };
  const see = (update: Update): void => {
    switch (update.type) {
      case 'event':
        seeEvent(update.event);
        break;
      case 'progress':
        lastStepAt = now();
        totals.addMetrics({ kind: 'step', step: update.step, ...update.report });
        break;
      case 'evaluation':
        totals.addMetrics({ kind: 'evaluation', step: update.step, ...update.report });
        break;
      case 'work':
        totals.addMetrics({
          kind: 'work',
          step: update.step,
          generation: update.generation,
          ...update.work,
        });
        break;
      case 'checkpoint':
        totals.addCheckpoint(update.step);
        break;
      case 'done':
        totals.endStep();
        numMembers = 0;
        isOver = true;
        break;
      case 'notice':
      case 'turnedAway':
        break;
      default:
        update satisfies never;
    }
  };
  const samples = (): Samples => ({
    ...infoSamples(options, profile),
    ...totals.samples(),
    lockstep_last_step_timestamp_seconds: single(lastStepAt === undefined ? undefined : lastStepAt / 1_000),
    lockstep_workers: single(workers.size),
    lockstep_members: single(numMembers),
    ...processSamples(),
  });
  return {
    see,
    text: () => textOf(samples()),
    whyIdle: () => {
      if (isOver) return 'the run has ended';
      return numMembers > 0 ? undefined : 'the run waits for workers';
    },
  };
}

async function totalsOf(folder: string, options: RunTotalsOptions): Promise<RunTotals> {
  const totals = new RunTotals(options);
  for (const line of (await readLog(folder, 'metrics')).records) totals.addMetrics(line);
  totals.endStep();
  for (const event of (await readLog(folder, 'events')).records) totals.addEvent(event);
  for (const { type, step } of (await readLog(folder, 'journal')).records) {
    if (type === 'checkpoint' && typeof step === 'number') totals.addCheckpoint(step);
  }
  return totals;
}

/** Digits of the build that tell one from another. */
const shownDigits = 12;

function infoSamples({ folder, experiment, version, build }: RunMetricsOptions, profile: string): Samples {
  const built = { version, build: build.slice(0, shownDigits), node: process.version };
  return {
    lockstep_build_info: [{ labels: built, value: 1 }],
    lockstep_run_info: [{ labels: { run: basename(folder), experiment, profile }, value: 1 }],
  };
}

function processSamples(): Samples {
  const { user, system } = process.cpuUsage();
  return {
    process_cpu_seconds_total: single((user + system) / 1e6),
    process_resident_memory_bytes: single(process.memoryUsage.rss()),
    process_start_time_seconds: single(performance.timeOrigin / 1_000),
  };
}
