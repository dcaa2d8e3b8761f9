/** A display for programs: one JSON object a line, and nothing else. */
import type { Update } from '@lockstep/coordinator';
import type { Stream } from '../terminal.ts';
import type { Display, Ending, Replayed } from './display.ts';
import { metricsOf } from './progress.ts';
import { spares } from './sentences.ts';

/** The least time between two steps without a hash. */
const stepMs = 1_000;

export function createJsonDisplay(out: Stream, now: () => number = () => performance.now()): Display {
  let writtenAt = Number.NEGATIVE_INFINITY;
  const write = (event: string, facts: Readonly<Record<string, unknown>>) =>
    out.write(`${JSON.stringify({ event, ...facts }, visible)}\n`);

  function step(update: Extract<Update, { type: 'progress' }>): void {
    const { step, fingerprint, stateHash, report } = update;
    const isHashed = fingerprint !== undefined || stateHash !== undefined;
    if (!isHashed && now() - writtenAt < stepMs) return;
    writtenAt = now();
    const { totalSteps, chain } = report;
    const hashes = isHashed ? { fingerprint, stateHash, chain } : {};
    write('step', { step, totalSteps, metrics: metricsOf(report), ...hashes });
  }

  return {
    started: ({ name, run, endpoint, join, config, localWorkers, threads }) => {
      write('started', { name, run, endpoint, join, ...config, workers: localWorkers, threads });
      const message = spares({ localWorkers, threads, config });
      if (message !== undefined) write('note', { message });
    },
    update: (update) => {
      switch (update.type) {
        case 'event': {
          const { type, ...facts } = update.event;
          return write(type, facts);
        }
        case 'progress':
          return step(update);
        case 'evaluation':
          return write('evaluation', {
            step: update.step,
            final: update.final,
            metrics: metricsOf(update.report),
          });
        case 'checkpoint':
          return write('checkpoint', { step: update.step });
        case 'notice': {
          const { type, message, facts } = update.notice;
          return write(type, { ...facts, message });
        }
        case 'turnedAway':
          return write('turnedAway', { reason: update.reason });
        case 'work':
        case 'done':
          return;
        default:
          update satisfies never;
      }
    },
    page: (address) => write('page', { address }),
    note: (message) => write('note', { message }),
    typeErrors: (problems) => write('typeErrors', { problems }),
    ended: (ending) =>
      ending.type === 'replayed'
        ? write(ending.isInterrupted ? 'interrupted' : 'done', foundBy(ending))
        : write(ending.type, factsOf(ending)),
  };
}

/** Writes non-finite numbers as strings, because JSON would turn a diverged loss into `null`. */
function visible(_key: string, value: unknown): unknown {
  return typeof value === 'number' && !Number.isFinite(value) ? String(value) : value;
}

/** `steps` and what follows count what was compared and is the same. */
function foundBy({
  parting,
  compared,
  type: _type,
  isInterrupted: _is,
  ...rest
}: Replayed): Readonly<Record<string, unknown>> {
  return { identical: parting === undefined, ...compared, ...parting, ...rest };
}

function factsOf(ending: Ending): Readonly<Record<string, unknown>> {
  switch (ending.type) {
    case 'done': {
      const { steps, profile, fingerprint, chain, metrics, samplesPerSecond, nonFiniteSteps, run } = ending;
      return { steps, profile, fingerprint, chain, metrics, samplesPerSecond, nonFiniteSteps, run };
    }
    case 'interrupted':
      return { step: ending.step, run: ending.run };
    case 'stoppedNonFinite': {
      const { step, cause, what, message, run } = ending;
      return { step, cause, what, message, run };
    }
    case 'failed':
      // The line has no `run` if the run is not kept.
      return { code: ending.error.code, message: ending.error.message, step: ending.step, run: ending.run };
    default:
      return ending satisfies never;
  }
}
