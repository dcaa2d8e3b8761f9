/**
 * Replacements for parameters and gradients: 32-bit hashes that depend on everything the real values depend on. Equal
 * hashes mean that every shard of every step was computed once, from the right state, and reduced in order.
 */

/** Mixes whole numbers into one that depends on their order (the finalizer of MurmurHash3). */
export function mix(...numbers: readonly number[]): number {
  let hash = 0x9e3779b9;
  for (const number of numbers) {
    hash = Math.imul(hash ^ number, 0x85ebca6b);
    hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
    hash ^= hash >>> 16;
  }
  return hash >>> 0;
}

export function initialParams(seed: number): number {
  return mix(seed);
}

/** The partial of one shard for an exchange of a step, computed from `params`. */
export function shardPartial(params: number, step: number, exchange: number, shard: number): number {
  return mix(params, step, exchange, shard);
}

export function updatedParams(params: number, step: number, sums: readonly number[]): number {
  return mix(params, step, ...sums);
}

/** States 0 to `numSteps`, as one process computes them. */
export function trajectory(
  seed: number,
  numSteps: number,
  numSegments: number,
  numShards: number,
): readonly number[] {
  const states = [initialParams(seed)];
  for (let step = 1; step <= numSteps; step++) {
    const params = states[step - 1]!;
    const sums = Array.from({ length: numSegments }, (_, segment) =>
      mix(...Array.from({ length: numShards }, (_, shard) => shardPartial(params, step, segment, shard))),
    );
    states.push(updatedParams(params, step, sums));
  }
  return states;
}
