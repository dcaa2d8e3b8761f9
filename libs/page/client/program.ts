/** The parts of a mean step in their order, where a trace recorded them. */
import { bytesText, millisecondsText, type ProgramPart } from '@lockstep/view';
import { h } from './dom.ts';

const patternsOf = { segment: 'compute', exchange: 'network', update: 'other' } as const;

export function programChart(parts: readonly ProgramPart[]): HTMLElement {
  const end = Math.max(...parts.map(({ beginMs, durationMs }) => beginMs + durationMs));
  const rows = parts.map(({ name, kind, beginMs, durationMs, bytes }) => {
    const bar = h('i', { 'data-part': patternsOf[kind] });
    bar.style.marginLeft = `${(100 * Math.max(0, beginMs)) / end}%`;
    bar.style.width = `${Math.max(0.3, (100 * durationMs) / end)}%`;
    return h(
      'tr',
      {},
      h('th', { scope: 'row' }, name),
      h('td', { class: 'number' }, millisecondsText(durationMs)),
      h('td', { class: 'number' }, bytes === 0 ? '–' : bytesText(bytes)),
      h('td', { class: 'parts-of-step' }, h('div', { 'aria-hidden': 'true' }, bar)),
    );
  });
  const heads = ['Part', 'Mean time', 'Sent', 'In the step'];
  return h(
    'div',
    { class: 'scroll', tabindex: 0, role: 'region', 'aria-label': 'Parts of a step' },
    h(
      'table',
      {},
      h(
        'thead',
        {},
        h(
          'tr',
          {},
          ...heads.map((head, i) => h('th', { scope: 'col', class: (i === 1 || i === 2) && 'number' }, head)),
        ),
      ),
      h('tbody', {}, ...rows),
    ),
  );
}
