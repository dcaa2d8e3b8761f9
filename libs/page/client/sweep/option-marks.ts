/** An axis of options, each of which can be chosen. */
import type { Brush, OptionsBrush, Value } from '@lockstep/view';
import { s } from '../dom.ts';
import type { Axis, AxisControl, Layout } from './axes.ts';
import { shortened } from './plot.ts';

type OnChange = (brush: OptionsBrush | undefined, isFinal: boolean) => void;

export function createOptionMarks(
  axis: Axis,
  index: number,
  layout: Layout,
  onChange: OnChange,
): AxisControl {
  const options = axis.options ?? [];
  let chosen: readonly Value[] | undefined;
  const choose = (option: Value): void => {
    const next = chosen?.includes(option)
      ? chosen.filter((one) => one !== option)
      : options.filter((one) => one === option || chosen?.includes(one));
    const isAll = next.length === 0 || next.length === options.length;
    onChange(isAll ? undefined : { axis: axis.id, options: next }, true);
  };
  const marks = options.map((option) => createMark(axis, index, layout, option, () => choose(option)));
  const [low, high] = [layout.at(index, 0), layout.at(index, 1)];
  const element = s(
    'g',
    { class: 'axis', role: 'group', 'aria-label': axis.title },
    s('line', { class: 'axis-line', x1: low.x, y1: low.y, x2: high.x, y2: high.y }),
    ...marks,
  );
  return {
    element,
    show(brush: Brush | undefined) {
      chosen = brush !== undefined && 'options' in brush ? brush.options : undefined;
      element.classList.toggle('brushed', chosen !== undefined);
      for (const [i, mark] of marks.entries()) {
        mark.setAttribute('aria-checked', String(chosen === undefined || chosen.includes(options[i]!)));
      }
    },
  };
}

function createMark(
  { scale, title }: Axis,
  index: number,
  { isWide, at, width }: Layout,
  option: Value,
  onChoose: () => void,
): SVGElement {
  const { x, y } = at(index, scale.place(option) ?? 0);
  const numOptions = scale.ticks(1).length;
  const room = isWide ? 14 : Math.max(3, Math.floor((width - 60) / numOptions / 6.6) - 1);
  const text = isWide ? { x: x + 11, y: y + 4 } : { x, y: y + 22, 'text-anchor': 'middle' };
  return s(
    'g',
    {
      ...{ class: 'option', tabindex: 0, role: 'checkbox', 'aria-label': `${title} ${String(option)}` },
      on: {
        click: (event: Event) => {
          event.stopPropagation();
          onChoose();
        },
        keydown: (event: KeyboardEvent) => {
          if (event.key !== 'Enter' && event.key !== ' ') return;
          event.preventDefault();
          onChoose();
        },
      },
    },
    s('title', {}, String(option)),
    s('circle', { class: 'handle-room', cx: x, cy: y, r: 14 }),
    s('rect', { x: x - 5, y: y - 5, width: 10, height: 10, rx: 2 }),
    s('path', { class: 'check', d: `M${x - 2.6} ${y + 0.2}l2 2.2l3.4 -4.4` }),
    s('text', { class: 'tick halo', ...text }, shortened(String(option), room)),
  );
}
