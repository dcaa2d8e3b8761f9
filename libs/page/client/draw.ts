/** Draws curves, bands, labels and marks on a chart's canvas. Lengths are in pixels of the canvas. */
import type { Band, Points } from '@lockstep/view';
import { type ChartContent, firstBroken, indicesIn, type Line, valueAt } from './lines.ts';

export interface Place {
  readonly x: (step: number) => number;
  readonly y: (value: number) => number;
}

interface Box {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
}

/** With more lines than these, each would be lost among labels. */
const maxLabels = 8;

/** Dots of more lines would hide them. */
const maxDotted = 24;

export function drawLines(ctx: CanvasRenderingContext2D, place: Place, content: ChartContent): void {
  const { lines, from, to, palette } = content;
  const pixel = devicePixelRatio;
  for (const { look, band } of lines) {
    if (band === undefined) continue;
    ctx.fillStyle = palette.curves[look.colour]!;
    ctx.globalAlpha = 0.16;
    ctx.fill(bandPath(band, from, to, place));
  }
  ctx.lineJoin = 'bevel';
  for (const { look, points, raw } of lines) {
    ctx.strokeStyle = palette.curves[look.colour]!;
    if (raw !== undefined) {
      ctx.globalAlpha = 0.22 * look.strength;
      ctx.lineWidth = pixel;
      ctx.setLineDash([]);
      ctx.stroke(linePath(raw, from, to, place));
    }
    ctx.globalAlpha = look.strength;
    ctx.lineWidth = (isDense(points, content, lines.length) ? 1 : 1.7) * pixel;
    ctx.setLineDash(look.dash.map((length) => length * pixel));
    ctx.stroke(linePath(points, from, to, place));
    if (lines.length <= maxDotted) drawLonely(ctx, points, place, palette.curves[look.colour]!);
  }
  ctx.setLineDash([]);
  ctx.globalAlpha = 1;
}

/**
 * Whether a line has more points than pixels, or there are many lines. A line of one pixel is drawn ten times as fast as a wider one
 * where no graphics processor helps.
 */
function isDense(points: Points, { from, to, pixels }: ChartContent, numLines: number): boolean {
  const [begin, end] = indicesIn(points, from, to);
  return numLines > maxLabels || end - begin > (2 * pixels) / devicePixelRatio;
}

/** A line ends where a value is not finite and begins again behind it. */
function linePath(points: Points, from: number, to: number, place: Place): Path2D {
  const path = new Path2D();
  const [begin, end] = indicesIn(points, from, to);
  let isDown = false;
  for (let i = begin; i < end; i++) {
    const value = points.values[i]!;
    const y = Number.isFinite(value) ? place.y(value) : Number.NaN;
    if (!Number.isFinite(y)) {
      isDown = false;
      continue;
    }
    if (isDown) path.lineTo(place.x(points.steps[i]!), y);
    else path.moveTo(place.x(points.steps[i]!), y);
    isDown = true;
  }
  return path;
}

/** A point without neighbours is no line, and so it is a dot; so are few points. */
function drawLonely(
  ctx: CanvasRenderingContext2D,
  { steps, values }: Points,
  place: Place,
  colour: string,
): void {
  if (steps.length > 24) return;
  ctx.fillStyle = colour;
  for (let i = 0; i < steps.length; i++) {
    const y = place.y(values[i]!);
    if (!Number.isFinite(y)) continue;
    ctx.beginPath();
    ctx.arc(place.x(steps[i]!), y, 2.6 * devicePixelRatio, 0, 2 * Math.PI);
    ctx.fill();
  }
}

function bandPath({ steps, least, greatest }: Band, from: number, to: number, place: Place): Path2D {
  const path = new Path2D();
  const [begin, end] = indicesIn({ steps, values: least }, from, to);
  for (let i = begin; i < end; i++) {
    const [x, y] = [place.x(steps[i]!), place.y(greatest[i]!)];
    if (i === begin) path.moveTo(x, y);
    else path.lineTo(x, y);
  }
  for (let i = end - 1; i >= begin; i--) path.lineTo(place.x(steps[i]!), place.y(least[i]!));
  path.closePath();
  return path;
}

interface Mark {
  readonly x: number;
  readonly text: string;
  readonly colour: string;
}

/** Where generations began, and where curves stopped being finite. */
function marksIn(box: Box, place: Place, { lines, marks, palette }: ChartContent): readonly Mark[] {
  const broken = lines.flatMap(({ points, raw, label }) => {
    const step = firstBroken(raw ?? points);
    const text = lines.length === 1 ? `not finite from step ${step}` : `${label}: not finite`;
    return step === undefined ? [] : [{ step, text, colour: palette.alarm }];
  });
  return [...marks.map((mark) => ({ ...mark, colour: palette.quiet })), ...broken.slice(0, maxLabels)]
    .map(({ step, text, colour }) => ({ x: Math.round(place.x(step)) + 0.5, text, colour }))
    .filter(({ x }) => x >= box.left && x <= box.left + box.width);
}

