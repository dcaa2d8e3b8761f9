/** Functions of doubles that have the same bits on every machine, so that a scale finds the same everywhere. */
import { hostMath } from '@lockstep/kernels';

export const { log, pow } = hostMath;

/** The place of a value between two others on a logarithmic axis, from 0 to 1; the middle where they are equal. */
export const logPart = (value: number, low: number, high: number): number =>
  high === low ? 0.5 : log(value / low) / log(high / low);

/** So many values from `low` to `high`, at even distances on a logarithmic axis. */
export const logSpaced = (low: number, high: number, count: number): readonly number[] =>
  Array.from({ length: count }, (_, i) => low * pow(high / low, i / Math.max(1, count - 1)));
