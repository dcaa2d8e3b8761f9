/**
 * One chart over steps. uPlot draws axes and handles cursor and selection; the curves are drawn here, since each has its own steps, which
 * uPlot's tables have not.
 */

import { countText, metricText } from '@lockstep/view';
import uPlot from 'uplot';
import { s } from './dom.ts';
import { drawLabels, drawLines, drawMarks, drawMarkTexts, labelRoom } from './draw.ts';
import { type ChartContent, type Extent, extentOf, indicesIn, type Line } from './lines.ts';
import type { Palette } from './look.ts';

export interface ChartOptions {
  readonly metric: string;
  readonly element: HTMLElement;
  /** A range of steps was chosen by dragging; null to show all. */
  readonly onZoom: (range: { readonly from: number; readonly to: number } | null) => void;
  /** The step and the value under the cursor; null where it left. */
  readonly onCursor: (at: { readonly step: number; readonly value: number } | null) => void;
}

const height = 230;

/** Charts share the cursor; each asks for a range by itself. */
const isMove = (type: string): boolean => type === 'mousemove' || type === 'mouseleave';
const sync = uPlot.sync('steps');

export class Chart {
  readonly metric: string;
  content: ChartContent;
  readonly #element: HTMLElement;
  readonly #plot: uPlot;
  readonly #highlight = s('path', { class: 'highlight' });
  #extent: Extent = { least: 0, greatest: 1 };

