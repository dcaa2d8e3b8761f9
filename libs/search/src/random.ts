/**
 * Random numbers of a sweep. They are keyed by the sweep's seed, the trial's number and the parameter's name: another parameter
 * or another trial does not move them.
 */
import { fillRandomBits, foldIn, type Key, keyFromSeed, purposes } from '@lockstep/rng';

/** The key of one trial. */
export const trialKey = (seed: number, trial: number): Key =>
  foldIn(foldIn(keyFromSeed(seed), purposes.sweep), trial);

/** The key of a sweep for what belongs to no single trial, such as the scrambling of a sequence. */
export const sweepKey = (seed: number, use: string): Key =>
  foldIn(foldIn(keyFromSeed(seed), purposes.sweep), use);

/** A uniform number in [0, 1), with 53 random bits. */
export const uniformOf = (key: Key): number => uniforms(key, 1)[0]!;

/** The first `count` uniform numbers of a key's stream. */
export function uniforms(key: Key, count: number): Float64Array {
  const bits = new Uint32Array(2 * count);
  fillRandomBits(bits, key);
  return Float64Array.from({ length: count }, (_, i) => toUnit(bits[2 * i]!, bits[2 * i + 1]!));
}

const toUnit = (high: number, low: number): number => ((high >>> 5) * 2 ** 26 + (low >>> 6)) / 2 ** 53;
