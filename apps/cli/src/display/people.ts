/** A display for people: a header, events, and lines that move on a terminal (elsewhere, a line now and then). */
import type { Update } from '@lockstep/coordinator';
import type { Stream } from '../terminal.ts';
import { describeProblems } from '../type-check.ts';
import { coloured } from './colour.ts';
import type { Display, Ending, Replayed, RunInfo } from './display.ts';
import { wrapped } from './format.ts';
import { memberLines, waitingText } from './member-lines.ts';
import { createMemberTracker } from './member-times.ts';
import { createMovingLines } from './moving-lines.ts';
import { createProgressTracker, type ProgressTracker, renderProgress } from './progress.ts';
import { replayedLines } from './replayed.ts';
import { endingLines, hashesText, headline, sentence, spares } from './sentences.ts';

/** The least time between two drawings of the moving lines, and between two lines elsewhere. */
const redrawMs = 100;
const plainMs = 5_000;

export interface PeopleOptions {
  /** Shows addresses, warnings and the result alone. Default false. */
  readonly isQuiet?: boolean;
  /** Milliseconds. */
  readonly now?: () => number;
}

export function createPeopleDisplay(
  out: Stream,
  { isQuiet = false, now = () => performance.now() }: PeopleOptions = {},
): Display {
  let info: RunInfo | undefined;
  let tracker: ProgressTracker | undefined;
  const memberTracker = createMemberTracker();
  const moving = createMovingLines(out);
  let begun = false;
  /** Workers that could not load, shown once others begin. If none begins, the error of the run gives the reason once. */
  let heldBack: string[] = [];
  let drawnAt = Number.NEGATIVE_INFINITY;

  /** The last column stays free, because some terminals wrap there. */
  const width = () => (out.isTTY ? out.columns() - 1 : Number.POSITIVE_INFINITY);

  const fitted = (line: string): string => coloured(wrapped(line, width(), '  ', '    '), out);

  /** Shows a line that stays. */
  function tell(text: string): void {
    moving.above(text.split('\n').map(fitted).join('\n'));
  }

  /** A note that is no warning is left out where it is to be quiet. */
  function note(text: string): void {
    if (!isQuiet || text.startsWith('!')) tell(text);
  }

  function draw(lines: readonly string[]): void {
    drawnAt = now();
    if (isQuiet) return;
    if (out.isTTY) moving.draw(lines.map((line) => line.slice(0, width())));
    else out.write(`${lines.join('  ')}\n`);
  }

  function begin(numWorkers: number, profile: string): void {
    begun = true;
    for (const text of heldBack.splice(0)) note(text);
    note(headline(info!, numWorkers, profile));
    const spare = spares(info!);
    if (spare !== undefined) note(spare);
  }

  /** On a terminal the next line would hide the hashes at once. */
  function progress({ fingerprint, report: { chain } }: Extract<Update, { type: 'progress' }>): void {
    if (now() - drawnAt < (out.isTTY ? redrawMs : plainMs)) return;
    const line = renderProgress(tracker!.view(), width());
    const members = memberTracker.members();
    if (out.isTTY) {
      draw([line, ...memberLines(members, width())]);
      return;
    }
    const hashes = fingerprint === undefined ? '' : hashesText({ fingerprint, chain });
    draw([line, waitingText(members), hashes].filter((part) => part !== ''));
  }

  return {
    started: (started) => {
      info = started;
      tracker = createProgressTracker(started.config.batchSize, started.config.steps);
      const { minWorkers, localWorkers, join } = started;
      if (localWorkers < minWorkers) tell(`waiting for workers: lockstep worker --join ${bare(join)}`);
      else if (out.isTTY) draw(['  starting …']);
    },
    update: (update: Update) => {
      memberTracker.see(update);
      if (update.type === 'event' && update.event.type === 'generation' && !begun) {
        begin(update.event.workers.length, update.event.profile);
        return;
      }
      if (update.type === 'progress') {
        tracker?.add(update.step, update.report, now());
        progress(update);
        return;
      }
      if (!isOfInterest(update, info, begun)) return;
      const text = sentence(update);
      if (text === undefined) return;
      if (!begun && isFailedLoading(update)) heldBack.push(text);
      else note(text);
    },
    page: (address) => tell(`page  ${address}`),
    note,
    typeErrors: (problems) => tell(describeProblems(problems).join('\n')),
    ended: (ending: Ending | Replayed) => {
      moving.erase();
      if (ending.type === 'replayed') {
        tell(replayedLines(ending).join('\n'));
        return;
      }
      if (ending.type !== 'failed') for (const text of heldBack) note(text);
      heldBack = [];
      const view = tracker?.view();
      if (view !== undefined && view.step > 0 && !isQuiet) out.write(`${renderProgress(view, width())}\n`);
      tell(endingLines(ending).join('\n'));
    },
  };
}

/** Whether a worker could not load the experiment or its data, and is not started again. */
function isFailedLoading(update: Update): boolean {
  if (update.type === 'notice') return update.notice.type === 'workerGivenUp';
  return update.type === 'event' && update.event.type === 'refused' && update.event.code === 'failed';
}

/** Local workers that join and leave while they load are not shown. */
function isOfInterest(update: Update, info: RunInfo | undefined, begun: boolean): boolean {
  const isComing = update.type === 'event' && ['joined', 'lost'].includes(update.event.type);
  return !isComing || begun || info?.localWorkers === 0;
}

function bare(endpoint: string): string {
  return endpoint.replace(/^tcp:\/\//, '');
}
