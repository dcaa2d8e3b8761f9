/** How much each parameter decides whether a trial is among the best. */
import { percentText, type SweepView } from '@lockstep/view';
import { h } from '../dom.ts';

export interface ImportanceCard {
  readonly element: HTMLElement;
  show(sweep: SweepView): void;
}

export function createImportanceCard(): ImportanceCard {
  const list = h('ul', { class: 'bars' });
  const about = h('p', { class: 'about' });
  const element = h(
    'article',
    { class: 'card' },
    h('header', {}, h('h3', {}, 'Importance of parameters')),
    list,
    about,
  );
  let shape = '';
  return {
    element,
    show({ progress: { importances } }) {
      const next = JSON.stringify(importances);
      if (next === shape) return;
      shape = next;
      list.replaceChildren(
        ...importances.map(({ id, importance }) => {
          const bar = h('i');
          bar.style.width = `${100 * importance}%`;
          const track = h('div', { 'aria-hidden': 'true' }, bar);
          return h('li', {}, h('span', {}, id), h('b', {}, percentText(importance)), track);
        }),
      );
      about.replaceChildren(
        importances.length === 0
          ? 'It is known when two trials have finished.'
          : 'PED-ANOVA: how the best tenth of the trials differs from all of them.',
      );
    },
  };
}
