/** How many trials are proposed from the same results. */

/** The size of every generation, or the sizes of generations in turn; the list repeats. */
export type Sizes = number | readonly number[];

export const sizeOf = (sizes: Sizes, generation: number): number =>
  typeof sizes === 'number' ? sizes : sizes[generation % sizes.length]!;
