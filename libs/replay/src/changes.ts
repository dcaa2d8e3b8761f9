/** What has changed since a run was computed, in words. */
import { LockstepError } from '@lockstep/errors';
import type { Change, RecordedRun } from './recorded-run.ts';

/** Throws `data` if the data are others than those of the run: steps computed on them would be steps of another run. */
export function requireSameData({ folder, changes, experiment }: RecordedRun): void {
  const change = changes.find(({ what }) => what === 'data');
  if (change === undefined) return;
  const { recorded, found } = change;
  throw new LockstepError(
    'data',
    `the data of ${folder} have changed since: ${experiment.data.name} had the hash ${short(recorded)} and now has ${short(found)}; put back the data with which the run was trained`,
    { folder, recorded, found },
  );
}

/** Sentences for changes with which steps may come out differently. */
export function warningsOf({ changes }: Pick<RecordedRun, 'changes'>): readonly string[] {
  return changes.flatMap((change) => {
    const text = warningOf(change);
    return text === undefined ? [] : [text];
  });
}

function warningOf({ what, programs = [] }: Change): string | undefined {
  switch (what) {
    case 'data':
      return undefined;
    case 'program':
      return `this release computes other operations than those of the run (${programs.join(', ')}), so values may differ`;
    case 'build':
      return 'another build computed the run';
    default:
      return what satisfies never;
  }
}

const short = (hash: string): string => (hash.length <= 12 ? hash : `${hash.slice(0, 12)}…`);
