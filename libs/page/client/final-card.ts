/** A metric of which every run has one value: a bar for each run, the best first. */
import { metricText } from '@lockstep/view';
import { h } from './dom.ts';
import type { Selected } from './selection.ts';

/** More runs are in the table of runs. */
const maxBars = 10;

export class FinalCard {
  readonly element: HTMLElement;
  readonly #metric: string;
  readonly #value = h('span', { class: 'value' });
  readonly #bars = h('ul', { class: 'bars' });
  #shape = '';

  constructor(metric: string) {
    this.#metric = metric;
    const head = h('header', {}, h('h3', {}, metric), h('p', { class: 'reading' }, this.#value));
    this.element = h('article', { class: 'card final' }, head, this.#bars);
  }

  show(drawn: readonly Selected[]): void {
    const found = drawn.flatMap(({ run, label, look }) => {
      const summary = run.progress.metrics[this.#metric];
      return summary === undefined ? [] : [{ label, look, value: summary.last }];
    });
    const shape = JSON.stringify(found);
    if (shape === this.#shape) return;
    this.#shape = shape;
    const isRising = /(?:accuracy|precision|recall|f1|auc|r2)$/i.test(this.#metric);
    const worth = (value: number): number =>
      Number.isFinite(value) ? (isRising ? -value : value) : Number.MAX_VALUE;
    found.sort((a, b) => worth(a.value) - worth(b.value));
    const text = (value: number): string => metricText(this.#metric, value);
    this.#value.textContent = found.length === 1 ? text(found[0]!.value) : '';
    const most = Math.max(...found.map(({ value }) => (Number.isFinite(value) ? Math.abs(value) : 0))) || 1;
    const bars = found.slice(0, maxBars).map(({ label, look, value }) => {
      const bar = h('i');
      bar.style.width = `${Number.isFinite(value) ? (100 * Math.abs(value)) / most : 100}%`;
      bar.style.background = `var(--curve-${look.colour})`;
      return h(
        'li',
        {},
        h('span', {}, label),
        h('b', {}, text(value)),
        h('div', { 'aria-hidden': 'true' }, bar),
      );
    });
    const rest = found.length - bars.length;
    const more =
      rest > 0 ? [h('li', { class: 'more' }, `and ${rest} more, which the table of runs has`)] : [];
    this.#bars.replaceChildren(...(found.length === 1 ? [] : [...bars, ...more]));
  }
}
