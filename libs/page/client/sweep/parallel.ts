/** Parallel coordinates: each trial a line through its values, each axis with a part that can be chosen. */
import { type Brush, type SweepView, standings } from '@lockstep/view';
import { h, s } from '../dom.ts';
import { type Axis, type AxisControl, type Layout, layoutOf, nowhere } from './axes.ts';
import { createOptionMarks } from './option-marks.ts';
import { type Marking, shortened } from './plot.ts';
import { createRangeSlider } from './range-slider.ts';

export interface ParallelOptions {
  readonly onHover: (trial: number | undefined) => void;
  readonly onSelect: (trial: number | null) => void;
  /** The part of an axis that is chosen; undefined for all. `isFinal`: not while it is dragged. */
  readonly onBrush: (axis: string, brush: Brush | undefined, isFinal: boolean) => void;
  readonly tipOf: (trial: number) => readonly (readonly [name: string, value: string])[];
}

export class Parallel {
  readonly element: HTMLElement;
  readonly #options: ParallelOptions;
  readonly #figure: HTMLElement;
  readonly #tip = h('ul', { class: 'readings' });
  readonly #lines = s('g', { class: 'parallel-lines', 'aria-hidden': 'true' });
  #paths = new Map<number, SVGElement>();
  /** Places of each trial by axis. */
  #places = new Map<number, readonly number[]>();
  #controls: readonly AxisControl[] = [];
  #axes: readonly Axis[] = [];
  #brushes: readonly Brush[] = [];
  #layout: Layout | undefined;
  #sweep: SweepView | undefined;
  #marking: Marking | undefined;
  #axesShape = '';
  /** What the lines are of. */
  #drawn: { readonly sweep: SweepView; readonly axes: string } | undefined;

