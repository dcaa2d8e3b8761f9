/** Which checkpoints of a run are kept. */
import { LockstepError } from '@lockstep/errors';

/** How many checkpoints a run keeps: a number of at least 1, or all. */
export type Keep = number | 'all';

/** What a run keeps unless it is told otherwise. */
export const defaultKeep = 10;

/**
 * The newest are always kept: a run goes on from the newest, and from those before it where that one is damaged or the run goes
 * back to a state that is finite.
 */
const numNewest = 3;

/**
 * The steps whose checkpoints are to be removed, in the order of their removal, so that at most `keep` stay. `steps` are the steps
 * of all checkpoints that are there, ascending.
 *
 * The newest three stay (where `keep` is less than three, that many). Of the older ones the oldest stays, and the others thin out
 * evenly: as long as there are too many, the one goes whose removal leaves the smallest gap between its neighbours, of equal ones the
 * oldest. The rule needs neither the length of the run nor its history, so it may be applied again after a crash, after a change of
 * `keep`, and at every length. If a checkpoint comes every E steps, no gap, also not that from the seed, is ever more than twice as
 * long as an even division would leave it.
 */
export function surplusSteps(steps: readonly number[], keep: Keep): readonly number[] {
  requireKeep(keep);
  if (keep === 'all') return [];
  const kept = [...steps];
  const removed: number[] = [];
  while (kept.length > keep) removed.push(...kept.splice(placeToRemove(kept, Math.min(keep, numNewest)), 1));
  return removed;
}

/** The place of the step that goes next. The last `numFixed` stay. */
function placeToRemove(steps: readonly number[], numFixed: number): number {
  const end = steps.length - numFixed;
  let place = 0;
  let smallest = Number.POSITIVE_INFINITY;
  for (let i = 1; i < end; i++) {
    const gap = steps[i + 1]! - steps[i - 1]!;
    if (gap >= smallest) continue;
    smallest = gap;
    place = i;
  }
  return place;
}

/**
 * What the manifest of a run says; the default for a run of release 0.1.0, whose manifest does not say it. Throws a `checkpoint`
 * error if it says something else than a number or `all`.
 */
export function keepOf({ keep = defaultKeep }: Readonly<Record<string, unknown>>, folder: string): Keep {
  if (isKeep(keep)) return keep;
  throw new LockstepError(
    'checkpoint',
    `${folder}/manifest.json: keep is ${JSON.stringify(keep)}, not a whole number of at least 1 or "all"; correct it there, or go on with \`lockstep resume --keep ${defaultKeep}\``,
    { folder, keep },
  );
}

const isKeep = (keep: unknown): keep is Keep =>
  keep === 'all' || (typeof keep === 'number' && Number.isSafeInteger(keep) && keep >= 1);

function requireKeep(keep: Keep): void {
  if (isKeep(keep)) return;
  throw new LockstepError(
    'argument',
    `keep must be a whole number of at least 1, or 'all', not ${String(keep)}`,
    { keep },
  );
}
