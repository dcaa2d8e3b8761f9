/** Parts of axes that people have chosen, by which trials are told apart. */
import type { Value } from '../values.ts';
import { type ParamAxis, paramOf, type SweepFacts, type TrialView } from './model.ts';

/** Both ends are included, and may be infinite. */
export interface RangeBrush {
  /** Of a parameter its `id`, of an objective its metric. */
  readonly axis: string;
  readonly from: number;
  readonly to: number;
}

export interface OptionsBrush {
  readonly axis: string;
  readonly options: readonly Value[];
}

export type Brush = RangeBrush | OptionsBrush;

/** `0.01..0.1 rate`, `..0.3 validation/loss`, or `["relu","gelu"] activation`. */
export function formatBrush(brush: Brush): string {
  if ('options' in brush) return `${JSON.stringify(brush.options)} ${brush.axis}`;
  const [from, to] = [brush.from, brush.to].map((end) => (Number.isFinite(end) ? String(end) : ''));
  return `${from}..${to} ${brush.axis}`;
}

/** Undefined for text that is no brush. */
export function parseBrush(text: string): Brush | undefined {
  const [, from, to, axis] = /^([\d.e+-]*?)\.\.([\d.e+-]*) (.+)$/s.exec(text) ?? [];
  if (axis !== undefined) {
    const low = from === '' ? Number.NEGATIVE_INFINITY : Number(from);
    const high = to === '' ? Number.POSITIVE_INFINITY : Number(to);
    return low <= high ? { axis, from: low, to: high } : undefined;
  }
  const [, list, name] = /^(\[.*\]) (.+)$/s.exec(text) ?? [];
  const options = list === undefined ? undefined : listIn(list);
  return name === undefined || options === undefined ? undefined : { axis: name, options };
}

function listIn(text: string): readonly Value[] | undefined {
  try {
    const list: unknown = JSON.parse(text);
    const isList = Array.isArray(list) && list.length > 0;
    return isList && list.every(isValue) ? list : undefined;
  } catch {
    return undefined;
  }
}

const isValue = (item: unknown): item is Value => ['string', 'number', 'boolean'].includes(typeof item);

/** Whether a trial lies in all brushes. One on an axis that the sweep does not have says nothing. */
export function isWithin(facts: SweepFacts, trial: TrialView, brushes: readonly Brush[]): boolean {
  return brushes.every((brush) => {
    const value = valueOn(facts, brush.axis, trial);
    if (value === 'no axis') return true;
    if (value === undefined) return false;
    if ('options' in brush) return brush.options.includes(value);
    return typeof value === 'number' && value >= brush.from && value <= brush.to;
  });
}

function valueOn(
  { axes, objectives }: SweepFacts,
  id: string,
  trial: TrialView,
): Value | undefined | 'no axis' {
  const axis: ParamAxis | undefined = axes.find((one) => one.id === id);
  if (axis !== undefined) return paramOf(axis, trial);
  const objective = objectives.findIndex(({ metric }) => metric === id);
  return objective === -1 ? 'no axis' : trial.values[objective];
}

/** The brushes with another one on its axis; with none where `brush` is undefined. */
export const withBrush = (
  brushes: readonly Brush[],
  axis: string,
  brush: Brush | undefined,
): readonly Brush[] => [
  ...brushes.filter((one) => one.axis !== axis),
  ...(brush === undefined ? [] : [brush]),
];
