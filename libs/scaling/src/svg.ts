/** Plots of a scale as one SVG file: it needs nothing else, and follows the reader's light or dark theme. */
import type { BatchRow } from './batch-axis.ts';
import { logPart } from './math.ts';

/** A number of workers for one batch size. */
export interface PlottedWorkers {
  readonly batchSize: number;
  readonly workers: number;
  readonly samplesPerSecond: number;
  /** By the model. */
  readonly predicted: number;
}

interface Point {
  readonly x: number;
  readonly y: number;
}

interface Line {
  readonly points: readonly Point[];
  /** Dashed lines are what is ideal, hollow marks are predictions: colour is never the only sign. */
  readonly kind: 'measured' | 'ideal' | 'predicted';
  /** Shown at the last point. */
  readonly label?: string;
}

interface Panel {
  readonly title: string;
  readonly xLabel: string;
  readonly yLabel: string;
  readonly lines: readonly Line[];
}

const panelSize = { width: 440, height: 320 };
const margins = { left: 64, right: 76, top: 40, bottom: 48 };

/** Steps to the target against the batch size and, for each batch size, samples per second against the number of workers. */
export function scaleSvg(
  name: string,
  target: string,
  batches: readonly BatchRow[],
  workers: readonly PlottedWorkers[],
): string {
  const panels = [stepsPanel(target, batches), workersPanel(workers)].filter(({ lines }) => lines.length > 0);
  const [width, height] = [panels.length * panelSize.width, panelSize.height];
  const title = escaped(`${name}: what batch size and workers bring`);
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-label="${title}">
<title>${title}</title>
<style>
  svg { color-scheme: light dark; font: 12px system-ui, sans-serif; color: #1c1c1c; background: #fff; }
  @media (prefers-color-scheme: dark) { svg { color: #e6e6e6; background: #161616; } }
  text { fill: currentColor; } path { fill: none; stroke: currentColor; } .grid { opacity: 0.15; }
  .ideal { stroke-dasharray: 4 4; opacity: 0.6; } .mark { fill: currentColor; } .predicted { fill: none; stroke: currentColor; }
</style>
${panels.map((panel, i) => panelSvg(panel, i * panelSize.width)).join('\n')}
</svg>
`;
}

function stepsPanel(target: string, batches: readonly BatchRow[]): Panel {
  const reached = batches.filter((row) => row.stepsToTarget !== undefined);
  const [first] = reached;
  const perfect = reached.map(({ batchSize }) => ({ x: batchSize, y: first!.samplesToTarget! / batchSize }));
  const measured = reached.map(({ batchSize, stepsToTarget }) => ({ x: batchSize, y: stepsToTarget! }));
  const lines: readonly Line[] = [
    { kind: 'ideal', points: perfect, label: 'perfect' },
    { kind: 'measured', points: measured, label: reached.at(-1)?.region ?? '' },
  ];
  return {
    ...{ title: `Steps to ${target}`, xLabel: 'batch size', yLabel: 'steps' },
    lines: first === undefined ? [] : lines,
  };
}

function workersPanel(workers: readonly PlottedWorkers[]): Panel {
  const sizes = [...new Set(workers.map(({ batchSize }) => batchSize))];
  const lines = sizes.flatMap((size): Line[] => {
    const own = workers.filter(({ batchSize }) => batchSize === size);
    const [first] = own;
    const each = first!.samplesPerSecond / first!.workers;
    return [
      { kind: 'ideal', points: own.map((one) => ({ x: one.workers, y: each * one.workers })) },
      { kind: 'predicted', points: own.map((one) => ({ x: one.workers, y: one.predicted })) },
      {
        kind: 'measured',
        points: own.map((one) => ({ x: one.workers, y: one.samplesPerSecond })),
        label: `batch ${size}`,
      },
    ];
  });
  return { title: 'Samples per second (○ predicted)', xLabel: 'workers', yLabel: 'samples/s', lines };
}

function panelSvg({ title, xLabel, yLabel, lines }: Panel, left: number): string {
  const points = lines.flatMap((line) => line.points);
  const x = logScale(
    points.map((point) => point.x),
    [left + margins.left, left + panelSize.width - margins.right],
  );
  const y = logScale(
    points.map((point) => point.y),
    [panelSize.height - margins.bottom, margins.top],
  );
  const ticks = [...new Set(points.map((point) => point.x))].map((value) =>
    text(x.at(value), panelSize.height - margins.bottom + 18, short(value), 'middle'),
  );
  const rows = decades(y.low, y.high).map((value) => {
    const grid = `<path class="grid" d="M${x.at(x.low)} ${y.at(value)}H${x.at(x.high)}"/>`;
    return `${grid}${text(left + margins.left - 8, y.at(value) + 4, short(value), 'end')}`;
  });
  const middle = left + (margins.left + panelSize.width - margins.right) / 2;
  return [
    `<g>${text(middle, 22, title, 'middle')}`,
    text(middle, panelSize.height - 10, `${xLabel} (logarithmic)`, 'middle'),
    text(left + 8, margins.top - 6, yLabel, 'start'),
    ...rows,
    ...ticks,
    ...lines.map((line) => lineSvg(line, x.at, y.at)),
    '</g>',
  ].join('\n');
}

type Place = (value: number) => number;

function lineSvg({ kind, points, label = '' }: Line, x: Place, y: Place): string {
  const path = points.map((point, i) => `${i === 0 ? 'M' : 'L'}${x(point.x)} ${y(point.y)}`).join('');
  const line = kind === 'predicted' ? '' : `<path class="${kind}" d="${path}"/>`;
  const mark = kind === 'predicted' ? 'predicted' : 'mark';
  const marks =
    kind === 'ideal'
      ? ''
      : points
          .map(
            (point) =>
              `<circle class="${mark}" cx="${x(point.x)}" cy="${y(point.y)}" r="4"><title>${short(point.x)}: ${short(point.y)}</title></circle>`,
          )
          .join('');
  const last = points.at(-1)!;
  return `${line}${marks}${label === '' ? '' : text(x(last.x) + 8, y(last.y) + 4, label, 'start')}`;
}

function logScale(values: readonly number[], [from, to]: readonly [number, number]) {
  const [low, high] = [Math.min(...values), Math.max(...values)];
  const at: Place = (value) => {
    const part = logPart(value, low, high);
    return Math.round(10 * (from + part * (to - from))) / 10;
  };
  return { low, high, at };
}

/** Powers of ten up to which axes have ticks. */
const mostPower = 18;

/** 1, 2 and 5 times powers of ten within the range; the ends of a range without any. */
function decades(low: number, high: number): readonly number[] {
  const powers = Array.from({ length: 2 * mostPower + 1 }, (_, i) => i - mostPower);
  const within = powers
    .flatMap((power) => [1, 2, 5].map((digit) => Number(`${digit}e${power}`)))
    .filter((value) => value >= low && value <= high);
  return within.length > 0 ? within : [...new Set([low, high])];
}

const short = (value: number): string => `${Number(value.toPrecision(4))}`;

const escaped = (value: string): string =>
  value.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');

const text = (x: number, y: number, value: string, anchor: 'start' | 'middle' | 'end'): string =>
  `<text x="${x}" y="${y}" text-anchor="${anchor}">${escaped(value)}</text>`;
