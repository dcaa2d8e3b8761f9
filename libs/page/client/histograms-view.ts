/** How parameters, gradients and updates are distributed, over the steps of a run. */
import { type HistogramKind, heatOf, histogramKinds, namesIn } from '@lockstep/view';
import { type App, currentRun, type View } from './app.ts';
import { h } from './dom.ts';
import { HeatCard } from './heat-card.ts';
import { createPicker } from './run-picker.ts';
import type { ShownRun } from './store.ts';

export function createHistogramsView(app: App): View {
  return new HistogramsView(app);
}

const titles: Readonly<Record<HistogramKind, string>> = {
  params: 'Parameters',
  gradients: 'Gradients',
  updates: 'Updates',
};

class HistogramsView implements View {
  readonly element = h('div', { class: 'histograms' });
  readonly #app: App;
  readonly #picker: ReturnType<typeof createPicker>;
  readonly #kinds: ReadonlyMap<HistogramKind, HTMLButtonElement>;
  readonly #log: HTMLButtonElement;
  readonly #empty = h('p', { class: 'empty' });
  readonly #grid = h('div', { class: 'grid' });
  readonly #about = h('p', { class: 'about' });
  readonly #resizing = new ResizeObserver(() => {
    for (const card of this.#cards.values()) card.resize();
  });
  #cards = new Map<string, HeatCard>();
  #shown: { readonly key: string; readonly steps: ShownRun['histograms'] } | undefined;

  constructor(app: App) {
    this.#app = app;
    this.#picker = createPicker(app);
    this.#kinds = new Map(histogramKinds.map((kind) => [kind, this.#button(kind)]));
    const { keeper } = app;
    this.#log = h(
      'button',
      { type: 'button', class: 'toggle', on: { click: () => keeper.set({ log: !keeper.state.log }) } },
      'Log scale',
    );
    this.element.append(
      this.#picker.element,
      h(
        'div',
        { class: 'tools', role: 'toolbar', 'aria-label': 'Histograms' },
        h('span', { class: 'buttons' }, ...this.#kinds.values()),
        this.#log,
        legend(),
      ),
      this.#empty,
      h('h2', { class: 'unseen' }, 'Histograms'),
      this.#grid,
      this.#about,
    );
    this.#resizing.observe(this.element);
  }

  update(): void {
    this.#picker.update();
    const { histograms: kind, log: isLog } = this.#app.keeper.state;
    this.#log.setAttribute('aria-pressed', String(isLog));
    for (const [name, button] of this.#kinds) button.setAttribute('aria-pressed', String(name === kind));
    const run = currentRun(this.#app);
    const steps = run?.histograms ?? [];
    this.#empty.replaceChildren(
      steps.length === 0 ? 'This run has no histograms. They are recorded with --histograms.' : '',
    );
    this.#about.replaceChildren(steps.length === 0 ? '' : aboutText(kind, isLog));
    const palette = this.#app.palette();
    const key = JSON.stringify([run?.id, kind, isLog, palette]);
    if (key === this.#shown?.key && steps === this.#shown.steps) return;
    this.#shown = { key, steps };
    const names = namesIn(steps, kind);
    if (names.join('\n') !== [...this.#cards.keys()].join('\n')) {
      this.#cards = new Map(names.map((name) => [name, new HeatCard(name)]));
      this.#grid.replaceChildren(...[...this.#cards.values()].map(({ element }) => element));
    }
    for (const [name, card] of this.#cards) card.show(heatOf(steps, kind, name, isLog)!, palette);
  }

  close(): void {
    this.#resizing.disconnect();
  }

  #button(kind: HistogramKind): HTMLButtonElement {
    const on = { click: () => this.#app.keeper.set({ histograms: kind }) };
    return h('button', { type: 'button', class: 'toggle', on }, titles[kind]);
  }
}

const about: Readonly<Record<HistogramKind, string>> = {
  params: 'Parameters before the step.',
  gradients: 'The mean gradient of the step, before clipping.',
  updates: 'What the step has added to the parameters.',
};

const aboutText = (kind: HistogramKind, isLog: boolean): string =>
  isLog
    ? `${about[kind]} A row is half a power of two of the magnitude; small magnitudes are one row at 0.`
    : `${about[kind]} Of the elements 0.2% at either end may lie outside.`;

function legend(): HTMLElement {
  return h(
    'ul',
    { class: 'legend heat-legend', 'aria-label': 'Signs' },
    h('li', {}, h('i', { class: 'shade' }), 'few to many elements'),
    h('li', {}, h('i', { class: 'median' }), 'median'),
    h('li', {}, h('i', { class: 'edge' }), '5% and 95%'),
  );
}
