/** What diff and verify have found, for people. */
import type {
  CheckedInterval,
  Draw,
  Finding,
  RecordedRun,
  RunDifference,
  Verification,
} from '@lockstep/replay';
import { plural } from './format.ts';
import { partingText } from './replayed.ts';

const causes: Readonly<Record<RunDifference['cause'], string>> = {
  batch: 'the batch: other samples, or other bytes of them',
  program: 'the program: the experiment computes other operations',
  profile: 'the profile: contractions are rounded otherwise',
  build: 'the build: other code of the packages computed the run',
  setting: 'the settings: the runs have other ones',
  log: 'the log: what the workers computed is what is computed here, and a file of the run says something else',
  worker:
    'the worker: neither data, program, profile nor build explain it, so its machine computed something else',
};

/** The first difference in a block of lines, or one line that there is none. */
export function differenceLines(
  found: RunDifference | undefined,
  folders: readonly string[],
  numSteps: number,
): readonly string[] {
  const runs = folders.join(' and ');
  if (found === undefined) {
    const how =
      folders.length === 1 ? `${plural(numSteps, 'step')} computed again` : 'every common step is the same';
    return [`✓ identical: ${how}   ${folders.length === 1 ? 'run' : 'runs'} ${runs}`];
  }
  const { step, run, shards, variable, exchange, element, cause, note } = found;
  const rows: readonly (readonly [string, string | undefined])[] = [
    ['part', partOf(found)],
    ['variable', variable],
    ['exchange', exchange === undefined ? undefined : `${exchange}`],
    ['shards', shards === null ? undefined : shardsText(shards)],
    ['worker', workerText(found)],
    ['run', folders.length === 1 ? undefined : run],
    ['element', element === null ? undefined : elementText(element)],
    ['cause', causes[cause]],
    ['note', note],
  ];
  const shown = rows.filter((row): row is readonly [string, string] => row[1] !== undefined);
  return [
    `✗ ${runs}: the first difference is in step ${step}`,
    ...shown.map(([name, value]) => `  ${name.padEnd(8)}  ${value}`),
  ];
}

const parts: Readonly<Record<RunDifference['part'], string>> = {
  samples: 'which samples a block reads',
  columns: 'the bytes of the samples of a block',
  partial: 'what a block gives to an exchange',
  result: 'what an exchange gives to the workers',
  replica: 'the state after the update',
  value: 'a value of the logs',
};

const partOf = ({ part }: RunDifference): string => parts[part];

const shardsText = ({ start, count }: { readonly start: number; readonly count: number }): string =>
  count === 1 ? `${start}` : `${start} to ${start + count - 1}`;

function workerText({ worker, rank, host }: RunDifference): string | undefined {
  if (worker === null) return undefined;
  const where = [
    ...(rank === undefined ? [] : [`rank ${rank}`]),
    ...(host === undefined ? [] : [`on ${host}`]),
  ];
  return where.length === 0 ? worker : `${worker}, ${where.join(' ')}`;
}

const elementText = ({ index, recorded, computed }: NonNullable<RunDifference['element']>): string =>
  `${index}: ${recorded} against ${computed}`;

/** `draws 2 of 10 intervals, steps 0-40 and 80-120, 12.8% of the steps, by seed 7` */
export function plannedLine({ drawn, numIntervals, coverage }: Draw, seed: number): string {
  const spans = drawn.map(({ from, to }) => `${from}-${to}`).join(', ');
  const which = drawn.length === 0 ? '' : ` (steps ${spans})`;
  return `computes ${drawn.length} of ${plural(numIntervals, 'interval')} between saved states again${which}, ${percent(coverage)} of the steps, drawn by --seed ${seed}`;
}

const percent = (part: number): string => `${(100 * part).toFixed(1)}%`;

export function verificationLines(
  found: Verification,
  { folder, changes, checkpoints }: RecordedRun,
): readonly string[] {
  const { verified, intervals, seal, damaged, compared } = found;
  const wrong = intervals.filter(({ finding }) => finding !== null);
  const numClosing = intervals.filter(
    ({ finding, to }) => finding === null && checkpoints.includes(to),
  ).length;
  const counts = `${plural(compared.steps, 'step')}, ${plural(compared.digests, 'digest')}, ${plural(compared.fingerprints, 'fingerprint')}, ${plural(compared.evaluations, 'evaluation')}, ${plural(numClosing, 'closing checkpoint')}`;
  const changed = changes.map(({ what }) => what).join(', ');
  return [
    `${verified ? '✓ verified' : '✗ not verified'}   run ${folder}`,
    `  the same:  ${counts}`,
    ...wrong.map((interval) => `  ✗ ${intervalText(interval)}`),
    ...seal.findings.map(({ message }) => `  ✗ ${message}`),
    ...damaged.map((message) => `  ✗ ${message}`),
    `  files:     ${sealText(found)}`,
    ...(changed === '' ? [] : [`  changed since the run: ${changed}`]),
    `  ${coverageText(found)}`,
  ];
}

function coverageText({ intervals, missed }: Verification): string {
  if (intervals.length === 0) return 'no step is recorded, so none was computed again';
  if (missed === 0) return 'every step was computed again';
  return `one altered interval would have been missed with a probability of ${percent(missed)}; --fraction 1 computes every step again`;
}

function sealText({ seal }: Verification): string {
  const { state, intact, findings, removed, time } = seal;
  if (state === 'unsealed')
    return 'not sealed: the run has not ended in order, so that altered files show only in the intervals';
  const since = state === 'resumed' ? '; the run went on since, so that only its logs are compared' : '';
  const checked = `${intact.length} of ${intact.length + findings.length} files are as they were sealed at ${time}`;
  const gone = removed.length === 0 ? '' : `; ${plural(removed.length, 'file')} of checkpoints removed since`;
  return `${checked}${gone}${since}`;
}

const intervalText = ({ from, to, finding }: CheckedInterval): string =>
  `steps ${from + 1} to ${to}: ${findingText(finding!)}`;

function findingText(finding: Finding): string {
  if (finding.kind === 'value') return partingText(finding.parting);
  if (finding.kind === 'checkpoint')
    return `the checkpoint of step ${finding.step}: ${finding.difference.message}`;
  const { part, variable, shards, workers, step } = finding.difference;
  const where = shards === null ? '' : ` of shards ${shardsText(shards)}`;
  return `step ${step}: ${parts[part]}${where}${variable === undefined ? '' : ` (${variable})`} differs on ${workers.join(', ')}`;
}
