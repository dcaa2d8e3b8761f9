/** Says what a command computes again before it begins, and shows how far it is. */
import type { Terminal } from '../terminal.ts';
import { bar, duration, plural, rate } from './format.ts';

export interface Recomputation {
  /** Steps are about to be computed from the state of step `from`. `seconds`: how long that may take, if it is known. */
  start(from: number, numSteps: number, seconds: number | undefined): void;
  /** A step has been computed. */
  step(step: number): void;
  /** Removes what moves. */
  end(): void;
}

const clearLine = '\r\x1b[2K';
/** The least time between two drawings. */
const redrawMs = 100;
const barCells = 20;

/** For people: a line on the terminal's errors, since the answer goes to its output. With `json`, an object there. */
export function createRecomputation(
  { out, err }: Terminal,
  json: boolean,
  now: () => number = () => performance.now(),
): Recomputation {
  let [first, numSteps, startedAt, drawnAt] = [0, 0, 0, 0];
  let isDrawn = false;
  return {
    start(from, steps, seconds) {
      [first, numSteps, startedAt] = [from, steps, now()];
      if (json)
        out.write(
          `${JSON.stringify({ event: 'cost', from, steps, ...(seconds !== undefined && { seconds }) })}\n`,
        );
      else if (steps > 1) err.write(`lockstep: ${costText(from, steps, seconds)}\n`);
    },
    step(step) {
      const at = now();
      if (json || !err.isTTY || at - drawnAt < redrawMs) return;
      const done = step - first;
      const left = ((at - startedAt) / done) * (numSteps - done);
      const line = `  step ${step}/${first + numSteps} ${bar(done / numSteps, barCells)}  ${duration(left / 1_000)} left`;
      err.write(`${clearLine}${line.slice(0, err.columns() - 1)}`);
      [isDrawn, drawnAt] = [true, at];
    },
    end() {
      if (isDrawn) err.write(clearLine);
      isDrawn = false;
    },
  };
}

/** `computes 37 steps from the checkpoint of step 400; about 12 s`. */
export function costText(from: number, numSteps: number, seconds: number | undefined): string {
  const where = from === 0 ? 'the seed' : `the checkpoint of step ${rate(from)}`;
  const time = seconds === undefined ? '' : `; about ${secondsText(seconds)}`;
  return `computes ${plural(numSteps, 'step')} from ${where}${time}`;
}

const secondsText = (seconds: number): string =>
  seconds < 100 ? `${Math.max(1, Math.round(seconds))} s` : duration(seconds);
