/** Plots of characters, for terminals and logs. */
import { logPart } from './math.ts';

export interface PlottedSeries {
  /** One character. */
  readonly mark: string;
  readonly points: readonly { readonly x: number; readonly y: number }[];
}

/**
 * Points on logarithmic axes. Series that come first are drawn over later ones. Values that are not positive are left out.
 *
 * @param size columns and rows of the area between the axes
 */
export function logLogPlot(
  series: readonly PlottedSeries[],
  size: { readonly columns: number; readonly rows: number },
): readonly string[] {
  const { columns, rows } = size;
  const shown = series.map(({ mark, points }) => ({
    mark,
    points: points.filter(({ x, y }) => x > 0 && y > 0),
  }));
  const points = shown.flatMap((one) => one.points);
  if (points.length === 0) return [];
  const xs = rangeOf(points.map(({ x }) => x));
  const ys = rangeOf(points.map(({ y }) => y));
  const grid = Array.from({ length: rows }, () => new Array<string>(columns).fill(' '));
  for (const { mark, points: own } of [...shown].reverse()) {
    for (const { x, y } of own) {
      grid[rows - 1 - cellOf(y, ys, rows)]![cellOf(x, xs, columns)] = mark;
    }
  }
  const labels = [short(ys.high), short(ys.low)];
  const width = Math.max(...labels.map(({ length }) => length));
  const lines = grid.map((cells, row) => {
    const label = row === 0 ? labels[0]! : row === rows - 1 ? labels[1]! : '';
    return `${label.padStart(width)} │${cells.join('').trimEnd()}`;
  });
  const [left, right] = [short(xs.low), short(xs.high)];
  const between = ' '.repeat(Math.max(1, columns - left.length - right.length));
  return [
    ...lines,
    `${' '.repeat(width)} └${'─'.repeat(columns)}`,
    `${' '.repeat(width + 2)}${left}${between}${right}`,
  ];
}

interface Range {
  readonly low: number;
  readonly high: number;
}

const rangeOf = (values: readonly number[]): Range => ({
  low: Math.min(...values),
  high: Math.max(...values),
});

function cellOf(value: number, { low, high }: Range, cells: number): number {
  const part = logPart(value, low, high);
  return Math.min(cells - 1, Math.round(part * (cells - 1)));
}

const short = (value: number): string => `${Number(value.toPrecision(4))}`;
