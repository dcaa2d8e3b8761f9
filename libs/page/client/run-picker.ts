/** Chooses the run of a view that shows one. */
import { type App, currentRun } from './app.ts';
import { h } from './dom.ts';

export interface Picker {
  readonly element: HTMLElement;
  update(): void;
}

export function createPicker({ keeper, store, ...rest }: App): Picker {
  const select = h('select', { id: 'run', on: { change: () => keeper.set({ run: select.value }) } });
  const element = h('div', { class: 'tools' }, h('label', { for: 'run' }, 'Run'), select);
  let shape = '';
  return {
    element,
    update() {
      element.hidden = store.runs.length < 2;
      const ids = store.runs.map(({ id }) => id);
      const next = ids.join('\n');
      if (next !== shape) select.replaceChildren(...ids.map((id) => h('option', { value: id }, id)));
      shape = next;
      select.value = currentRun({ keeper, store, ...rest })?.id ?? '';
    },
  };
}
