/** What a worker's steps took, summed over columns of steps, whose width doubles when they become too many. */
import { lowerBound } from './curve.ts';

/** Times of one step of one worker, in milliseconds, and bytes that it exchanged. */
export interface StepWork {
  readonly step: number;
  readonly stepMs: number;
  readonly computeMs: number;
  readonly waitMs: number;
  readonly networkMs: number;
  readonly sentBytes: number;
  readonly receivedBytes: number;
}

export const workFields = [
  'stepMs',
  'computeMs',
  'waitMs',
  'networkMs',
  'sentBytes',
  'receivedBytes',
] as const satisfies readonly (keyof StepWork)[];

export type WorkField = (typeof workFields)[number];

/** Sums over columns; a step that was computed again after a loss of workers counts again. */
export interface Work extends Readonly<Record<WorkField, Float64Array>> {
  /** Steps of a column, a power of two. */
  readonly width: number;
  /** The first step of each column, ascending; columns without work are left out. */
  readonly columns: Float64Array;
  /** Steps that were computed in each column. */
  readonly counts: Float64Array;
}

const tables = ['columns', 'counts', ...workFields] as const;

/** Never more columns than these. */
export const maxWorkColumns = 1_024;

/** Work that grows while its run goes on. */
export class GrowingWork {
  readonly #limit: number;
  #width = 1;
  #length = 0;
  readonly #sums: Record<(typeof tables)[number], Float64Array>;

  constructor(limit: number = maxWorkColumns) {
    this.#limit = limit;
    this.#sums = Object.fromEntries(tables.map((name) => [name, new Float64Array(limit)])) as never;
  }

  add(work: StepWork): void {
    this.#addTo(work.step, 1, (field) => work[field]);
  }

  /** Adds sums over columns of this width or of a narrower one. */
  addAll(work: Work): void {
    while (this.#width < work.width) this.#coarsen();
    for (const [i, column] of work.columns.entries()) {
      this.#addTo(column, work.counts[i]!, (field) => work[field][i]!);
    }
  }

  /** A copy. */
  get(): Work {
    const columns = tables.map((name) => [name, this.#sums[name].slice(0, this.#length)]);
    return { width: this.#width, ...Object.fromEntries(columns) };
  }

  get isEmpty(): boolean {
    return this.#length === 0;
  }

  #addTo(step: number, count: number, of: (field: WorkField) => number): void {
    let at = this.#find(step);
    while (at === undefined) {
      this.#coarsen();
      at = this.#find(step);
    }
    this.#sums.counts[at]! += count;
    for (const field of workFields) this.#sums[field][at]! += of(field);
  }

  /** The column of a step, which is made where there is none; undefined where there is no room for it. */
  #find(step: number): number | undefined {
    const { columns } = this.#sums;
    const column = Math.floor(step / this.#width) * this.#width;
    const isLast = this.#length > 0 && columns[this.#length - 1] === column;
    const at = isLast ? this.#length - 1 : lowerBound(columns.subarray(0, this.#length), column);
    if (at < this.#length && columns[at] === column) return at;
    if (this.#length === this.#limit) return undefined;
    for (const name of tables) {
      this.#sums[name].copyWithin(at + 1, at, this.#length);
      this.#sums[name][at] = 0;
    }
    columns[at] = column;
    this.#length++;
    return at;
  }

  #coarsen(): void {
    this.#width *= 2;
    const { columns } = this.#sums;
    let kept = -1;
    for (let i = 0; i < this.#length; i++) {
      const column = Math.floor(columns[i]! / this.#width) * this.#width;
      if (kept === -1 || columns[kept] !== column) {
        kept++;
        for (const name of tables) this.#sums[name][kept] = this.#sums[name][i]!;
        columns[kept] = column;
      } else {
        for (const name of tables) if (name !== 'columns') this.#sums[name][kept]! += this.#sums[name][i]!;
      }
    }
    this.#length = kept + 1;
  }
}
