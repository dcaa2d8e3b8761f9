/** An axis of numbers with two handles. Dragging beside them chooses another part; keys move them. */
import { type Brush, numberText, type RangeBrush } from '@lockstep/view';
import { s } from '../dom.ts';
import { type Axis, type AxisControl, type Layout, rangeBetween } from './axes.ts';

type OnChange = (brush: RangeBrush | undefined, isFinal: boolean) => void;

type End = 'from' | 'to';

/** A movement of fewer pixels is a click, which chooses everything. */
const minDrag = 4;

export function createRangeSlider(
  axis: Axis,
  index: number,
  layout: Layout,
  onChange: OnChange,
): AxisControl {
  return new RangeSlider(axis, index, layout, onChange);
}

class RangeSlider implements AxisControl {
  readonly element: SVGElement;
  readonly #axis: Axis;
  readonly #index: number;
  readonly #layout: Layout;
  readonly #onChange: OnChange;
  readonly #chosen = s('line', { class: 'axis-chosen' });
  readonly #handles: Readonly<Record<End, SVGElement>>;
  /** Places of the handles. */
  #places: Readonly<Record<End, number>> = { from: 0, to: 1 };

  constructor(axis: Axis, index: number, layout: Layout, onChange: OnChange) {
    this.#axis = axis;
    this.#index = index;
    this.#layout = layout;
    this.#onChange = onChange;
    this.#handles = { from: this.#handle('from'), to: this.#handle('to') };
    const [low, high] = [layout.at(index, 0), layout.at(index, 1)];
    const ends = { x1: low.x, y1: low.y, x2: high.x, y2: high.y };
    const strip = s('line', {
      ...{ class: 'axis-strip', ...ends },
      on: { pointerdown: (event: PointerEvent) => this.#drag(event, undefined) },
    });
    this.element = s(
      'g',
      { class: 'axis' },
      s('line', { class: 'axis-line', ...ends }),
      this.#chosen,
      ...axis.scale.ticks(layout.isWide ? 6 : 5).map(({ place, text }) => this.#tick(place, text)),
      strip,
      ...Object.values(this.#handles),
    );
  }

  show(brush: Brush | undefined): void {
    const { scale } = this.#axis;
    const range = brush === undefined || 'options' in brush ? undefined : brush;
    this.#places = {
      from: scale.place(range?.from ?? Number.NEGATIVE_INFINITY) ?? 0,
      to: scale.place(range?.to ?? Number.POSITIVE_INFINITY) ?? 1,
    };
    this.element.classList.toggle('brushed', range !== undefined);
    for (const end of ['from', 'to'] as const) {
      const { x, y } = this.#layout.at(this.#index, this.#places[end]);
      this.#handles[end].setAttribute('transform', `translate(${x.toFixed(1)} ${y.toFixed(1)})`);
      const { from, to } = this.#places;
      const [least, greatest] = end === 'from' ? [0, to] : [from, 1];
      const value = this.#valueAt(this.#places[end]);
      const states = { min: this.#valueAt(least), max: this.#valueAt(greatest), now: value };
      for (const [name, at] of Object.entries(states)) {
        this.#handles[end].setAttribute(`aria-value${name}`, String(at));
      }
      this.#handles[end].setAttribute('aria-valuetext', numberText(value));
    }
    const [low, high] = [
      this.#layout.at(this.#index, this.#places.from),
      this.#layout.at(this.#index, this.#places.to),
    ];
    for (const [name, at] of Object.entries({ x1: low.x, y1: low.y, x2: high.x, y2: high.y })) {
      this.#chosen.setAttribute(name, at.toFixed(1));
    }
  }

  #valueAt(place: number): number {
    return Number(Number(this.#axis.scale.valueAt(place)).toPrecision(4));
  }

  #tick(place: number, text: string): SVGElement {
    const { isWide, at } = this.#layout;
    const { x, y } = at(this.#index, place);
    const where = isWide ? { x: x + 10, y: y + 4 } : { x, y: y + 20, 'text-anchor': 'middle' };
    return s('text', { class: 'tick halo', ...where }, text);
  }

  #handle(end: End): SVGElement {
    const { isWide } = this.#layout;
    const shape = isWide
      ? { x: -9, y: -3.5, width: 18, height: 7 }
      : { x: -3.5, y: -9, width: 7, height: 18 };
    return s(
      'g',
      {
        ...{ class: 'handle', tabindex: 0, role: 'slider' },
        'aria-orientation': isWide ? 'vertical' : 'horizontal',
        'aria-label': `${this.#axis.title}, ${end === 'from' ? 'from' : 'up to'}`,
        on: {
          keydown: (event: KeyboardEvent) => this.#key(event, end),
          pointerdown: (event: PointerEvent) => this.#drag(event, end),
        },
      },
      s('circle', { class: 'handle-room', r: 14 }),
      s('rect', { ...shape, rx: 3.5 }),
    );
  }

  #key(event: KeyboardEvent, end: End): void {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const moves: Readonly<Record<string, number>> = {
      ...{ ArrowUp: 0.02, ArrowRight: 0.02, ArrowDown: -0.02, ArrowLeft: -0.02 },
      ...{ PageUp: 0.1, PageDown: -0.1, Home: -1, End: 1 },
    };
    const move = moves[event.key];
    if (event.key === 'Escape') this.#onChange(undefined, true);
    else if (move === undefined) return;
    else {
      const { from, to } = this.#places;
      const moved = this.#places[end] + move;
      if (end === 'from') this.#tell(Math.max(0, Math.min(moved, to)), to, true);
      else this.#tell(from, Math.min(1, Math.max(moved, from)), true);
    }
    event.preventDefault();
  }

  #tell(from: number, to: number, isFinal: boolean): void {
    this.#onChange(rangeBetween(this.#axis, from, to), isFinal);
  }

  /** Of a handle, or of a new part that begins where the pointer is. */
  #drag(event: PointerEvent, end: End | undefined): void {
    const target = event.currentTarget as SVGElement;
    const svg = target.ownerSVGElement!;
    const placeOf = ({ clientX, clientY }: PointerEvent): number => {
      const { left, top } = svg.getBoundingClientRect();
      return Math.max(0, Math.min(1, this.#layout.placeOf(clientX - left, clientY - top)));
    };
    const fixed = end === undefined ? placeOf(event) : this.#places[end === 'from' ? 'to' : 'from'];
    const begin = { x: event.clientX, y: event.clientY };
    const isMoved = ({ clientX, clientY }: PointerEvent): boolean =>
      Math.max(Math.abs(clientX - begin.x), Math.abs(clientY - begin.y)) >= minDrag;
    let hasMoved = false;
    const listening = new AbortController();
    const { signal } = listening;
    const move = (moved: PointerEvent): void => {
      hasMoved ||= isMoved(moved);
      if (hasMoved) this.#tell(fixed, placeOf(moved), false);
    };
    const up = (ended: PointerEvent): void => {
      listening.abort();
      if (hasMoved) this.#tell(fixed, placeOf(ended), true);
      else if (end === undefined) this.#onChange(undefined, true);
    };
    target.setPointerCapture(event.pointerId);
    target.addEventListener('pointermove', move as EventListener, { signal });
    target.addEventListener('pointerup', up as EventListener, { signal });
    target.addEventListener('pointercancel', () => listening.abort(), { signal });
    event.preventDefault();
    (end === undefined ? this.#handles.from : this.#handles[end]).focus({ preventScroll: true });
  }
}
