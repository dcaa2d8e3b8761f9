/** A chart with its title, the values under the cursor, and keys that move it. */
import { countText } from '@lockstep/view';
import { Chart, type ChartOptions, valueText } from './chart.ts';
import { h, setText } from './dom.ts';
import { type ChartContent, valueAt } from './lines.ts';
import type { Palette } from './look.ts';

export interface CardOptions {
  readonly metric: string;
  readonly isLog: boolean;
  readonly palette: Palette;
  readonly onZoom: (zoom: { readonly from: number; readonly to: number } | null) => void;
  /** The cursor is near a line of several; undefined where it left. */
  readonly onNear: (key: string | undefined) => void;
  /** A key moved the cursor. */
  readonly onStep: (step: number) => void;
  readonly speak: (text: string) => void;
}

/** Lines whose values are listed; those nearest to the cursor. */
const maxListed = 6;

/** Of more lines only the one under the cursor is listed. */
const maxTold = 10;

export class Card {
  readonly element: HTMLElement;
  readonly #options: CardOptions;
  readonly #figure: HTMLElement;
  readonly #value = h('span', { class: 'value' });
  readonly #step = h('span', { class: 'at' });
  readonly #list = h('ul', { class: 'readings' });
  readonly #seeing = new IntersectionObserver(
    (entries) => this.#see(entries.at(-1)?.isIntersecting === true),
    { rootMargin: '120px' },
  );
  #isSeen = false;
  #width = 400;
  /** Whether the content is newer than what the chart shows. */
  #isStale = false;
  #chart: Chart | undefined;
  #content: ChartContent | undefined;
  #at: number | undefined;
  #near: string | undefined;

  constructor(options: CardOptions) {
    this.#options = options;
    this.#figure = h('div', {
      class: 'plot',
      tabindex: 0,
      role: 'application',
      'aria-roledescription': 'chart',
      on: { keydown: (event: KeyboardEvent) => this.#key(event) },
    });
    this.element = h(
      'article',
      { class: 'card' },
      h('header', {}, h('h3', {}, options.metric), h('p', { class: 'reading' }, this.#value, this.#step)),
      this.#figure,
      this.#list,
    );
    this.#seeing.observe(this.element);
  }

  /** Across which the steps are drawn, nearly. */
  get pixels(): number {
    return Math.max(160, this.#width * devicePixelRatio);
  }

  /** A chart outside the screen is drawn when it comes into sight. */
  show(content: ChartContent): void {
    this.#content = content;
    this.#isStale = true;
    if (this.#isSeen) this.#draw(content);
  }

  /** The width is asked for here alone: asking during a change of the page makes the browser lay it out. */
  resize(): void {
    this.#width = this.#figure.clientWidth;
    this.#chart?.resize();
  }

  point(step: number): void {
    this.#chart?.point(step);
  }

  /** Shows one line above all others; undefined for none. */
  highlight(key: string | undefined): void {
    this.#near = key;
    this.#chart?.highlight(this.#content?.lines.find((line) => line.key === key));
    this.#read();
  }

  close(): void {
    this.#seeing.disconnect();
    this.#chart?.destroy();
  }

  #see(isSeen: boolean): void {
    this.#isSeen = isSeen;
    if (isSeen && this.#isStale && this.#content !== undefined) this.#draw(this.#content);
  }

  #draw(content: ChartContent): void {
    this.#isStale = false;
    if (this.#chart === undefined) {
      const { metric, onZoom } = this.#options;
      const onCursor: ChartOptions['onCursor'] = (at) => {
        this.#at = at?.step;
        if (this.#figure.matches(':hover')) this.#findNear(at?.value);
        this.#read();
      };
      this.#chart = new Chart({ metric, element: this.#figure, onZoom, onCursor }, content);
    } else {
      this.#chart.show(content);
    }
    this.#read();
  }

  /** Shows the values under the cursor; without one, the last. */
  #read(): void {
    const { metric } = this.#options;
    const readings = this.#readings();
    const [only] = readings;
    setText(this.#value, readings.length === 1 ? valueText(metric, only?.value) : '');
    setText(this.#step, this.#at === undefined ? '' : `step ${countText(Math.round(this.#at))}`);
    // The line under the cursor comes first.
    const near = readings.filter(({ key }) => key === this.#near);
    const ordered = [...near, ...readings.filter(({ key }) => key !== this.#near)];
    const shown = ordered.length > maxTold && near.length > 0 ? near : ordered.slice(0, maxListed);
    const listed = this.#at === undefined || readings.length < 2 ? [] : shown;
    const { from = 0, to = 1 } = this.#content ?? {};
    this.#list.classList.toggle('left', (this.#at ?? 0) > (from + to) / 2);
    this.#list.replaceChildren(
      ...listed.map(({ label, value, colour }) => {
        const swatch = h('i');
        swatch.style.background = colour;
        return h('li', {}, swatch, h('span', {}, label), h('b', {}, valueText(metric, value)));
      }),
    );
    this.#figure.setAttribute('aria-label', this.#description());
  }

  #findNear(value: number | undefined): void {
    const readings = this.#readings();
    if (readings.length < 2 && this.#near === undefined) return;
    const distance = (of: number): number => Math.abs(of - (value ?? 0));
    const [first] = readings.toSorted((a, b) => distance(a.value) - distance(b.value));
    const key = value === undefined || this.#at === undefined ? undefined : first?.key;
    if (key !== this.#near) this.#options.onNear(key);
  }

  #readings() {
    const content = this.#content;
    if (content === undefined) return [];
    const { lines, palette, to } = content;
    const reach = Math.max(1, 6 * (this.#chart?.stepsPerPixel ?? 1));
    return lines.flatMap(({ key, label, points, look }) => {
      const last = points.steps[points.steps.length - 1] ?? to;
      const at = this.#at ?? Math.min(last, to);
      const value = valueAt(points, at, lines.length === 1 ? Infinity : reach);
      return value === undefined ? [] : [{ key, label, value, colour: palette.curves[look.colour]! }];
    });
  }

  #description(): string {
    const { metric } = this.#options;
    const { lines = [], from = 0, to = 0 } = this.#content ?? {};
    const what = lines.length === 1 ? `last ${this.#value.textContent}` : `${lines.length} curves`;
    const range = `steps ${Math.round(from)} to ${Math.round(to)}`;
    return `${metric}, ${range}, ${what}. Left and right read values, plus and minus zoom, 0 shows all steps.`;
  }

  #key(event: KeyboardEvent): void {
    const content = this.#content;
    if (content === undefined || event.ctrlKey || event.metaKey || event.altKey) return;
    const { from, to } = content;
    const middle = this.#at ?? (from + to) / 2;
    const stride = Math.max(1, (to - from) / 50) * (event.shiftKey ? 5 : 1);
    const zoom = (factor: number): void => {
      const half = Math.max(1, ((to - from) * factor) / 2);
      this.#options.onZoom({ from: Math.max(0, middle - half), to: middle + half });
    };
    switch (event.key) {
      case 'ArrowLeft':
      case 'ArrowRight': {
        const next = middle + (event.key === 'ArrowLeft' ? -stride : stride);
        this.#options.onStep(Math.max(from, Math.min(to, Math.round(next))));
        this.#speak();
        break;
      }
      case '+':
      case '=':
        zoom(0.5);
        break;
      case '-':
        zoom(2);
        break;
      case '0':
      case 'Escape':
        this.#options.onZoom(null);
        break;
      default:
        return;
    }
    event.preventDefault();
  }

  #speak(): void {
    const { metric } = this.#options;
    const readings = this.#readings().slice(0, maxListed);
    const values = readings.map(({ label, value }) =>
      readings.length === 1 ? valueText(metric, value) : `${label} ${valueText(metric, value)}`,
    );
    this.#options.speak(`step ${Math.round(this.#at ?? 0)}: ${values.join(', ')}`);
  }
}
