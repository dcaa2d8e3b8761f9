/** A curve that grows while its run goes on, with all of its points. */
import { lowerBound, type Points } from './curve.ts';

export class Series implements Points {
  #steps = new Float64Array(64);
  #values = new Float64Array(64);
  #length = 0;

  get length(): number {
    return this.#length;
  }

  get steps(): Float64Array {
    return this.#steps.subarray(0, this.#length);
  }

  get values(): Float64Array {
    return this.#values.subarray(0, this.#length);
  }

  /** Sets the value of a step, which may come again or late: what a log says last counts. */
  set(step: number, value: number): void {
    const last = this.#steps[this.#length - 1];
    if (this.#length === 0 || step > last!) {
      this.#append(step, value);
      return;
    }
    const at = lowerBound(this.steps, step);
    if (this.#steps[at] !== step) {
      this.#append(last!, this.#values[this.#length - 1]!);
      this.#steps.copyWithin(at + 1, at, this.#length - 1);
      this.#values.copyWithin(at + 1, at, this.#length - 1);
      this.#steps[at] = step;
    }
    this.#values[at] = value;
  }

  clear(): void {
    this.#length = 0;
  }

  /** Points from an index on, as a copy. */
  from(index: number): Points {
    return { steps: this.steps.slice(index), values: this.values.slice(index) };
  }

  #append(step: number, value: number): void {
    if (this.#length === this.#steps.length) {
      this.#steps = doubled(this.#steps);
      this.#values = doubled(this.#values);
    }
    this.#steps[this.#length] = step;
    this.#values[this.#length] = value;
    this.#length++;
  }
}

function doubled(array: Float64Array): Float64Array<ArrayBuffer> {
  const larger = new Float64Array(2 * array.length);
  larger.set(array);
  return larger;
}
