/** Controls of the charts. */
import { countText } from '@lockstep/view';
import type { App, View } from './app.ts';
import { h, setText } from './dom.ts';

/** Steps over which curves can be smoothed. */
const windows = [0, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000];

interface Range {
  readonly from: number;
  readonly to: number;
}

export function createCurvesTools({ keeper, store }: App, whole: () => Range): View {
  const slider = h('input', {
    type: 'range',
    id: 'smoothing',
    min: 0,
    max: windows.length - 1,
    step: 1,
    on: { input: () => keeper.set({ smoothing: windows[Number(slider.value)]! }) },
  });
  const over = h('output', { for: 'smoothing' });
  const log = toggle('Log scale', () => keeper.set({ log: !keeper.state.log }));
  const seeds = toggle('Mean over seeds', () => keeper.set({ seeds: !keeper.state.seeds }));
  const now = (): Range => keeper.state.zoom ?? whole();
  const zoomBy = (factor: number): void => {
    const { from, to } = now();
    const [middle, half] = [(from + to) / 2, Math.max(1, ((to - from) * factor) / 2)];
    keeper.set({ zoom: within({ from: middle - half, to: middle + half }, whole()) });
  };
  const moveBy = (share: number): void => {
    const { from, to } = now();
    const by = (to - from) * share;
    keeper.set({ zoom: within({ from: from + by, to: to + by }, whole()) });
  };
  const earlier = button('←', 'Earlier steps', () => moveBy(-0.5));
  const later = button('→', 'Later steps', () => moveBy(0.5));
  const all = button('All steps', undefined, () => keeper.set({ zoom: null }));
  const range = h('span', { class: 'range' });
  const element = h(
    'div',
    { class: 'tools', role: 'toolbar', 'aria-label': 'Charts' },
    h('label', { for: 'smoothing' }, 'Smoothing'),
    slider,
    over,
    log,
    seeds,
    h('span', { class: 'spring' }),
    range,
    h(
      'span',
      { class: 'buttons' },
      earlier,
      button('−', 'Zoom out', () => zoomBy(2)),
      button('+', 'Zoom in', () => zoomBy(0.5)),
      later,
    ),
    all,
  );
  return {
    element,
    close: () => undefined,
    update() {
      const { smoothing, log: isLog, seeds: isBand, zoom } = keeper.state;
      const at = windows.findIndex((steps) => steps >= smoothing);
      slider.value = String(at === -1 ? windows.length - 1 : at);
      setText(over, smoothing === 0 ? 'off' : `${smoothing} steps`);
      slider.setAttribute('aria-valuetext', over.textContent ?? '');
      log.setAttribute('aria-pressed', String(isLog));
      seeds.setAttribute('aria-pressed', String(isBand));
      const groups = new Set(store.runs.map(({ facts }) => facts.group));
      seeds.hidden = groups.size === store.runs.length;
      all.disabled = zoom === null;
      setText(
        range,
        zoom === null ? '' : `steps ${countText(Math.round(zoom.from))} to ${countText(Math.round(zoom.to))}`,
      );
    },
  };
}

/** A range of the same length that lies in the whole, as far as it fits. */
function within({ from, to }: Range, whole: Range): Range | null {
  const length = to - from;
  if (length >= whole.to - whole.from) return null;
  const begin = Math.max(whole.from, Math.min(from, whole.to - length));
  return { from: begin, to: begin + length };
}

function button(text: string, label: string | undefined, onClick: () => void): HTMLButtonElement {
  return h('button', { type: 'button', 'aria-label': label, title: label, on: { click: onClick } }, text);
}

function toggle(text: string, onClick: () => void): HTMLButtonElement {
  return h(
    'button',
    { type: 'button', class: 'toggle', 'aria-pressed': 'false', on: { click: onClick } },
    text,
  );
}