/** Vertical lines of marks, behind the curves. */
export function drawMarks(
  ctx: CanvasRenderingContext2D,
  box: Box,
  place: Place,
  content: ChartContent,
): void {
  const pixel = devicePixelRatio;
  ctx.lineWidth = pixel;
  ctx.setLineDash([2 * pixel, 3 * pixel]);
  for (const { x, colour } of marksIn(box, place, content)) {
    ctx.strokeStyle = colour;
    ctx.beginPath();
    ctx.moveTo(x, box.top);
    ctx.lineTo(x, box.top + box.height);
    ctx.stroke();
  }
  ctx.setLineDash([]);
}

/** Texts of marks, before the curves. */
export function drawMarkTexts(
  ctx: CanvasRenderingContext2D,
  box: Box,
  place: Place,
  content: ChartContent,
): void {
  const { palette } = content;
  const pixel = devicePixelRatio;
  ctx.font = `${10.5 * pixel}px ${palette.font}`;
  ctx.textBaseline = 'top';
  ctx.strokeStyle = palette.panel;
  ctx.lineWidth = 4 * pixel;
  for (const [i, { x, text, colour }] of marksIn(box, place, content).entries()) {
    const isRight = x > box.left + box.width * 0.7;
    ctx.textAlign = isRight ? 'right' : 'left';
    const row = (i % 3) * 14 * pixel;
    const top = isBelow(x, box, place, content) ? box.top + box.height - row - 14 * pixel : box.top + row;
    const left = x + (isRight ? -5 : 5) * pixel;
    ctx.strokeText(text, left, top);
    ctx.fillStyle = colour;
    ctx.fillText(text, left, top);
  }
}

/** Whether the first curve is in the upper half here, so that a text has room below. */
function isBelow(x: number, box: Box, place: Place, { lines, from, to }: ChartContent): boolean {
  const [first] = lines;
  if (first === undefined) return false;
  const step = from + ((to - from) * (x - box.left)) / box.width;
  const value = valueAt(first.points, step, Number.POSITIVE_INFINITY);
  return value !== undefined && place.y(value) < box.top + box.height / 2;
}

/** Pixels of the screen that names at the right ends of the lines need. */
export function labelRoom(lines: readonly Line[], font: string, width: number): number {
  if (!hasLabels(lines) || measuring === null) return 10;
  measuring.font = `500 10.5px ${font}`;
  const longest = Math.max(...lines.map(({ label }) => measuring.measureText(label).width));
  return Math.min(longest + 16, width * 0.34);
}

const hasLabels = (lines: readonly Line[]): boolean => lines.length > 1 && lines.length <= maxLabels;

const measuring = document.createElement('canvas').getContext('2d');

/** Names at the right ends of few lines, moved apart. */
export function drawLabels(
  ctx: CanvasRenderingContext2D,
  box: Box,
  place: Place,
  content: ChartContent,
): void {
  const { lines, palette, from, to } = content;
  if (!hasLabels(lines)) return;
  const pixel = devicePixelRatio;
  const gap = 13 * pixel;
  const x = box.left + box.width + 8 * pixel;
  ctx.font = `500 ${10.5 * pixel}px ${palette.font}`;
  ctx.textBaseline = 'middle';
  ctx.textAlign = 'left';
  const ends = lines.flatMap((line) => endOf(line, from, to, place)).sort((a, b) => a.y - b.y);
  let above = box.top;
  const placed = ends.map(({ line, y }) => {
    above = Math.max(y - gap / 2, above) + gap;
    return { line, y: above - gap / 2 };
  });
  const excess = Math.max(0, above - (box.top + box.height));
  for (const { line, y } of placed) {
    ctx.fillStyle = palette.curves[line.look.colour]!;
    ctx.fillText(fitted(ctx, line.label, ctx.canvas.width - x - 2), x, y - excess);
  }
}

function fitted(ctx: CanvasRenderingContext2D, text: string, width: number): string {
  let shown = text;
  while (shown.length > 1 && ctx.measureText(shown).width > width) shown = `${shown.slice(0, -2)}…`;
  return shown;
}

/** The height at which a line ends in the window. */
function endOf(line: Line, from: number, to: number, place: Place) {
  const { steps, values } = line.points;
  const [begin, end] = indicesIn(line.points, from, to);
  for (let i = end - 1; i >= begin; i--) {
    const y = place.y(values[i]!);
    if (Number.isFinite(y) && steps[i]! <= to) return [{ line, y }];
  }
  return [];
}