  constructor(options: ChartOptions, content: ChartContent) {
    this.metric = options.metric;
    this.#element = options.element;
    this.content = content;
    this.#extent = this.#extentNow();
    this.#plot = new uPlot(
      this.#settings(options),
      [
        [0, 1],
        [null, null],
      ],
      options.element,
    );
  }

  /** Draws other content; the scale of the values follows from it. */
  show(content: ChartContent): void {
    this.content = content;
    this.#extent = this.#extentNow();
    this.#plot.batch(() => {
      this.#plot.setScale('x', { min: content.from, max: content.to });
      this.#plot.setScale(content.isLog ? 'log' : 'y', {
        min: this.#extent.least,
        max: this.#extent.greatest,
      });
      this.#plot.redraw(false, true);
    });
  }

  resize(): void {
    const width = this.#element.clientWidth;
    if (width > 0 && width !== this.#plot.width) this.#plot.setSize({ width, height });
  }

  /** Steps for which a pixel stands. */
  get stepsPerPixel(): number {
    const { from, to } = this.content;
    return (to - from) / Math.max(1, this.#plot.bbox.width / devicePixelRatio);
  }

  /** Moves the cursor of all charts to a step. */
  point(step: number): void {
    const left = this.#plot.valToPos(step, 'x');
    this.#plot.setCursor({ left, top: this.#plot.bbox.height / devicePixelRatio / 2 }, true);
  }

  /** Draws one line above all others; undefined for none. */
  highlight(line: Line | undefined): void {
    const { from, to, isLog, palette } = this.content;
    const path = line === undefined ? '' : pathText(this.#plot, line, from, to, isLog ? 'log' : 'y');
    this.#highlight.setAttribute('d', path);
    this.#highlight.style.stroke =
      line?.look.colour === 0 ? palette.accent : (palette.curves[line?.look.colour ?? 0] ?? '');
  }

  destroy(): void {
    this.#plot.destroy();
  }

  #extentNow(): Extent {
    const { lines, from, to, isLog } = this.content;
    return padded(extentOf(lines, from, to, isLog), isLog);
  }

  #settings({ element, metric, onZoom, onCursor }: ChartOptions): uPlot.Options {
    const { isLog } = this.content;
    const axis = this.#axis();
    const y = isLog ? 'log' : 'y';
    return {
      width: Math.max(120, element.clientWidth),
      height,
      legend: { show: false },
      padding: [10, () => this.#gutter(), 0, 0],
      cursor: {
        sync: { key: sync.key, scales: ['x', null], filters: { pub: isMove } },
        drag: { x: true, y: false, setScale: false },
        points: { show: false },
        y: false,
      },
      scales: {
        x: { time: false, range: () => [this.content.from, this.content.to] },
        [y]: {
          distr: isLog ? 3 : 1,
          range: () => [this.#extent.least, this.#extent.greatest],
        },
      },
      series: [{}, { scale: y, paths: () => null, points: { show: false } }],
      axes: [
        { ...axis, size: 26, gap: 6, space: 70, values: (_u, splits) => [...stepTexts(splits)] },
        {
          ...axis,
          scale: y,
          size: 58,
          gap: 8,
          space: 34,
          values: (_u, splits) =>
            splits.map((value) => (value === null ? '' : tickText(metric, value, isLog))),
        },
      ],
      hooks: {
        draw: [(plot) => this.#draw(plot, y)],
        setSelect: [(plot) => this.#select(plot, onZoom)],
        setCursor: [
          (plot) => {
            const { left = -1, top = -1 } = plot.cursor;
            const at = { step: plot.posToVal(left, 'x'), value: plot.posToVal(top, y) };
            onCursor(left < 0 ? null : at);
          },
        ],
        ready: [
          (plot) => {
            plot.over.addEventListener('dblclick', () => onZoom(null));
            plot.over.append(s('svg', { class: 'over', 'aria-hidden': 'true' }, this.#highlight));
          },
        ],
      },
    };
  }

  /** Room at the right for the names of few lines. */
  #gutter(): number {
    const { lines, palette } = this.content;
    return labelRoom(lines, palette.font, this.#element.clientWidth);
  }

  #axis(): uPlot.Axis {
    const colour = (of: (palette: Palette) => string) => () => of(this.content.palette);
    return {
      stroke: colour(({ quiet }) => quiet),
      font: `11px ${this.content.palette.font}`,
      grid: { stroke: colour(({ line }) => line), width: 1 },
      ticks: { show: false },
      border: { show: false },
    };
  }

  #select(plot: uPlot, onZoom: ChartOptions['onZoom']): void {
    const { left, width } = plot.select;
    if (width < 4) return;
    const [from, to] = [plot.posToVal(left, 'x'), plot.posToVal(left + width, 'x')];
    plot.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
    onZoom({ from, to });
  }

  #draw(plot: uPlot, y: string): void {
    const { ctx, bbox } = plot;
    const place = {
      x: (step: number) => plot.valToPos(step, 'x', true),
      y: (value: number) => plot.valToPos(value, y, true),
    };
    ctx.save();
    ctx.beginPath();
    // Dots at the edges are whole.
    const room = 4 * devicePixelRatio;
    ctx.rect(bbox.left - room, bbox.top - room, bbox.width + 2 * room, bbox.height + 2 * room);
    ctx.clip();
    drawMarks(ctx, bbox, place, this.content);
    drawLines(ctx, place, this.content);
    drawMarkTexts(ctx, bbox, place, this.content);
    ctx.restore();
    drawLabels(ctx, bbox, place, this.content);
  }
}

/** Some room above and below; a constant curve is in the middle. */
function padded(extent: Extent | undefined, isLog: boolean): Extent {
  if (extent === undefined) return isLog ? { least: 0.1, greatest: 1 } : { least: 0, greatest: 1 };
  const { least, greatest } = extent;
  if (isLog)
    return least === greatest
      ? { least: least / 2, greatest: greatest * 2 }
      : { least: least / 1.1, greatest: greatest * 1.1 };
  const room = least === greatest ? Math.abs(least) * 0.1 || 1 : (greatest - least) * 0.06;
  // A curve that never falls below 0 does not get an axis that does.
  const bottom = least >= 0 && least - room < 0 ? 0 : least - room;
  return { least: bottom, greatest: greatest + room };
}

function pathText(plot: uPlot, { points }: Line, from: number, to: number, y: string): string {
  const [begin, end] = indicesIn(points, from, to);
  let path = '';
  for (let i = begin; i < end; i++) {
    const top = plot.valToPos(points.values[i]!, y);
    if (!Number.isFinite(top)) continue;
    path += `${path === '' ? 'M' : 'L'}${plot.valToPos(points.steps[i]!, 'x').toFixed(1)} ${top.toFixed(1)}`;
  }
  return path;
}

/** `20k` where all steps are whole thousands. */
function stepTexts(steps: readonly number[]): readonly string[] {
  const isThousands = steps.every((step) => step % 1_000 === 0) && steps.some((step) => step >= 10_000);
  return steps.map((step) =>
    !Number.isInteger(step) ? '' : isThousands ? `${countText(step / 1_000)}k` : countText(step),
  );
}

function tickText(metric: string, value: number, isLog: boolean): string {
  // A logarithmic axis begins anywhere, and only whole multiples of powers of ten are worth a label.
  if (isLog && !/^\d(?:\.0*)?e/.test(value.toExponential(4))) return '';
  if (/accuracy$/i.test(metric)) return `${Math.round(1000 * value) / 10}%`;
  if (value !== 0 && (Math.abs(value) >= 1e5 || Math.abs(value) < 1e-3))
    return value.toExponential(0).replace('e+', 'e');
  return String(Math.round(value * 1e6) / 1e6);
}

export const valueText = (metric: string, value: number | undefined): string =>
  value === undefined ? '–' : metricText(metric, value);
