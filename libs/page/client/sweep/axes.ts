/** The axes of parallel coordinates: where they lie, and which part of them is chosen. */
import {
  type Brush,
  type ParamAxis,
  paramOf,
  type RangeBrush,
  type Scale,
  type SweepView,
  scaleOfAxis,
  type TrialView,
  type Value,
} from '@lockstep/view';
import { objectiveScale } from './contents.ts';

export interface Axis {
  readonly id: string;
  readonly title: string;
  readonly scale: Scale;
  readonly options: readonly Value[] | undefined;
  /** Its value in a trial. */
  readonly in: (trial: TrialView) => Value | undefined;
}

/** Where axes lie: side by side on wide screens, below each other on narrow ones. */
export interface Layout {
  readonly isWide: boolean;
  readonly width: number;
  readonly height: number;
  /** The point of a place from 0 to 1 on an axis; below 0 is where trials without a value go. */
  readonly at: (axis: number, place: number) => { readonly x: number; readonly y: number };
  /** The place of a point along the axes. */
  readonly placeOf: (x: number, y: number) => number;
  /** Across the axes: 1.5 is half way from the second to the third. */
  readonly across: (x: number, y: number) => number;
}

/** What chooses a part of an axis. */
export interface AxisControl {
  readonly element: SVGElement;
  show(brush: Brush | undefined): void;
}

const height = 320;
const rowHeight = 74;

/** Trials without a value have this place. */
export const nowhere = -0.09;

export function layoutOf(numAxes: number, width: number): Layout {
  const isWide = width >= 110 * numAxes && width > 520;
  if (isWide) {
    const [top, bottom, side] = [46, height - 34, Math.min(90, width / numAxes / 2)];
    const gap = (width - 2 * side) / Math.max(1, numAxes - 1);
    return {
      ...{ isWide, width, height },
      at: (axis, place) => ({ x: side + axis * gap, y: bottom - place * (bottom - top) }),
      placeOf: (_x, y) => (bottom - y) / (bottom - top),
      across: (x) => (x - side) / gap,
    };
  }
  const [left, right, top] = [30, width - 18, 34];
  return {
    ...{ isWide, width, height: rowHeight * (numAxes - 1) + top + 30 },
    at: (axis, place) => ({ x: left + place * (right - left), y: top + axis * rowHeight }),
    placeOf: (x) => (x - left) / (right - left),
    across: (_x, y) => (y - top) / rowHeight,
  };
}

export function axesOf(sweep: SweepView, isLog: boolean): readonly Axis[] {
  const { facts } = sweep;
  const ofParam = (axis: ParamAxis): Axis => ({
    ...{ id: axis.id, title: axis.id, scale: scaleOfAxis(axis) },
    options: axis.kind === 'options' ? axis.options : undefined,
    in: (trial) => paramOf(axis, trial),
  });
  const objectives = facts.objectives.map(
    (objective, i): Axis => ({
      ...{ id: objective.metric, title: objective.metric, options: undefined },
      scale: objectiveScale(sweep, i, isLog, objective),
      in: ({ values }) => values[i],
    }),
  );
  return [...facts.axes.map(ofParam), ...objectives];
}

/** The values between two places of an axis; those beyond its ends too where the place is an end. */
export function rangeBetween({ id, scale }: Axis, low: number, high: number): RangeBrush | undefined {
  const [from, to] = [Math.max(0, Math.min(low, high)), Math.min(1, Math.max(low, high))];
  if (from <= 0 && to >= 1) return undefined;
  const tidy = (value: Value): number => Number(Number(value).toPrecision(4));
  return {
    axis: id,
    from: from <= 0 ? Number.NEGATIVE_INFINITY : tidy(scale.valueAt(from)),
    to: to >= 1 ? Number.POSITIVE_INFINITY : tidy(scale.valueAt(to)),
  };
}
