/** Counts steps that are computed again, in one line that is drawn over on a terminal. */
import type { Stream } from '../terminal.ts';

export interface StepCounter {
  readonly numSteps: number;
  readonly step: (step: number) => void;
  /** Removes the line. */
  end(): void;
}

const clearLine = '\r\x1b[2K';
const intervalMs = 100;

export function createStepCounter(stream: Stream, isQuiet: boolean): StepCounter {
  let numSteps = 0;
  let drawnAt = Number.NEGATIVE_INFINITY;
  const isDrawn = stream.isTTY && !isQuiet;
  return {
    get numSteps() {
      return numSteps;
    },
    step(step) {
      numSteps++;
      const now = performance.now();
      if (!isDrawn || now - drawnAt < intervalMs) return;
      drawnAt = now;
      stream.write(`${clearLine}step ${step}, ${numSteps} computed`);
    },
    end() {
      if (isDrawn && numSteps > 0) stream.write(clearLine);
    },
  };
}
