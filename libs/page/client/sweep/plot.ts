/** A drawing in which trials have places: points, lines between them, two axes. Pointer and keys choose a trial. */
import type { TrialView } from '@lockstep/view';
import { h, s, setText } from '../dom.ts';
import { type GlyphName, glyph } from './glyph.ts';

/** From 0 to 1, from the left and from the bottom. */
export interface Place {
  readonly x: number;
  readonly y: number;
}

export interface PlotTick {
  readonly place: number;
  readonly text: string;
}

export interface PlotPoint extends Place {
  readonly trial: TrialView;
  readonly name: GlyphName;
  /** Whether the value lies beyond the end of the vertical axis at which the point is. */
  readonly isBeyond?: boolean;
  /** The places of the ends of a bar through the point. */
  readonly spread?: { readonly low: number; readonly high: number } | undefined;
}

export interface PlotLine {
  /** Absent for a line that is of no single trial. */
  readonly trial?: number;
  readonly kind: 'best' | 'trial' | 'rung' | 'front';
  readonly places: readonly Place[];
  readonly text?: string;
}

export interface PlotContent {
  readonly points: readonly PlotPoint[];
  readonly lines: readonly PlotLine[];
  readonly xTicks: (count: number) => readonly PlotTick[];
  readonly yTicks: (count: number) => readonly PlotTick[];
  /** Whether some trials have no value; these are below the axis. */
  readonly hasLane: boolean;
  readonly description: string;
  /** In place of the title of the plot. */
  readonly title?: string;
}

/** What is told apart in all drawings. */
export interface Marking {
  readonly chosen: ReadonlySet<number>;
  readonly selected: number | undefined;
  readonly hovered: number | undefined;
}

export interface PlotOptions {
  readonly title: string;
  readonly height: number;
  readonly onHover: (trial: number | undefined) => void;
  readonly onSelect: (trial: number | null) => void;
  readonly onOpen: (trial: number) => void;
  /** What the tip says of a trial. */
  readonly tipOf: (trial: number) => readonly (readonly [name: string, value: string])[];
}

const margin = { left: 56, right: 14, top: 18, bottom: 26 };
const lane = 20;

/** The pointer finds points within so many pixels. */
const reach = 22;

/** The y of points without a value. */
export const inLane = -1;

export class Plot {
  readonly element: HTMLElement;
  readonly #options: PlotOptions;
  readonly #figure: HTMLElement;
  readonly #title = h('h3');
  readonly #tip = h('ul', { class: 'readings' });
  #content: PlotContent | undefined;
  #marking: Marking | undefined;
  #elements = new Map<number, SVGElement[]>();
  #at: { readonly trial: number; readonly x: number; readonly y: number }[] = [];
  #width = 0;

