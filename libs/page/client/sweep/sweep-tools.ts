/** Controls of the views of a sweep. */
import { countText, formatBrush } from '@lockstep/view';
import type { App, View } from '../app.ts';
import { h, setText } from '../dom.ts';
import { currentSweep } from './current.ts';
import { type GlyphName, glyphIcon } from './glyph.ts';

export function createSweepTools(app: App, numChosen: () => number): View {
  const { keeper } = app;
  const picker = createSweepPicker(app);
  const log = h(
    'button',
    { type: 'button', class: 'toggle', on: { click: () => keeper.set({ log: !keeper.state.log }) } },
    'Log scale',
  );
  const clear = h(
    'button',
    { type: 'button', on: { click: () => keeper.set({ brushes: [], trialFilter: '' }) } },
    'Choose all',
  );
  const chosen = h('span', { role: 'status' });
  const legend = h('ul', { class: 'legend glyphs', 'aria-label': 'Marks of trials' });
  let shape = '';
  return {
    element: h(
      'div',
      { class: 'tools', role: 'toolbar', 'aria-label': 'Trials' },
      ...picker.elements,
      log,
      legend,
      h('span', { class: 'spring' }),
      chosen,
      clear,
    ),
    close: () => undefined,
    update() {
      picker.update();
      const sweep = currentSweep(app);
      const { log: isLog, brushes, trialFilter } = keeper.state;
      log.setAttribute('aria-pressed', String(isLog));
      const isLimited = brushes.length > 0 || trialFilter !== '';
      clear.disabled = !isLimited;
      clear.title = [...brushes.map(formatBrush), trialFilter].filter((text) => text !== '').join('; ');
      const total = sweep?.trials.length ?? 0;
      setText(chosen, isLimited ? `${countText(numChosen())} of ${countText(total)} trials chosen` : '');
      const present = new Set(sweep?.trials.map(({ status }) => status));
      const names = glyphNames.filter(([name]) =>
        name === 'best' ? sweep?.progress.best !== undefined : present.has(name),
      );
      const next = names.map(([name]) => name).join();
      if (next === shape) return;
      shape = next;
      legend.replaceChildren(...names.map(([name, text]) => h('li', {}, glyphIcon(name), text)));
    },
  };
}

const glyphNames: readonly (readonly [GlyphName, string])[] = [
  ['best', 'best'],
  ['finished', 'finished'],
  ['pruned', 'pruned'],
  ['failed', 'failed'],
  ['running', 'running'],
  ['waiting', 'waiting'],
  ['cancelled', 'cancelled'],
  ['setAside', 'set aside'],
];

/** Chooses the sweep of a view that shows one. */
export function createSweepPicker(app: App) {
  const { keeper, store } = app;
  const select = h('select', {
    id: 'sweep',
    on: {
      change: () =>
        keeper.set({ sweep: select.value, trial: null, brushes: [], trialFilter: '', trialSort: '' }),
    },
  });
  const label = h('label', { for: 'sweep' }, 'Sweep');
  let shape = '';
  return {
    elements: [label, select],
    update() {
      const ids = store.sweeps.map(({ facts }) => facts.id);
      for (const element of [label, select]) element.hidden = ids.length < 2;
      const next = ids.join('\n');
      if (next !== shape) select.replaceChildren(...ids.map((id) => h('option', { value: id }, id)));
      shape = next;
      select.value = currentSweep(app)?.facts.id ?? '';
    },
  };
}
