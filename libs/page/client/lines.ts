/** Curves as a chart draws them. */
import { type Band, type Curve, extend, lowerBound, type Points, widthFor } from '@lockstep/view';
import type { Look, Palette } from './look.ts';

export interface Line {
  readonly key: string;
  readonly label: string;
  readonly look: Look;
  /** What is drawn; smoothed if asked. */
  readonly points: Points;
  /** The points themselves behind a smoothed line. */
  readonly raw?: Points;
  /** The range over runs of which `points` is the mean. */
  readonly band?: Band;
}

/** A step at which something happened. */
export interface StepMark {
  readonly step: number;
  readonly text: string;
}

/** What a chart shows: lines in a window of steps. */
export interface ChartContent {
  readonly lines: readonly Line[];
  readonly from: number;
  readonly to: number;
  /** Across which the steps are drawn, nearly. */
  readonly pixels: number;
  readonly isLog: boolean;
  readonly marks: readonly StepMark[];
  readonly palette: Palette;
}

export interface Extent {
  readonly least: number;
  readonly greatest: number;
}

/** Indices of the points in a window, with one more on either side. */
export function indicesIn(
  { steps }: Points,
  from: number,
  to: number,
): readonly [begin: number, end: number] {
  const begin = Math.max(0, lowerBound(steps, from) - 1);
  return [begin, Math.min(steps.length, lowerBound(steps, to) + 1)];
}

/** The range of finite values in a window; undefined where there are none. On a logarithmic scale of those above 0. */
export function extentOf(
  lines: readonly Line[],
  from: number,
  to: number,
  isLog: boolean,
): Extent | undefined {
  let [least, greatest] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  const widen = (points: Points): void => {
    const [begin, end] = indicesIn(points, from, to);
    for (let i = begin; i < end; i++) {
      const value = points.values[i]!;
      if (!Number.isFinite(value) || (isLog && value <= 0)) continue;
      if (value < least) least = value;
      if (value > greatest) greatest = value;
    }
  };
  for (const { points, raw, band } of lines) {
    widen(raw ?? points);
    if (band !== undefined) {
      widen({ steps: band.steps, values: band.least });
      widen({ steps: band.steps, values: band.greatest });
    }
  }
  return least <= greatest ? { least, greatest } : undefined;
}

const reduced = new WeakMap<Curve, Map<number, Curve>>();

const nothing: Points = { steps: [], values: [] };

/** The curve with no more points than its pixels show: one column a pixel or more, which covers the same pixels. */
export function fitted(curve: Curve, from: number, to: number, pixels: number): Curve {
  const width = widthFor(from, to, 2 * pixels);
  if (width <= curve.width) return curve;
  const known = reduced.get(curve) ?? new Map<number, Curve>();
  reduced.set(curve, known);
  const fresh = known.get(width) ?? extend(curve, nothing, width);
  known.set(width, fresh);
  return fresh;
}

/** The value of a line at a step: that of the nearest point, if there is one within `reach`. */
export function valueAt({ steps, values }: Points, step: number, reach: number): number | undefined {
  const right = lowerBound(steps, step);
  const left = right - 1;
  const [before, after] = [steps[left], steps[right]];
  const isLeft = before !== undefined && (after === undefined || step - before < after - step);
  const [at, near] = isLeft ? [left, before] : [right, after];
  return near !== undefined && Math.abs(near - step) <= reach ? values[at] : undefined;
}

/** The first step with a value that is not finite. */
export function firstBroken({ steps, values }: Points): number | undefined {
  for (let i = 0; i < steps.length; i++) if (!Number.isFinite(values[i]!)) return steps[i];
  return undefined;
}
