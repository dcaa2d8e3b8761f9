/** A display for people: a header, events, and one line that moves on a terminal (elsewhere, a line now and then). */
import type { Update } from '@lockstep/coordinator';
import type { Stream } from '../terminal.ts';
import { describeProblems } from '../type-check.ts';
import type { Display, Ending, Replayed, RunInfo } from './display.ts';
import { wrapped } from './format.ts';
import { createProgressTracker, type ProgressTracker, renderProgress } from './progress.ts';
import { replayedLines } from './replayed.ts';
import { endingLines, hashesText, headline, sentence, spares } from './sentences.ts';

const clearLine = '\r\x1b[2K';
/** The least time between two drawings of the moving line, and between two lines elsewhere. */
const redrawMs = 100;
const plainMs = 5_000;

export function createPeopleDisplay(out: Stream, now: () => number = () => performance.now()): Display {
  let info: RunInfo | undefined;
  let tracker: ProgressTracker | undefined;
  let moving = '';
  let begun = false;
  /** Workers that could not load, shown once others begin. If none begins, the error of the run gives the reason once. */
  let heldBack: string[] = [];
  let drawnAt = Number.NEGATIVE_INFINITY;

  /** The last column stays free, because some terminals wrap there. */
  const width = () => (out.isTTY ? out.columns() - 1 : Number.POSITIVE_INFINITY);

  function note(text: string): void {
    const lines = text
      .split('\n')
      .map((line) => wrapped(line, width(), '  ', '    '))
      .join('\n');
    out.write(out.isTTY && moving !== '' ? `${clearLine}${lines}\n${moving}` : `${lines}\n`);
  }

  function draw(text: string): void {
    drawnAt = now();
    if (out.isTTY) {
      moving = text.slice(0, width());
      out.write(`${clearLine}${moving}`);
    } else out.write(`${text}\n`);
  }

  function erase(): void {
    if (moving !== '') out.write(clearLine);
    moving = '';
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
    const isShown = fingerprint !== undefined && !out.isTTY;
    const hashes = isShown ? `  ${hashesText({ fingerprint, chain })}` : '';
    draw(`${renderProgress(tracker!.view(), width())}${hashes}`);
  }

  return {
    started: (started) => {
      info = started;
      tracker = createProgressTracker(started.config.batchSize, started.config.steps);
      const { minWorkers, localWorkers, join } = started;
      if (localWorkers < minWorkers) note(`waiting for workers: lockstep worker --join ${bare(join)}`);
      else if (out.isTTY) draw('  starting …');
    },
    update: (update: Update) => {
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
    page: (address) => note(`page  ${address}`),
    note,
    typeErrors: (problems) => {
      for (const line of describeProblems(problems)) note(line);
    },
    ended: (ending: Ending | Replayed) => {
      erase();
      if (ending.type === 'replayed') {
        for (const line of replayedLines(ending)) out.write(`  ${line}\n`);
        return;
      }
      if (ending.type !== 'failed') for (const text of heldBack) note(text);
      heldBack = [];
      const view = tracker?.view();
      if (view !== undefined && view.step > 0) out.write(`${renderProgress(view, width())}\n`);
      for (const line of endingLines(ending)) out.write(`  ${line}\n`);
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
