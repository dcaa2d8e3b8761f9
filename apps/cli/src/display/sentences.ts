/** Sentences about the events of a run. */
import type { Update } from '@lockstep/coordinator';
import type { Ending, RunInfo } from './display.ts';
import { metric, plural, shortHash, unbroken } from './format.ts';
import { metricsOf } from './progress.ts';

/** `mnist-cnn · seed 1 · profile portable · 2 workers × 1 thread · 8 shards of 32 rows` */
export function headline(info: RunInfo, numWorkers: number, profile: string): string {
  const { name, config, localWorkers, threads } = info;
  const { seed, numShards, batchSize } = config;
  const workers = plural(numWorkers, 'worker');
  const places = numWorkers === localWorkers ? `${workers} × ${plural(threads, 'thread')}` : workers;
  const shards = `${plural(numShards, 'shard')} of ${plural(Math.ceil(batchSize / numShards), 'row')}`;
  return [name, `seed ${seed}`, `profile ${profile}`, places, shards].map(unbroken).join(' · ');
}

/** Workers and threads without a shard, if there are any. */
export function spares({
  localWorkers,
  threads,
  config,
}: Pick<RunInfo, 'localWorkers' | 'threads' | 'config'>): string | undefined {
  const places = localWorkers * threads;
  const spare = places - config.numShards;
  if (spare <= 0) return undefined;
  const are = spare === 1 ? 'is a spare' : 'are spares';
  return `${plural(localWorkers, 'worker')} × ${plural(threads, 'thread')} for ${plural(config.numShards, 'shard')}: ${spare} ${are}`;
}

/** A line that people should read about an update; undefined for other updates. */
export function sentence(update: Update): string | undefined {
  switch (update.type) {
    case 'event':
      return eventSentence(update.event);
    case 'evaluation':
      return update.final ? undefined : `step ${update.step}: ${metricList(metricsOf(update.report))}`;
    case 'turnedAway':
      return `! a connection was refused: ${update.reason}`;
    case 'notice':
      return `! ${update.notice.message}`;
    case 'progress':
    case 'work':
    case 'checkpoint':
    case 'done':
      return undefined;
    default:
      return update satisfies never;
  }
}

function eventSentence(event: Extract<Update, { type: 'event' }>['event']): string | undefined {
  switch (event.type) {
    case 'joined':
      return `+ worker ${shortId(event.worker)} joined from ${event.host} with ${plural(event.threads, 'thread')}`;
    case 'loaded':
      return event.standby
        ? `worker ${shortId(event.worker)} stands by: every shard has a worker`
        : undefined;
    case 'lost':
      return `! worker ${shortId(event.worker)} is gone (${event.reason})`;
    case 'refused':
      return `! worker ${shortId(event.worker)} was refused: ${event.message}`;
    case 'linkLost':
      return `! worker ${shortId(event.worker)} lost its connection to ${shortId(event.peer)}`;
    case 'generation':
      return `generation ${event.generation}: ${plural(event.workers.length, 'worker')} ${event.step === 0 ? 'start' : `go on after step ${event.step}`}`;
    case 'waiting':
      return 'no worker is left; waiting for one to join';
    case 'failing':
      return `! ${event.message}; saving what was computed`;
    case 'buildDiffers': {
      const which = event.programs.length === 0 ? 'the same' : `other (${event.programs.join(', ')})`;
      return `! build ${shortHash(event.build)} goes on with a run of build ${shortHash(event.began)}; its programs are ${which}: results are those of the first build only as far as fingerprints agree`;
    }
    case 'nonFinite':
      if (event.cause === 'state')
        return `! the initial state is not finite: ${event.what.join(', ')}; stopping`;
      return event.cause === 'step'
        ? `! step ${event.step} is not finite: ${event.what.join(', ')}; stopping after step ${event.step - 1}`
        : `! the update of step ${event.step} makes ${event.what.join(', ')} non-finite; stopping after step ${event.step - 1}`;
    case 'nonFiniteState':
      return `! ${event.what.join(', ')} is not finite after step ${event.step}: going back to step ${event.from} to find the update that caused it`;
    case 'interrupting':
      return 'stopping: saving a checkpoint (Ctrl-C again stops at once)';
    default:
      return event satisfies never;
  }
}

interface Hashed {
  readonly fingerprint: string;
  readonly chain?: unknown;
}

/** A fingerprint and its chain, as `3f9c51aa…77e0 (chain 884be292…b689)`. */
export function hashesText({ fingerprint, chain }: Hashed): string {
  const chained = typeof chain === 'string' && chain !== '' ? ` (chain ${shortHash(chain)})` : '';
  return `${shortHash(fingerprint)}${chained}`;
}

export function endingLines(ending: Ending): readonly string[] {
  switch (ending.type) {
    case 'done': {
      const { metrics, profile, run } = ending;
      const list = metricList(metrics) || `${ending.steps} steps`;
      const { nonFiniteSteps = 0 } = ending;
      const warning = `! not finite: ${plural(nonFiniteSteps, 'step')}`;
      return [
        ...(nonFiniteSteps > 0 ? [warning] : []),
        `✓ ${list}   ${profile}:${hashesText(ending)}   ${runText(run)}`,
      ];
    }
    case 'interrupted': {
      const { run } = ending;
      const saved =
        ending.step < 0 ? 'stopped before the first checkpoint' : `stopped; step ${ending.step} is saved`;
      return [`■ ${saved}   ${runText(run)}`, goOn(run)];
    }
    case 'stoppedNonFinite':
      return [
        `✗ stopped: step ${ending.step} is not finite (${ending.what.join(', ')})   ${runText(ending.run)}`,
        `  ${ending.message}`,
        ...(ending.cause === 'state' ? [] : [savedBefore(ending.step)]),
      ];
    case 'failed': {
      const { run } = ending;
      const when = ending.step > 0 ? `after step ${ending.step}` : 'before the first step';
      if (run === undefined) return [`✗ failed ${when}; no run is kept`];
      // A resumed run would repeat a mistake of the experiment.
      return [
        `✗ failed after step ${ending.step}   ${runText(run)}`,
        ...(['lost', 'file'].includes(ending.error.code) ? [goOn(run)] : []),
      ];
    }
    default:
      return ending satisfies never;
  }
}

const savedBefore = (step: number): string =>
  `  step ${step - 1} is saved; step ${step} would stop the run again unless the experiment or its data change`;

const goOn = (run: string): string => `  go on with: lockstep resume ${unbroken(run)}`;

/** A name that is broken over two lines cannot be copied. */
const runText = (run: string): string => unbroken(`run ${run}`);

/** A list such as `test accuracy 98.6%  test loss 0.0413`. */
function metricList(metrics: Readonly<Record<string, number>>): string {
  return Object.entries(metrics)
    .map(([name, value]) => `${name.replace('/', ' ')} ${metric(name, value)}`)
    .join('  ');
}

export const shortId = (worker: string): string => worker.slice(0, 8);
