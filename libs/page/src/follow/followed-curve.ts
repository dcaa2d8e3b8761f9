/** A metric of a run that goes on: all points, what they come to, and which of them were passed on. */
import { isRising } from '@lockstep/records';
import { type CurveKind, type Points, Series, type Summary, thin, widthFor } from '@lockstep/view';

/** More new points at once are thinned before they are passed on. */
const maxNewPoints = 256;

export class FollowedCurve {
  readonly kind: CurveKind;
  readonly series = new Series();
  readonly #sign: number;
  #best: { readonly step: number; readonly value: number } | undefined;
  #numPassed = 0;

  constructor(name: string, kind: CurveKind) {
    this.kind = kind;
    this.#sign = isRising(name) ? -1 : 1;
  }

  set(step: number, value: number): void {
    this.series.set(step, value);
    this.#see(step, value);
  }

  /** Removes points that no longer hold. */
  keep(holds: (step: number) => boolean): void {
    const { steps, values } = this.series.from(0);
    this.series.clear();
    this.#best = undefined;
    this.#numPassed = 0;
    for (let i = 0; i < steps.length; i++) if (holds(steps[i]!)) this.set(steps[i]!, values[i]!);
  }

  /** Undefined without points. */
  summary(): Summary | undefined {
    const { steps, values } = this.series;
    const [lastStep, last] = [steps.at(-1), values.at(-1)];
    if (lastStep === undefined || last === undefined) return undefined;
    return { last, lastStep, ...(this.#best && { best: this.#best.value, bestStep: this.#best.step }) };
  }

  /** Points since the last call; undefined where there are none. */
  takeNew(): Points | undefined {
    const points = this.series.from(this.#numPassed);
    this.#numPassed = this.series.length;
    const { length } = points.steps;
    if (length === 0) return undefined;
    if (length <= maxNewPoints) return points;
    return thin(points, widthFor(points.steps[0]!, points.steps[length - 1]!, maxNewPoints / 4));
  }

  #see(step: number, value: number): void {
    if (Number.isNaN(value)) return;
    if (this.#best === undefined || this.#sign * value < this.#sign * this.#best.value) {
      this.#best = { step, value };
    }
  }
}