  constructor(options: ParallelOptions) {
    this.#options = options;
    this.#figure = h('div', {
      class: 'parallel',
      on: {
        pointermove: (event: PointerEvent) => options.onHover(this.#near(event)),
        pointerleave: () => options.onHover(undefined),
        click: (event: PointerEvent) => {
          // The end of dragging along an axis is a click too.
          const isOnAxis = event.target instanceof Element && event.target.closest('.axis') !== null;
          const trial = isOnAxis ? undefined : this.#near(event);
          if (trial !== undefined) options.onSelect(trial);
        },
      },
    });
    this.element = h(
      'article',
      { class: 'card' },
      h('header', {}, h('h3', {}, 'Parallel coordinates')),
      this.#figure,
      this.#tip,
    );
  }

  show(sweep: SweepView, axes: readonly Axis[], brushes: readonly Brush[]): void {
    this.#sweep = sweep;
    this.#axes = axes;
    this.#brushes = brushes;
    this.#draw();
  }

  resize(): void {
    this.#draw();
  }

  mark(marking: Marking): void {
    this.#marking = marking;
    const { chosen, selected, hovered } = marking;
    for (const [trial, path] of this.#paths) {
      path.classList.toggle('out', !chosen.has(trial));
      path.classList.toggle('selected', trial === selected);
      path.classList.toggle('hovered', trial === hovered);
    }
    for (const trial of [selected, hovered]) {
      const path = trial === undefined ? undefined : this.#paths.get(trial);
      if (path !== undefined && path !== this.#lines.lastChild) this.#lines.append(path);
    }
    const tip = hovered === undefined || !this.#figure.matches(':hover') ? [] : this.#options.tipOf(hovered);
    this.#tip.replaceChildren(
      ...tip.map(([name, value]) => h('li', {}, h('span', {}, name), h('b', {}, value))),
    );
  }

  #draw(): void {
    const width = this.#figure.clientWidth;
    const sweep = this.#sweep;
    if (sweep === undefined || width === 0) return;
    this.#drawAxes(width);
    for (const [i, control] of this.#controls.entries()) {
      control.show(this.#brushes.find(({ axis }) => axis === this.#axes[i]!.id));
    }
    this.#drawLines(sweep);
    if (this.#marking !== undefined) this.mark(this.#marking);
  }

  /** The axes stay while a part of one is dragged, and where only trials are new. */
  #drawAxes(width: number): void {
    const ticks = this.#axes.map(({ id, scale }) => [id, scale.ticks(6), scale.valueAt(0), scale.valueAt(1)]);
    const shape = JSON.stringify([width, ticks]);
    if (shape === this.#axesShape) return;
    this.#axesShape = shape;
    const layout = layoutOf(this.#axes.length, width);
    this.#layout = layout;
    const made = this.#axes.map((axis, index) => {
      const change = (brush: Brush | undefined, isFinal: boolean): void =>
        this.#options.onBrush(axis.id, brush, isFinal);
      return axis.options === undefined
        ? createRangeSlider(axis, index, layout, change)
        : createOptionMarks(axis, index, layout, change);
    });
    this.#controls = made;
    const { height: total } = layout;
    this.#figure.style.height = `${total}px`;
    this.#figure.replaceChildren(
      s(
        'svg',
        {
          ...{ width, height: total, viewBox: `0 0 ${width} ${total}`, role: 'group' },
          'aria-label': 'Parallel coordinates: a part of each axis can be chosen',
        },
        this.#lines,
        ...this.#axes.map((axis, index) => title(axis, index, layout, this.#axes.length)),
        ...made.map(({ element }) => element),
      ),
    );
  }

  /** The lines stay where only what is chosen is other. */
  #drawLines(sweep: SweepView): void {
    if (this.#drawn?.sweep === sweep && this.#drawn.axes === this.#axesShape) return;
    this.#drawn = { sweep, axes: this.#axesShape };
    const layout = this.#layout!;
    const { trials, progress, facts } = sweep;
    const standing = standings(trials, facts.objectives[0]!.direction);
    this.#paths = new Map();
    this.#places = new Map();
    // The better ones are drawn above the others.
    const ordered = [...trials].sort(
      (a, b) => (standing.get(a.number) ?? -1) - (standing.get(b.number) ?? -1),
    );
    const paths = ordered.map((trial) => {
      const places = this.#axes.map((axis) => {
        const value = axis.in(trial);
        return (value === undefined ? undefined : axis.scale.place(value)) ?? nowhere;
      });
      this.#places.set(trial.number, places);
      const d = places.map((place, axis) => {
        const { x, y } = layout.at(axis, place);
        return `${axis === 0 ? 'M' : 'L'}${x.toFixed(1)} ${y.toFixed(1)}`;
      });
      const isBest = trial.number === progress.best;
      const path = s('path', {
        class: `coordinate ${isBest ? 'best' : `coordinate-${trial.status}`}`,
        d: d.join(''),
      });
      const share = standing.get(trial.number) ?? 0;
      path.style.setProperty('--share', `${Math.round(100 * share * share)}%`);
      this.#paths.set(trial.number, path);
      return path;
    });
    this.#lines.replaceChildren(...paths);
  }

  /** The trial whose line is under the pointer, within ten pixels. */
  #near({ clientX, clientY, target }: PointerEvent): number | undefined {
    const layout = this.#layout;
    const isControl =
      target instanceof Element && target.closest('[role="slider"], [role="checkbox"]') !== null;
    if (layout === undefined || isControl) return undefined;
    const { left, top } = this.#figure.getBoundingClientRect();
    const [x, y] = [clientX - left, clientY - top];
    const across = layout.across(x, y);
    const axis = Math.floor(across);
    if (axis < 0 || axis >= this.#axes.length - 1) return undefined;
    const length = layout.isWide
      ? layout.at(0, 0).y - layout.at(0, 1).y
      : layout.at(0, 1).x - layout.at(0, 0).x;
    let nearest: { readonly trial: number; readonly distance: number } | undefined;
    for (const [trial, places] of this.#places) {
      if (this.#marking?.chosen.has(trial) === false) continue;
      const share = across - axis;
      const place = places[axis]! * (1 - share) + places[axis + 1]! * share;
      const distance = Math.abs(place - layout.placeOf(x, y)) * length;
      if (distance <= 10 && !(distance >= (nearest?.distance ?? 11))) nearest = { trial, distance };
    }
    return nearest?.trial;
  }
}

function title({ title: text }: Axis, index: number, layout: Layout, numAxes: number): SVGElement {
  const { isWide, at, width } = layout;
  const { x, y } = isWide ? at(index, 1) : at(index, 0);
  const room = Math.floor((isWide ? width / numAxes : width - 60) / 6.8);
  const place = isWide ? { x, y: y - 26, 'text-anchor': 'middle' } : { x: 4, y: y - 16 };
  return s('text', { class: 'axis-title', ...place }, shortened(text, room), s('title', {}, text));
}
