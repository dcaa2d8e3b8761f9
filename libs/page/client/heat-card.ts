/** The histograms of one parameter: steps to the right, values upwards, darker where more elements are. */
import { countText, type Heat, tickText } from '@lockstep/view';
import { h, setText } from './dom.ts';
import type { Palette } from './look.ts';

const height = 210;
const margin = { left: 54, right: 8, top: 8, bottom: 24 };

export class HeatCard {
  readonly element: HTMLElement;
  readonly #name: string;
  readonly #canvas = h('canvas', { 'aria-hidden': 'true' });
  readonly #figure: HTMLElement;
  readonly #reading = h('p', { class: 'heat-reading' });
  #heat: Heat | undefined;
  #palette: Palette | undefined;
  #width = 0;
  /** The index of the step that is read. */
  #at: number | undefined;

  constructor(name: string) {
    this.#name = name;
    this.#figure = h(
      'div',
      {
        ...{ class: 'heat', tabindex: 0, role: 'application', 'aria-roledescription': 'heat map' },
        on: {
          keydown: (event: KeyboardEvent) => this.#key(event),
          pointermove: (event: PointerEvent) => {
            this.#reading.removeAttribute('aria-live');
            this.#read(this.#indexAt(event));
          },
          blur: () => this.#reading.removeAttribute('aria-live'),
          pointerleave: () => this.#read(undefined),
        },
      },
      this.#canvas,
    );
    this.element = h(
      'article',
      { class: 'card' },
      h('header', {}, h('h3', {}, name)),
      this.#reading,
      this.#figure,
    );
  }

  show(heat: Heat, palette: Palette): void {
    this.#heat = heat;
    this.#palette = palette;
    const { steps, broken } = heat;
    const ending = broken.length === 0 ? '' : ` From step ${broken[0]} on some elements are not finite.`;
    this.#figure.setAttribute(
      'aria-label',
      `${this.#name}: ${steps.length} histograms, steps ${steps[0]} to ${steps.at(-1)}.${ending} Left and right read them.`,
    );
    this.#read(this.#at);
    this.resize(true);
  }

  /** Draws again where the width is another one. */
  resize(isOther = false): void {
    const { clientWidth } = this.#figure;
    if (clientWidth === 0 || (clientWidth === this.#width && !isOther)) return;
    this.#width = clientWidth;
    this.#draw();
  }

  #place() {
    const { steps } = this.#heat!;
    const [right, bottom] = [this.#width - margin.right, height - margin.bottom];
    const column = (right - margin.left) / steps.length;
    return {
      ...{ right, bottom, column },
      x: (index: number): number => margin.left + index * column,
      y: (place: number): number => bottom - place * (bottom - margin.top),
    };
  }

  #draw(): void {
    const [heat, palette] = [this.#heat, this.#palette];
    if (heat === undefined || palette === undefined) return;
    const canvas = this.#canvas;
    canvas.width = Math.round(this.#width * devicePixelRatio);
    canvas.height = Math.round(height * devicePixelRatio);
    canvas.style.width = `${this.#width}px`;
    canvas.style.height = `${height}px`;
    const ctx = canvas.getContext('2d')!;
    ctx.scale(devicePixelRatio, devicePixelRatio);
    this.#drawShares(ctx, heat, palette);
    this.#drawQuantiles(ctx, heat, palette);
    this.#drawAxes(ctx, heat, palette);
  }

  #drawShares(
    ctx: CanvasRenderingContext2D,
    { shares, broken, steps, numRows }: Heat,
    palette: Palette,
  ): void {
    const { x, y, column, bottom } = this.#place();
    // Whole pixels leave no seams.
    const edge = (length: number): number => Math.round(length * devicePixelRatio) / devicePixelRatio;
    const most = Math.max(...shares.flat());
    ctx.fillStyle = palette.accent;
    for (const [index, list] of shares.entries()) {
      for (const [at, share] of list.entries()) {
        if (share === 0) continue;
        // The root shows few elements beside many.
        ctx.globalAlpha = 0.06 + 0.84 * Math.sqrt(share / most);
        const [left, top] = [edge(x(index)), edge(y((at + 1) / numRows))];
        ctx.fillRect(left, top, edge(x(index + 1)) - left, edge(y(at / numRows)) - top);
      }
    }
    ctx.globalAlpha = 1;
    ctx.fillStyle = palette.alarm;
    for (const step of broken) ctx.fillRect(x(steps.indexOf(step)), bottom - 3, column, 3);
  }

  #drawQuantiles(ctx: CanvasRenderingContext2D, { quantiles, place }: Heat, palette: Palette): void {
    const { x, y, column } = this.#place();
    ctx.strokeStyle = palette.ink;
    for (const [which, [width, dash]] of [
      [1, [3, 3]],
      [1.8, []],
      [1, [3, 3]],
    ].entries() as Iterable<[number, [number, number[]]]>) {
      ctx.lineWidth = width;
      ctx.setLineDash(dash);
      ctx.beginPath();
      let isDown = false;
      for (const [index, quantile] of quantiles.entries()) {
        if (quantile === null) {
          isDown = false;
          continue;
        }
        const [left, top] = [x(index) + column / 2, y(within(place(quantile[which]!)))];
        if (isDown) ctx.lineTo(left, top);
        else ctx.moveTo(left, top);
        isDown = true;
      }
      ctx.stroke();
    }
    ctx.setLineDash([]);
  }

  #drawAxes(ctx: CanvasRenderingContext2D, { ticks, steps }: Heat, palette: Palette): void {
    const { x, y, column, right, bottom } = this.#place();
    ctx.font = `11px ${palette.font}`;
    ctx.fillStyle = palette.quiet;
    ctx.strokeStyle = palette.line;
    ctx.lineWidth = 1;
    ctx.textAlign = 'right';
    ctx.textBaseline = 'middle';
    let last = Number.POSITIVE_INFINITY;
    for (const { place, text } of ticks(6)) {
      const top = y(place);
      if (last - top < 15) continue;
      last = top;
      ctx.fillText(text, margin.left - 8, Math.max(margin.top + 4, top));
    }
    ctx.textBaseline = 'alphabetic';
    const count = Math.max(1, Math.floor((right - margin.left) / 70));
    const stride = Math.max(1, Math.ceil(steps.length / count));
    for (let index = 0; index < steps.length; index += stride) {
      const left = x(index) + column / 2;
      ctx.textAlign = index === 0 ? 'left' : left > right - 20 ? 'right' : 'center';
      ctx.fillText(countText(steps[index]!), index === 0 ? margin.left : left, bottom + 16);
    }
  }

  #indexAt({ clientX }: PointerEvent): number | undefined {
    if (this.#heat === undefined) return undefined;
    const { column } = this.#place();
    const { left } = this.#figure.getBoundingClientRect();
    const index = Math.floor((clientX - left - margin.left) / column);
    return index >= 0 && index < this.#heat.steps.length ? index : undefined;
  }

  /** Says what the step has; without one, the last. */
  #read(index: number | undefined): void {
    this.#at = index;
    const heat = this.#heat;
    if (heat === undefined) return;
    const at = Math.min(index ?? heat.steps.length - 1, heat.steps.length - 1);
    setText(this.#reading, readingOf(heat, at));
  }

  #key(event: KeyboardEvent): void {
    if (this.#heat === undefined || event.ctrlKey || event.metaKey || event.altKey) return;
    const last = this.#heat.steps.length - 1;
    const at = this.#at ?? last;
    const to = { ArrowLeft: at - 1, ArrowRight: at + 1, Home: 0, End: last }[event.key];
    // Spoken only where keys have asked for it.
    this.#reading.setAttribute('aria-live', 'polite');
    if (event.key === 'Escape') this.#read(undefined);
    else if (to === undefined) return;
    else this.#read(Math.max(0, Math.min(last, to)));
    event.preventDefault();
  }
}

const within = (place: number): number => Math.max(0, Math.min(1, place));

/** `step 100: median 0.012, 90% from −0.31 to 0.32`. */
function readingOf({ steps, quantiles, broken }: Heat, index: number): string {
  const step = `step ${countText(steps[index]!)}`;
  const values = quantiles[index];
  if (values === null || values === undefined) return `${step}: none is finite`;
  const [low, median, high] = values.map((value) => tickText(Number(value.toPrecision(2))));
  const ending = broken.includes(steps[index]!) ? ', some not finite' : '';
  return `${step}: median ${median}, 90% from ${low} to ${high}${ending}`;
}
