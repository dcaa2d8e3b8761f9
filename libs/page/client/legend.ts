/** Which line is which run, where there are several. */
import type { App, View } from './app.ts';
import { h, s } from './dom.ts';
import type { Look } from './look.ts';

/** With more runs the table of runs is the legend. */
const maxShown = 16;

export function createLegend({ selection, keeper, store }: App): View {
  const element = h('ul', { class: 'legend', 'aria-label': 'Runs' });
  let shape = '';
  return {
    element,
    close: () => undefined,
    update() {
      const { all, drawn } = selection();
      const isShown = store.runs.length > 1;
      element.hidden = !isShown;
      const next = JSON.stringify(all.map(({ label, look, isDrawn }) => [label, look, isDrawn]));
      if (!isShown || next === shape) return;
      shape = next;
      if (all.length > maxShown) {
        const link = h(
          'a',
          { href: keeper.hrefOf({ view: 'runs' }) },
          `${drawn.length} of ${store.runs.length} runs`,
        );
        element.replaceChildren(
          h('li', { class: 'many' }, link, ' are drawn; filter and choose them in Runs.'),
        );
        return;
      }
      const items = all.map(({ run, label, look, isDrawn }) =>
        h(
          'li',
          {},
          h(
            'button',
            {
              type: 'button',
              'aria-pressed': String(isDrawn),
              title: run.id,
              on: { click: () => toggle(run.id) },
            },
            swatch(look),
            label,
          ),
        ),
      );
      element.replaceChildren(...items);
    },
  };

  function toggle(id: string): void {
    const { hidden } = keeper.state;
    keeper.set({ hidden: hidden.includes(id) ? hidden.filter((one) => one !== id) : [...hidden, id] });
  }
}

/** A piece of a run's line. */
export function swatch({ colour, dash, strength }: Look): SVGElement {
  const line = s('line', { x1: 1, y1: 5, x2: 25, y2: 5, 'stroke-dasharray': dash.join(' ') || undefined });
  line.style.stroke = `var(--curve-${colour})`;
  line.style.opacity = String(strength);
  return s('svg', { class: 'swatch', width: 26, height: 10, 'aria-hidden': 'true' }, line);
}
