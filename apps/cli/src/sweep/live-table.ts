/** What a sweep shows on a terminal while it is trained: how far it is, its best trials, and those that are trained now. */
import { type Objective, type RecordedTrial, ranked } from '@lockstep/search';
import type { RepeatRecord, SweepRun, TrialRecord } from '@lockstep/sweep';
import { bar, duration } from '../display/format.ts';
import { trialTable } from './trial-table.ts';

export type ShownRun = Pick<SweepRun, 'trial' | 'repeat' | 'seed' | 'params'>;

export interface LiveTable {
  begun(run: ShownRun): void;
  step(run: Pick<ShownRun, 'trial' | 'repeat'>, step: number, totalSteps: number | undefined): void;
  /** A run has ended or pauses at a rung. */
  ended(run: Pick<ShownRun, 'trial' | 'repeat'>): void;
  recorded(trial: RecordedTrial): void;
  /** At most `maxLines` lines; columns that find no room in `width` are left out. */
  lines(width: number, maxLines: number): readonly string[];
}

const maxBest = 5;
const barCells = 20;
/** From fewer trials the time that is left is not told. */
const minTimed = 3;

/** `known`: trials that an earlier process has recorded. */
export function createLiveTable(
  objectives: readonly Objective[],
  numTrials: number,
  known: readonly RecordedTrial[],
  now: () => number = () => performance.now(),
): LiveTable {
  const recorded = new Map(known.map((trial) => [trial.number, trial]));
  const running = new Map<string, ShownRun & Pick<RepeatRecord, 'step' | 'totalSteps'>>();
  const startedAt = now();
  const secondsLeft = (): number | undefined => {
    const numNew = recorded.size - known.length;
    if (numNew < minTimed) return undefined;
    return ((now() - startedAt) / 1_000 / numNew) * (numTrials - recorded.size);
  };
  return {
    begun: (run) => void running.set(keyOf(run), { ...run, step: 0 }),
    step(run, step, totalSteps) {
      const found = running.get(keyOf(run));
      if (found === undefined) return;
      running.set(keyOf(run), { ...found, step, ...(totalSteps !== undefined && { totalSteps }) });
    },
    ended: (run) => void running.delete(keyOf(run)),
    recorded: (trial) => void recorded.set(trial.number, trial),
    lines(width, maxLines) {
      const header = progressLine([...recorded.values()], numTrials, secondsLeft());
      const now = [...running.values()].map(runningRow);
      const room = Math.max(0, maxLines - 2);
      const shownNow = now.slice(0, Math.max(1, room - 1));
      const best = ranked(objectives[0]!, [...recorded.values()])
        .filter(({ result }) => result.status === 'complete')
        .slice(0, Math.max(0, Math.min(maxBest, room - shownNow.length)))
        .map(finishedRow);
      const rows = [...best, ...shownNow];
      if (rows.length === 0 || room === 0) return [header];
      return [header, ...trialTable(rows, objectives, width - 2).lines.map((line) => `  ${line}`)];
    },
  };
}

const keyOf = ({ trial, repeat }: Pick<ShownRun, 'trial' | 'repeat'>): string => `${trial}/${repeat}`;

function runningRow(run: ShownRun & Pick<RepeatRecord, 'step' | 'totalSteps'>): TrialRecord {
  const { trial, seed, params, step, totalSteps } = run;
  const repeat: RepeatRecord = { seed, step, ...(totalSteps !== undefined && { totalSteps }) };
  return { number: trial, params, status: 'running', values: [], repeats: [repeat] };
}

function finishedRow({ number, params, result }: RecordedTrial): TrialRecord {
  const { values, spreads, repeats = [], steps = 0 } = result;
  const spread = spreads?.[0];
  return {
    ...{ number, params, values, status: 'finished' },
    ...(typeof spread === 'number' && { spread }),
    repeats: repeats.map(({ seed, values: own }) => ({ seed, step: steps, values: own })),
  };
}

function progressLine(
  trials: readonly RecordedTrial[],
  numTrials: number,
  secondsLeft: number | undefined,
): string {
  const count = (status: RecordedTrial['result']['status']): string => {
    const n = trials.filter(({ result }) => result.status === status).length;
    return n === 0 ? '' : `  ${n} ${status}`;
  };
  const others = [count('pruned'), count('failed'), count('cancelled')].join('');
  const left = secondsLeft === undefined ? '' : `  about ${duration(secondsLeft)} left`;
  return `  ${bar(trials.length / numTrials, barCells)} ${trials.length}/${numTrials} trials${others}${left}`;
}
