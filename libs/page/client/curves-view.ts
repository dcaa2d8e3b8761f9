/** Charts of all metrics over steps. */
import type { Curve } from '@lockstep/view';
import { type App, allSteps, type View } from './app.ts';
import { Card } from './card.ts';
import { createCurvesTools } from './curves-tools.ts';
import { Detail } from './detail.ts';
import { h, setText } from './dom.ts';
import { FinalCard } from './final-card.ts';
import { createLegend } from './legend.ts';
import type { StepMark } from './lines.ts';
import { linesOf } from './metric-lines.ts';
import { sectionsOf } from './sections.ts';

export function createCurvesView(app: App): View {
  return new CurvesView(app);
}

class CurvesView implements View {
  readonly element = h('div', { class: 'curves' });
  readonly #app: App;
  readonly #cards = new Map<string, Card>();
  readonly #finals = new Map<string, FinalCard>();
  readonly #sections = h('div');
  readonly #empty = h('p', { class: 'empty' });
  readonly #spoken = h('p', { class: 'unseen', 'aria-live': 'polite' });
  readonly #tools: View;
  readonly #legend: View;
  readonly #detail: Detail;
  readonly #resizing = new ResizeObserver(() => {
    for (const card of this.#cards.values()) card.resize();
    this.#detail.ask();
  });
  #shape = '';

  constructor(app: App) {
    this.#app = app;
    this.#detail = new Detail(app, () => this.update());
    this.#tools = createCurvesTools(app, () => this.#whole());
    this.#legend = createLegend(app);
    this.element.append(this.#tools.element, this.#legend.element, this.#empty, this.#sections, this.#spoken);
    this.#resizing.observe(this.element);
  }

  update(): void {
    const { store, selection, keeper, palette } = this.#app;
    const { drawn } = selection();
    const sections = sectionsOf(store.runs);
    this.#arrange(sections);
    this.#tools.update();
    this.#legend.update();
    const window = keeper.state.zoom ?? this.#whole();
    setText(this.#empty, emptyText(store.runs.length, sections.length, drawn.length));
    const marks = drawn.length === 1 ? marksOf(this.#app) : [];
    const { log: isLog, smoothing, seeds } = keeper.state;
    this.#detail.ask();
    for (const [metric, card] of this.#cards) {
      const curveOf = (run: number): Curve | undefined => this.#detail.curveOf(run, metric);
      const { pixels } = card;
      const lines = linesOf(drawn, metric, { smoothing, seeds, curveOf, pixels, ...window });
      card.show({ lines, ...window, pixels, isLog, marks, palette: palette() });
    }
    for (const card of this.#finals.values()) card.show(drawn);
  }

  close(): void {
    this.#resizing.disconnect();
    this.#detail.close();
    for (const card of this.#cards.values()) card.close();
  }

  #whole() {
    return allSteps(this.#app.selection().drawn.map(({ run }) => run));
  }

  /** Makes the charts again where the metrics are others. */
  #arrange(sections: ReturnType<typeof sectionsOf>): void {
    // A chart's scale cannot become another one.
    const shape = JSON.stringify([sections, this.#app.keeper.state.log]);
    if (shape === this.#shape) return;
    this.#shape = shape;
    for (const card of this.#cards.values()) card.close();
    this.#cards.clear();
    this.#finals.clear();
    const made = sections.map(({ title, metrics }) => {
      const cards = metrics.map((metric) =>
        title === 'Final' ? this.#finalOf(metric) : this.#cardOf(metric),
      );
      return h(
        'section',
        { 'aria-label': title },
        h('h2', {}, title),
        h('div', { class: 'grid' }, ...cards.map(({ element }) => element)),
      );
    });
    this.#sections.replaceChildren(...made);
  }

  #finalOf(metric: string): FinalCard {
    const card = new FinalCard(metric);
    this.#finals.set(metric, card);
    return card;
  }

  #cardOf(metric: string): Card {
    const { keeper } = this.#app;
    const card = new Card({
      metric,
      onZoom: (zoom) => keeper.set({ zoom }),
      onNear: (key) => {
        for (const one of this.#cards.values()) one.highlight(key);
      },
      onStep: (step) => {
        for (const one of this.#cards.values()) one.point(step);
      },
      speak: (text) => setText(this.#spoken, text),
      isLog: keeper.state.log,
      palette: this.#app.palette(),
    });
    this.#cards.set(metric, card);
    return card;
  }
}

function emptyText(numRuns: number, numSections: number, numDrawn: number): string {
  if (numRuns === 0) return 'There are no runs yet. This page shows them as they begin.';
  if (numDrawn === 0) return 'No run is chosen. Choose some in Runs, or change the filter.';
  return numSections === 0 ? 'Nothing was measured yet. Curves appear with the first step.' : '';
}

/** Where generations began: that curves go on there without a jump is what the run promises. */
function marksOf({ selection }: App): readonly StepMark[] {
  const [only] = selection().drawn;
  const generations = only?.run.timeline.generations ?? [];
  return generations
    .filter(({ step }) => step > 0)
    .slice(-12)
    .map(({ step, worldSize }) => ({ step, text: `${worldSize} ${worldSize === 1 ? 'worker' : 'workers'}` }));
}
