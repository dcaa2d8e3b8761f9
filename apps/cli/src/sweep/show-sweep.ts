/** `lockstep sweep show`: a sweep as its folder has it, while it is trained or afterwards. It writes nothing. */
import { readSweep, type SweepRecord } from '@lockstep/sweep';
import { formatLine } from '@lockstep/tracking';
import { plural } from '../display/format.ts';
import { leftOut } from '../display/records.ts';
import { exitCodes } from '../errors.ts';
import type { OutputArgs } from '../options.ts';
import { isLocked } from '../run-lock.ts';
import { type Terminal, widthOf } from '../terminal.ts';
import { type Selection, selectTrials } from './select-trials.ts';
import { isOver, paramsText, progressText, trialTable, valueText } from './trial-table.ts';

interface ShowArgs extends OutputArgs, Selection {
  readonly folder: string;
}

/** Resolves with the exit code. Warnings of damaged lines go to the errors of the terminal. */
export async function showSweep(args: ShowArgs, { out, err }: Terminal): Promise<number> {
  const folder = args.folder.replace(/(?<=.)\/+$/, '');
  const sweep = await readSweep(folder, { isRunning: isLocked });
  const trials = selectTrials(sweep, args);
  for (const warning of sweep.warnings) err.write(`lockstep: ${warning}\n`);
  if (args.json) out.write(formatLine({ ...sweep, trials }));
  else for (const line of sweepLines({ ...sweep, trials }, sweep, widthOf(out))) out.write(`  ${line}\n`);
  return exitCodes.done;
}

/** `shown` has the selected trials. */
function sweepLines(shown: SweepRecord, sweep: SweepRecord, width: number): readonly string[] {
  const { manifest, objectives, trials, numTrials, folder } = sweep;
  const { name, profile, sweep: described } = manifest;
  const seeds = described.repeats === 1 ? '' : ` × ${plural(described.repeats, 'seed')}`;
  const header = `${name} · ${described.search.name} · ${plural(numTrials, 'trial')}${seeds} · profile ${profile}`;
  const numLeft = trials.length - shown.trials.length;
  const table = trialTable(shown.trials, objectives, width - 2);
  return [
    header,
    `${folder}: ${stateText(sweep)}`,
    progressText(trials, numTrials),
    ...(shown.trials.length > 0 ? table.lines : []),
    ...(table.left.length > 0 ? [leftOut(table.left)] : []),
    ...(numLeft > 0 ? [`(${plural(numLeft, 'trial')} not selected)`] : []),
    ...failureLines(shown),
    ...bestLines(sweep),
    ...(sweep.tableSha256 === undefined ? [] : [`table ${sweep.tableSha256}`]),
  ];
}

function stateText({ isRunning, tableSha256, folder }: SweepRecord): string {
  if (isRunning === true) return 'is trained now';
  if (tableSha256 !== undefined) return 'has ended';
  if (isRunning === undefined) return 'nobody can say whether it is trained: its lock is of another machine';
  return `was stopped; lockstep sweep --resume ${folder} goes on`;
}

/** Why trials failed. */
function failureLines({ trials }: SweepRecord): readonly string[] {
  return trials.flatMap(({ number, reason }) =>
    reason === undefined ? [] : [`trial ${number}: ${reason.split('\n')[0]}`],
  );
}

function bestLines({ best, trials, objectives }: SweepRecord): readonly string[] {
  const winner = trials.find(({ number }) => number === best);
  if (winner === undefined)
    return trials.some(({ status }) => isOver(status)) ? ['no trial has a value'] : [];
  const { number, value, spread, params } = winner;
  return [
    `best: trial ${number}, ${objectives[0]!.metric} ${valueText(value!, spread)}, ${paramsText(params)}`,
  ];
}
