/** What the entries of a journal say, once the later ones have replaced the earlier ones. */
import { bracketSizes, type RecordedTrial } from '@lockstep/search';
import type { Sweep } from './definition.ts';
import type { JournalEntry, RunResult } from './journal.ts';

export interface JournalFacts {
  readonly recorded: Map<number, RecordedTrial>;
  /** Results of runs, by trial, repeat and rung. */
  readonly results: Map<string, RunResult>;
  /** The newest folder of each run, by trial and repeat. */
  readonly begun: Map<string, string>;
}

/** The key of a run, or of its way to a rung. */
export const keyOf = (trial: number, repeat: number, rung?: number): string =>
  rung === undefined ? `${trial}/${repeat}` : `${trial}/${repeat}/${rung}`;

/** The run of a key with a rung. */
const runOf = (key: string): string => key.slice(0, key.lastIndexOf('/'));
const trialOf = (key: string): number => Number(key.slice(0, key.indexOf('/')));

export function factsOf(sweep: Sweep, entries: readonly JournalEntry[]): JournalFacts {
  const facts: JournalFacts = { recorded: new Map(), results: new Map(), begun: new Map() };
  for (const entry of entries) {
    switch (entry.type) {
      case 'begun':
        facts.begun.set(keyOf(entry.trial, entry.repeat), entry.run);
        break;
      case 'ended':
        facts.results.set(keyOf(entry.trial, entry.repeat, entry.rung ?? 0), resultOf(entry));
        break;
      case 'recorded':
        facts.recorded.set(entry.trial.number, entry.trial);
        break;
      case 'retried':
        retry(sweep, facts, new Set(entry.trials));
        break;
      case 'started':
      case 'setAside':
        break;
      default:
        entry satisfies never;
    }
  }
  for (const key of facts.results.keys()) if (facts.recorded.has(trialOf(key))) facts.results.delete(key);
  return facts;
}

const resultOf = (entry: RunResult): RunResult =>
  'reason' in entry ? { reason: entry.reason } : { values: entry.values, steps: entry.steps };

/**
 * Forgets failed trials, and what was decided or proposed from their failures: with a stopping rule the fates of trials of the same
 * generation and later ones, of which the results of runs stay; with a search that learns, all of later generations.
 */
function retry(sweep: Sweep, { recorded, results, begun }: JournalFacts, trials: ReadonlySet<number>): void {
  const { search, stopping } = sweep;
  const first = Math.min(...[...trials].map((trial) => generationOf(sweep, trial)));
  const isProposedAnew = (trial: number): boolean => search.isAdaptive && generationOf(sweep, trial) > first;
  const isDecidedAnew = (trial: number): boolean =>
    stopping !== undefined && generationOf(sweep, trial) >= first;
  for (const trial of [...recorded.keys()]) {
    if (trials.has(trial) || isProposedAnew(trial) || isDecidedAnew(trial)) recorded.delete(trial);
  }
  for (const [key, result] of [...results]) {
    const trial = trialOf(key);
    if (!isProposedAnew(trial) && !(trials.has(trial) && 'reason' in result)) continue;
    results.delete(key);
    begun.delete(runOf(key));
  }
  for (const key of [...begun.keys()]) if (isProposedAnew(trialOf(key))) begun.delete(key);
}

/** The generation of a trial, by the sizes of all before it. */
function generationOf({ stopping, generation: size }: Sweep, trial: number): number {
  const sizes = stopping !== undefined && 'brackets' in stopping ? bracketSizes(stopping) : [size];
  let generation = 0;
  for (let end = sizes[0]!; end <= trial; end += sizes[generation % sizes.length]!) generation++;
  return generation;
}