  constructor(options: PlotOptions) {
    this.#options = options;
    this.#figure = h('div', {
      class: 'trial-plot',
      tabindex: 0,
      role: 'application',
      'aria-roledescription': 'plot of trials',
      on: {
        keydown: (event: KeyboardEvent) => this.#key(event),
        pointermove: (event: PointerEvent) => options.onHover(this.#near(event)),
        pointerleave: () => options.onHover(undefined),
        click: (event: PointerEvent) => options.onSelect(this.#near(event) ?? null),
        dblclick: (event: PointerEvent) => {
          const trial = this.#near(event);
          if (trial !== undefined) options.onOpen(trial);
        },
      },
    });
    this.#figure.style.height = `${options.height}px`;
    this.element = h('article', { class: 'card' }, h('header', {}, this.#title), this.#figure, this.#tip);
  }

  show(content: PlotContent): void {
    this.#content = content;
    const { title = this.#options.title, description } = content;
    setText(this.#title, title);
    this.#figure.setAttribute('aria-label', `${title}. ${description} ${keysText}`);
    this.#draw();
  }

  resize(): void {
    const { clientWidth } = this.#figure;
    if (clientWidth === this.#width) return;
    this.#width = clientWidth;
    this.#draw();
  }

  mark(marking: Marking): void {
    const before = this.#marking;
    this.#marking = marking;
    if (before?.chosen === marking.chosen) {
      // Only what was and is under the pointer or selected can have changed.
      for (const trial of [before.selected, before.hovered, marking.selected, marking.hovered]) {
        if (trial !== undefined) this.#dress(trial);
      }
    } else for (const trial of this.#elements.keys()) this.#dress(trial);
    this.#showTip();
  }

  #dress(trial: number): void {
    const { chosen, selected, hovered } = this.#marking ?? {};
    for (const element of this.#elements.get(trial) ?? []) {
      element.classList.toggle('out', chosen?.has(trial) === false);
      element.classList.toggle('selected', selected === trial);
      element.classList.toggle('hovered', hovered === trial);
      if (hovered === trial) element.parentNode?.append(element);
    }
  }

  #showTip(): void {
    const { hovered } = this.#marking ?? {};
    const at = this.#at.find(({ trial }) => trial === hovered);
    const isHere = at !== undefined && this.#figure.matches(':hover');
    const lines = isHere ? this.#options.tipOf(at.trial) : [];
    this.#tip.classList.toggle('left', (at?.x ?? 0) > this.#width / 2);
    this.#tip.replaceChildren(
      ...lines.map(([name, value]) => h('li', {}, h('span', {}, name), h('b', {}, value))),
    );
  }

  #draw(): void {
    const content = this.#content;
    if (content === undefined || this.#width === 0) return;
    const { height } = this.#options;
    const bottom = height - margin.bottom - (content.hasLane ? lane : 0);
    const right = this.#width - margin.right;
    const xOf = (place: number): number => margin.left + place * (right - margin.left);
    const yOf = (place: number): number =>
      place === inLane ? bottom + lane - 4 : bottom - place * (bottom - margin.top);
    this.#elements = new Map();
    this.#at = [];
    const points = content.points.map((point) => this.#point(point, xOf(point.x), yOf, bottom));
    const lines = content.lines.map((line) => this.#line(line, xOf, yOf));
    const drawing = s(
      'svg',
      { width: this.#width, height, viewBox: `0 0 ${this.#width} ${height}`, 'aria-hidden': 'true' },
      ...axes(content, { left: margin.left, right, bottom, height, xOf, yOf }),
      s('g', {}, ...lines),
      s('g', {}, ...points),
    );
    this.#figure.replaceChildren(drawing);
    if (this.#marking !== undefined) for (const trial of this.#elements.keys()) this.#dress(trial);
  }

  #point(point: PlotPoint, x: number, yOf: (place: number) => number, bottom: number): SVGElement {
    const { trial, name, spread, isBeyond = false } = point;
    const y = yOf(point.y);
    const ends = spread && { y1: yOf(spread.low) - y, y2: yOf(spread.high) - y };
    const bar = ends && s('line', { class: 'spread', x1: 0, x2: 0, ...ends });
    const element = s('g', { class: 'trial', transform: `translate(${x.toFixed(1)} ${y.toFixed(1)})` });
    const isUp = y < bottom / 2;
    const arrow = s('path', {
      class: 'beyond',
      d: isUp ? 'M-3.5 -6.5L0 -10L3.5 -6.5' : 'M-3.5 6.5L0 10L3.5 6.5',
    });
    element.append(...(bar === undefined ? [] : [bar]), glyph(name), ...(isBeyond ? [arrow] : []));
    this.#keep(trial.number, element);
    this.#at.push({ trial: trial.number, x, y });
    return element;
  }

  #line(
    { kind, trial, places, text }: PlotLine,
    xOf: (place: number) => number,
    yOf: (place: number) => number,
  ): SVGElement {
    const d = places.map(({ x, y }, i) => `${i === 0 ? 'M' : 'L'}${xOf(x).toFixed(1)} ${yOf(y).toFixed(1)}`);
    const path = s('path', { class: `line line-${kind}`, d: d.join('') });
    if (trial !== undefined) this.#keep(trial, path);
    if (text === undefined) return path;
    const x = xOf(places[0]!.x);
    const isRight = x > this.#width - 110;
    // Above the points, in the margin.
    const anchor = { x: isRight ? this.#width - 4 : x - 4, y: 9, 'text-anchor': isRight ? 'end' : 'start' };
    return s('g', {}, path, s('text', { class: 'note', ...anchor }, text));
  }

  #keep(trial: number, element: SVGElement): void {
    this.#elements.set(trial, [...(this.#elements.get(trial) ?? []), element]);
  }

  #near({ clientX, clientY }: PointerEvent): number | undefined {
    const { left, top } = this.#figure.getBoundingClientRect();
    const distance = ({ x, y }: Place): number => {
      const [across, up] = [x - (clientX - left), y - (clientY - top)];
      return Math.sqrt(across * across + up * up);
    };
    const [nearest] = this.#at.toSorted((a, b) => distance(a) - distance(b));
    return nearest !== undefined && distance(nearest) <= reach ? nearest.trial : undefined;
  }

  /** In the order of the horizontal axis. */
  #key(event: KeyboardEvent): void {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const { onSelect, onOpen } = this.#options;
    const selected = this.#marking?.selected;
    const order = this.#at.toSorted((a, b) => a.x - b.x || b.y - a.y).map(({ trial }) => trial);
    const at = selected === undefined ? -1 : order.indexOf(selected);
    const go = (to: number): void => onSelect(order[Math.max(0, Math.min(order.length - 1, to))] ?? null);
    switch (event.key) {
      case 'ArrowLeft':
        go(at - 1);
        break;
      case 'ArrowRight':
        go(at + 1);
        break;
      case 'Home':
        go(0);
        break;
      case 'End':
        go(order.length - 1);
        break;
      case 'Enter':
        if (selected !== undefined) onOpen(selected);
        break;
      case 'Escape':
        onSelect(null);
        break;
      default:
        return;
    }
    event.preventDefault();
  }
}

const keysText = 'Left and right choose a trial, Enter shows its curves, Escape goes back to the best one.';

interface Frame {
  readonly left: number;
  readonly right: number;
  readonly bottom: number;
  readonly height: number;
  readonly xOf: (place: number) => number;
  readonly yOf: (place: number) => number;
}

function axes({ xTicks, yTicks, hasLane }: PlotContent, frame: Frame): readonly Node[] {
  const { left, right, bottom, height, xOf, yOf } = frame;
  const horizontal = fitted(xTicks(Math.max(2, Math.floor((right - left) / 64))), right - left);
  const vertical = yTicks(Math.max(2, Math.floor(bottom / 42)));
  return [
    ...vertical.flatMap(({ place, text }) => [
      s('line', { class: 'grid-line', x1: left, x2: right, y1: yOf(place), y2: yOf(place) }),
      s('text', { class: 'tick', x: left - 8, y: yOf(place) + 4, 'text-anchor': 'end' }, text),
    ]),
    ...horizontal.map(({ place, text }) => {
      const x = xOf(place);
      const anchor = x < left + 12 ? 'start' : x > right - 24 ? 'end' : 'middle';
      return s('text', { class: 'tick', x, y: height - 8, 'text-anchor': anchor }, text);
    }),
    ...(hasLane
      ? [
          s('line', { class: 'grid-line lane', x1: left, x2: right, y1: bottom + 4, y2: bottom + 4 }),
          s('text', { class: 'tick', x: left - 8, y: bottom + lane, 'text-anchor': 'end' }, 'none'),
        ]
      : []),
  ];
}

/** Texts that have room beside each other, cut short where they are long. */
function fitted(ticks: readonly PlotTick[], length: number): readonly PlotTick[] {
  const room = Math.max(3, Math.floor(length / Math.max(1, ticks.length) / 6.6) - 1);
  return ticks.map(({ place, text }) => ({ place, text: shortened(text, room) }));
}

export const shortened = (text: string, length: number): string =>
  text.length <= length ? text : `${text.slice(0, Math.max(1, length - 1))}…`;
