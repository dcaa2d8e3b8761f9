/** What a replay has found, for people. */
import type { Change, Parting } from '@lockstep/replay';
import type { Replayed } from './display.ts';
import { duration, plural, shortHash } from './format.ts';

export function replayedLines(found: Replayed): readonly string[] {
  const { run, parting, isInterrupted, unrecorded, workers, seconds, kept } = found;
  const same = sameText(found);
  if (isInterrupted) return [`■ stopped; identical so far: ${same}   run ${run}`];
  const rest = [
    ...(unrecorded > 0 ? [`not compared: ${plural(unrecorded, 'step')} without a record`] : []),
    changesText(found.changes),
    ...(kept === undefined ? [] : [`the replay is in ${kept}`]),
  ];
  const lines =
    parting === undefined
      ? [`✓ identical: ${same} in ${duration(seconds)} on ${plural(workers, 'worker')}   run ${run}`, ...rest]
      : [
          `✗ ${partingText(parting)}   run ${run}`,
          `identical before: ${same}`,
          ...rest,
          `find the cause with: lockstep diff ${run}`,
        ];
  return lines.map((line, i) => (i === 0 ? line : `  ${line}`));
}

/** `940 steps, 96 fingerprints, 4 evaluations` */
function sameText({ compared, stop, from }: Replayed): string {
  const span = from === 0 ? '' : ` after step ${from}`;
  const { steps, fingerprints, evaluations, digests } = compared;
  const counts = [
    [fingerprints, 'fingerprint'],
    [evaluations, 'evaluation'],
    [digests, 'digest'],
  ] as const;
  return [
    `${plural(steps, 'step')}${span}`,
    ...counts.flatMap(([count, noun]) => (count === 0 ? [] : [plural(count, noun)])),
    ...(stop === undefined ? [] : [`the stop at step ${stop.step} (${stop.what.join(', ')})`]),
  ].join(', ');
}

/** `parts at step 37: loss 0.3412 recorded, 0.3413 computed` */
export function partingText({ step, what, recorded, computed }: Parting): string {
  return `parts at step ${step}: ${what} ${valueText(recorded)} recorded, ${valueText(computed)} computed`;
}

/** Numbers are shown whole, because they may differ in the last digit. */
function valueText(value: string | number | null): string {
  if (value === null) return 'none';
  return typeof value === 'string' && /^[0-9a-f]{64}$/.test(value) ? shortHash(value) : String(value);
}

/** `changed since: data, 1f3a9b00…77e0, now 77b0c6d2…91aa` */
function changesText(changes: readonly Change[]): string {
  if (changes.length === 0) return 'unchanged since: data, program, build';
  const all = changes.map(({ what, recorded, found, programs }) => {
    const which = programs === undefined ? what : `${what} (${programs.join(', ')})`;
    return `${which}, ${shortHash(recorded)}, now ${shortHash(found)}`;
  });
  return `changed since: ${all.join('; ')}`;
}
