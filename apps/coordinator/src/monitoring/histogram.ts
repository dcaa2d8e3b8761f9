/** Counts of values up to bounds, as Prometheus keeps them: each bucket counts those of the buckets below too. */
import type { Sample } from './text-format.ts';

export class Histogram {
  readonly #bounds: readonly number[];
  /** Of values in each bucket alone; the last one has no bound. */
  readonly #counts: number[];
  #sum = 0;

  /** `bounds`: ascending. */
  constructor(bounds: readonly number[]) {
    this.#bounds = bounds;
    this.#counts = Array<number>(bounds.length + 1).fill(0);
  }

  add(value: number): void {
    const at = this.#bounds.findIndex((bound) => value <= bound);
    this.#counts[at === -1 ? this.#bounds.length : at]! += 1;
    this.#sum += value;
  }

  samples(): readonly Sample[] {
    let count = 0;
    const buckets = this.#counts.map((own, i): Sample => {
      count += own;
      const bound = this.#bounds[i];
      return {
        suffix: '_bucket',
        labels: { le: bound === undefined ? '+Inf' : String(bound) },
        value: count,
      };
    });
    return [...buckets, { suffix: '_sum', value: this.#sum }, { suffix: '_count', value: count }];
  }
}
