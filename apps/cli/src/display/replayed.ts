/** What a replay has found, for people. */
import type { Change, Parting } from '@lockstep/replay';
import type { Replayed } from './display.ts';
import { duration, plural, shortHash } from './format.ts';

export function replayedLines(found: Replayed): readonly string[] {
  const { run, parting, compared, from, to, workers, seconds, kept } = found;
  const span = from === 0 ? '' : ` after step ${from}`;
  const counts = [
    `${plural(compared.steps, 'step')}${span}`,
    plural(compared.fingerprints, 'fingerprint'),
    plural(compared.evaluations, 'evaluation'),
    ...(compared.digests === 0 ? [] : [plural(compared.digests, 'digest')]),
  ].join(', ');
  const unrecorded = to - from - compared.steps;
  const rest = [
    ...(parting === undefined && unrecorded > 0
      ? [`not compared: ${plural(unrecorded, 'step')} without a record`]
      : []),
    changesText(found.changes),
    ...(kept === undefined ? [] : [`the replay is in ${kept}`]),
  ];
  if (found.isInterrupted) return [`■ stopped; identical so far: ${counts}   run ${run}`];
  return parting === undefined
    ? [
        `✓ identical: ${counts} in ${duration(seconds)} on ${plural(workers, 'worker')}   run ${run}`,
        ...rest.map((line) => `  ${line}`),
      ]
    : [
        `✗ ${partingText(parting)}   run ${run}`,
        `  identical before: ${counts}`,
        ...rest.map((line) => `  ${line}`),
        `  find the cause with: lockstep diff ${run}`,
      ];
}

/** `parts at step 37: loss 0.34120001 recorded, 0.34120004 computed` */
export function partingText({ step, what, recorded, computed }: Parting): string {
  return `parts at step ${step}: ${what} ${valueText(recorded)} recorded, ${valueText(computed)} computed`;
}

const valueText = (value: string | number | null): string =>
  value === null ? 'none' : /^[0-9a-f]{16,}$/.test(String(value)) ? shortHash(String(value)) : String(value);

/** `changed since: data (1f3a… → 77b0…), build (…)` */
function changesText(changes: readonly Change[]): string {
  if (changes.length === 0) return 'unchanged since: data, program, build';
  const all = changes.map(({ what, recorded, found, programs }) => {
    const which = programs === undefined ? what : `${what} of ${programs.join(', ')}`;
    return `${which} (${shortHash(recorded)}, now ${shortHash(found)})`;
  });
  return `changed since: ${all.join(', ')}`;
}
