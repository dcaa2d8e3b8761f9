/** Which line is which run, where there are several. */
import type { App, View } from './app.ts';
import { h, s } from './dom.ts';
import type { Look } from './look.ts';
import { groupsOf } from './selection.ts';

/** With more runs the table of runs is the legend. */
const maxShown = 16;

interface Entry {
  readonly label: string;
  readonly look: Look;
  readonly isDrawn: boolean;
  readonly ids: readonly string[];
}

export function createLegend(app: App): View {
  const { keeper, store } = app;
  const element = h('ul', { class: 'legend', 'aria-label': 'Runs' });
  let shape = '';
  return {
    element,
    close: () => undefined,
    update() {
      element.hidden = store.runs.length < 2;
      if (element.hidden) return;
      const entries = entriesOf(app);
      const numDrawn = app.selection().drawn.length;
      const next = JSON.stringify([entries, numDrawn]);
      if (next === shape) return;
      shape = next;
      element.replaceChildren(...(entries.length > maxShown ? [summary(numDrawn)] : entries.map(itemOf)));
    },
  };

  function itemOf({ label, look, isDrawn, ids }: Entry): HTMLElement {
    const attributes = { type: 'button', 'aria-pressed': String(isDrawn), title: ids.join(', ') };
    const button = h(
      'button',
      { ...attributes, on: { click: () => toggle(ids, isDrawn) } },
      swatch(look),
      label,
    );
    return h('li', {}, button);
  }

  function summary(numDrawn: number): HTMLElement {
    const link = h(
      'a',
      { href: keeper.hrefOf({ view: 'runs' }) },
      `${numDrawn} of ${store.runs.length} runs`,
    );
    return h('li', { class: 'many' }, link, ' are drawn; filter and choose them in Runs.');
  }

  function toggle(ids: readonly string[], isDrawn: boolean): void {
    const others = keeper.state.hidden.filter((id) => !ids.includes(id));
    keeper.set({ hidden: isDrawn ? [...others, ...ids] : others });
  }
}

function entriesOf({ selection, keeper }: App): readonly Entry[] {
  const { all } = selection();
  if (!keeper.state.seeds) {
    return all.map(({ run, label, look, isDrawn }) => ({ label, look, isDrawn, ids: [run.id] }));
  }
  return groupsOf(all).map(({ label, look, members }) => ({
    label: members.length === 1 ? label : `${label}, mean of ${members.length}`,
    look,
    isDrawn: members.some(({ isDrawn }) => isDrawn),
    ids: members.map(({ run }) => run.id),
  }));
}

/** A piece of a run's line. */
export function swatch({ colour, dash, strength }: Look): SVGElement {
  const line = s('line', { x1: 1, y1: 5, x2: 25, y2: 5, 'stroke-dasharray': dash.join(' ') || undefined });
  line.style.stroke = `var(--curve-${colour})`;
  line.style.opacity = String(strength);
  return s('svg', { class: 'swatch', width: 26, height: 10, 'aria-hidden': 'true' }, line);
}
