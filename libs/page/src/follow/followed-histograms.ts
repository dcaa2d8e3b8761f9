/** The histograms of a run, read as they are written. */
import { join } from 'node:path';
import {
  histogramsFrom,
  histogramsName,
  type LogRecord,
  LogTail,
  lengthChanged,
  type TailChange,
} from '@lockstep/tracking';
import { fewer, type HistogramStep } from '@lockstep/view';

/** More steps are thinned to half of them. */
const maxSteps = 256;

export class FollowedHistograms {
  readonly #tail: LogTail;
  #steps: HistogramStep[] = [];
  #fresh: HistogramStep[] = [];
  #isRevised = false;

  constructor(folder: string) {
    this.#tail = new LogTail(join(folder, histogramsName));
  }

  /** Reads what was added. */
  read(): Promise<TailChange> {
    return this.#tail.read((line) => this.#add(line));
  }

  view(most: number): readonly HistogramStep[] {
    return fewer(this.#steps, most);
  }

  /** Those since the last call; undefined where there are none. */
  takeFresh(): readonly HistogramStep[] | undefined {
    const fresh = this.#fresh;
    this.#fresh = [];
    return fresh.length === 0 ? undefined : fresh;
  }

  /** Whether steps that were there have gone since the last call. */
  takeRevised(): boolean {
    const isRevised = this.#isRevised;
    this.#isRevised = false;
    return isRevised;
  }

  #add(line: LogRecord): void {
    const { kind, step } = line;
    if (typeof step !== 'number') return;
    if (kind === lengthChanged) {
      this.#steps = this.#steps.filter((one) => one.step <= step);
      this.#isRevised = true;
      return;
    }
    const found = histogramsFrom(step, line);
    // A step that was computed again has the same histograms.
    if (found === undefined || step <= (this.#steps.at(-1)?.step ?? -1)) return;
    const { params, gradients, updates } = found;
    const added = { step, params, gradients, updates };
    this.#steps.push(added);
    this.#fresh.push(added);
    if (this.#steps.length > maxSteps) this.#steps = [...fewer(this.#steps, maxSteps / 2)];
  }
}
