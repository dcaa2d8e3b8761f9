/** Values as places from 0 to 1 along an axis, and back. */
import { numberText } from '../format.ts';
import type { Value } from '../values.ts';
import type { ParamAxis } from './model.ts';

export interface Tick {
  readonly place: number;
  readonly text: string;
}

export interface Scale {
  /** Undefined for a value that has no place, such as NaN. Numbers beyond the ends are at the ends. */
  readonly place: (value: Value) => number | undefined;
  /** Whether a number lies beyond the ends. */
  readonly isBeyond: (value: Value) => boolean;
  /** The value at a place; the nearest option where there are options. */
  readonly valueAt: (place: number) => Value;
  /** At most about so many, in ascending order; of options all. */
  readonly ticks: (count: number) => readonly Tick[];
}

export interface Range {
  readonly lo: number;
  readonly hi: number;
  readonly log: boolean;
}

/** The scale of a range of numbers. A range of one number has it in the middle. */
export function numberScale({ lo, hi, log }: Range): Scale {
  const isLog = log && lo > 0;
  const to = (value: number): number => (isLog ? Math.log(value) : value);
  const [low, high] = [to(lo), to(hi)];
  const length = high - low;
  const place = (value: Value): number | undefined => {
    if (typeof value !== 'number' || Number.isNaN(value)) return undefined;
    if (length === 0) return 0.5;
    return value <= lo ? 0 : value >= hi ? 1 : (to(value) - low) / length;
  };
  const valueAt = (at: number): number => {
    const inside = Math.max(0, Math.min(1, at));
    const value = low + inside * length;
    return isLog ? Math.exp(value) : value;
  };
  return {
    place,
    valueAt,
    isBeyond: (value) => typeof value === 'number' && (value < lo || value > hi),
    ticks: (count) =>
      tickValues({ lo, hi, log: isLog }, count).map((value) => ({
        place: place(value)!,
        text: tickText(value),
      })),
  };
}

/** The scale of options, each in the middle of an equal part. */
export function optionScale(options: readonly Value[]): Scale {
  const at = (index: number): number => (index + 0.5) / options.length;
  return {
    place: (value) => {
      const index = options.indexOf(value);
      return index === -1 ? undefined : at(index);
    },
    isBeyond: () => false,
    valueAt: (place) =>
      options[Math.max(0, Math.min(options.length - 1, Math.floor(place * options.length)))]!,
    ticks: () => options.map((option, i) => ({ place: at(i), text: String(option) })),
  };
}

export const scaleOfAxis = (axis: ParamAxis): Scale =>
  axis.kind === 'options' ? optionScale(axis.options) : numberScale(axis);

/**
 * A scale for what was measured, with some room at both ends. Few values that are very much worse than the others would push these
 * together, so they lie beyond the end: those further from the best than three times the distance of the worst of the better
 * three quarters.
 */
export function measuredScale(
  values: readonly number[],
  direction: 'minimize' | 'maximize',
  log = false,
): Scale {
  const sign = direction === 'minimize' ? 1 : -1;
  const isLog = log && values.every((value) => !(value <= 0));
  const losses = values
    .filter(Number.isFinite)
    .map((value) => sign * (isLog ? Math.log(value) : value))
    .sort((a, b) => a - b);
  if (losses.length === 0) return numberScale({ lo: 0, hi: 1, log: false });
  const [best, worst] = [losses[0]!, losses.at(-1)!];
  const third = losses[Math.floor(0.75 * (losses.length - 1))]!;
  const limit = third > best ? Math.min(worst, best + 3 * (third - best)) : worst;
  const room = limit > best ? 0.05 * (limit - best) : Math.abs(best) * 0.1 || 1;
  const ends = [sign * (best - room), sign * (limit + room)].map((end) => (isLog ? Math.exp(end) : end));
  return numberScale({ lo: Math.min(...ends), hi: Math.max(...ends), log: isLog });
}

/** Round numbers in a range: multiples of 1, 2 or 5 times a power of ten. */
function tickValues({ lo, hi, log }: Range, count: number): readonly number[] {
  if (!(hi > lo)) return [lo];
  if (log) {
    for (const factors of [[1, 2, 5], [1, 3], [1]]) {
      const found = decadeValues(lo, hi, factors);
      if (found.length >= 2 && found.length <= count) return found;
    }
    const decades = decadeValues(lo, hi, [1]);
    if (decades.length > count) {
      return decades.filter((_, i) => i % Math.ceil(decades.length / count) === 0);
    }
  }
  const stride = niceStride((hi - lo) / Math.max(1, count));
  const first = Math.ceil(lo / stride - 1e-9);
  const last = Math.floor(hi / stride + 1e-9);
  // Fifteen digits remove what binary fractions add.
  return Array.from({ length: last - first + 1 }, (_, i) => Number(((first + i) * stride).toPrecision(12)));
}

function decadeValues(lo: number, hi: number, factors: readonly number[]): number[] {
  const found: number[] = [];
  for (let power = exponentOf(lo); power <= exponentOf(hi) + 1; power++) {
    for (const factor of factors) {
      const value = Number(`${factor}e${power}`);
      if (value >= lo * (1 - 1e-9) && value <= hi * (1 + 1e-9)) found.push(value);
    }
  }
  return found;
}

/** The least of 1, 2, 5, 10, … times a power of ten that is no less than this length. */
function niceStride(length: number): number {
  const unit = Number(`1e${exponentOf(length)}`);
  const factor = [1, 2, 5].find((one) => one * unit >= length * (1 - 1e-9)) ?? 10;
  return factor * unit;
}

/** The power of ten of the first digit. */
const exponentOf = (value: number): number => Number(value.toExponential().split('e')[1]);

/** As short as it reads at an axis: `0.05`, `1e-4`, `20k`. */
export function tickText(value: number): string {
  const size = Math.abs(value);
  if (value === 0) return '0';
  if (size < 1e-3 || size >= 1e6) {
    return value.toExponential().length > 7
      ? numberText(value)
      : value.toExponential().replace('e+', 'e').replaceAll('-', '−');
  }
  const text = size >= 1e4 && value % 100 === 0 ? `${value / 1_000}k` : String(Number(value.toPrecision(6)));
  return text.replaceAll('-', '−');
}
