/** What surrounds the views: title, status, figures of a single run, navigation. */
import { countText, durationText, metricText, type SweepView, shortHash } from '@lockstep/view';
import { type App, currentRun } from './app.ts';
import { h, s, setText } from './dom.ts';
import { sectionsOf } from './sections.ts';
import type { Link } from './source.ts';
import type { Theme, ViewName } from './state.ts';
import type { ShownRun, Store } from './store.ts';
import { currentSweep } from './sweep/current.ts';
import { type Figure, sweepFigures } from './sweep/sweep-figures.ts';

export interface Frame {
  readonly main: HTMLElement;
  update(link: Link): void;
}

const names: Readonly<Record<ViewName, string>> = {
  sweep: 'Sweep',
  trials: 'Trials',
  curves: 'Curves',
  histograms: 'Histograms',
  runs: 'Runs',
  workers: 'Workers',
  members: 'Members',
  run: 'Record',
};

export function createFrame(app: App): Frame {
  const title = h('h1');
  const under = h('p', { class: 'under' });
  const link = h('p', { class: 'link', role: 'status' });
  const theme = createThemeSwitch(app);
  const figures = h('dl', { class: 'figures' });
  const tabs = new Map(
    (Object.keys(names) as ViewName[]).map((name) => [name, h('a', { href: `#view=${name}` }, names[name])]),
  );
  const main = h('main', { id: 'main' });
  let shown: ShownRun['progress'] | SweepView | undefined;
  const notes = h('ul', { class: 'notes' });
  document.body.append(
    h(
      'header',
      { class: 'top' },
      h(
        'div',
        { class: 'brand' },
        mark(),
        h('span', {}, 'Lockstep'),
        link,
        h('span', { class: 'spring' }),
        theme.element,
      ),
      title,
      under,
      figures,
    ),
    h('nav', { 'aria-label': 'Views' }, ...tabs.values()),
    notes,
    main,
  );
  return {
    main,
    update(state) {
      const { store, keeper } = app;
      const only = onlyOf(app);
      const name = titleOf(store);
      setText(title, name);
      document.title = `${name} · Lockstep`;
      setText(under, only === undefined ? '' : 'id' in only ? only.id : only.facts.id);
      showLink(link, state, store);
      figures.hidden = only === undefined;
      const next = only !== undefined && 'id' in only ? only.progress : only;
      if (only !== undefined && next !== shown) {
        showFigures(figures, 'id' in only ? runFigures(only) : sweepFigures(only));
      }
      shown = next;
      theme.update();
      for (const [view, tab] of tabs) {
        tab.href = keeper.hrefOf({ view });
        tab.hidden = isEmpty(view, store);
        if (view === keeper.state.view) tab.setAttribute('aria-current', 'page');
        else tab.removeAttribute('aria-current');
      }
      const warnings = [
        ...store.warnings,
        ...(currentSweep(app)?.progress.warnings ?? []),
        ...(currentRun(app)?.progress.warnings ?? []),
      ];
      notes.replaceChildren(...warnings.slice(0, 4).map((warning) => h('li', {}, warning)));
      notes.hidden = warnings.length === 0;
    },
  };
}

/** What the figures are of: the only run, or the sweep that is looked at or is the only one. */
function onlyOf(app: App): ShownRun | SweepView | undefined {
  const { store, keeper } = app;
  const { view } = keeper.state;
  const isOfSweeps = view === 'sweep' || view === 'trials' || isOneSweep(store);
  if (store.sweeps.length > 0 && isOfSweeps) return currentSweep(app);
  return store.runs.length === 1 ? store.runs[0] : undefined;
}

/** Views of what most pages do not have are not offered there. */
function isEmpty(view: ViewName, { sweeps, runs }: Store): boolean {
  if (view === 'sweep' || view === 'trials') return sweeps.length === 0;
  return view === 'histograms' && runs.every(({ histograms }) => histograms.length === 0);
}

const isOneSweep = ({ sweeps, runs }: Store): boolean =>
  sweeps.length === 1 && runs.every(({ of }) => of !== undefined);

function titleOf(store: Store): string {
  const { runs, sweeps } = store;
  if (isOneSweep(store)) return sweeps[0]!.facts.name;
  if (sweeps.length > 0) {
    const others = runs.filter(({ of }) => of === undefined).length;
    const text = `${countText(sweeps.length)} ${sweeps.length === 1 ? 'sweep' : 'sweeps'}`;
    return others === 0 ? text : `${text}, ${countText(others)} other runs`;
  }
  const experiments = [...new Set(runs.map(({ facts }) => facts.name))];
  if (runs.length === 1) return experiments[0]!;
  const of = experiments.length === 1 ? ` of ${experiments[0]}` : '';
  return `${countText(runs.length)} runs${of}`;
}

/** Three strokes in step. */
function mark(): SVGElement {
  return s(
    'svg',
    { class: 'mark', width: 22, height: 22, viewBox: '0 0 32 32', 'aria-hidden': 'true' },
    s('path', { d: 'M7 24V8m9 16V8m9 16V8', 'stroke-width': 4, 'stroke-linecap': 'round', fill: 'none' }),
  );
}

const linkTexts: Readonly<Record<Link, string>> = {
  file: '',
  live: 'live',
  lost: 'connection lost, trying again',
  ended: 'no longer served; what was read stays',
};

function showLink(element: HTMLElement, link: Link, { runs, sweeps }: Store): void {
  const isRunning = [...sweeps, ...runs].some(({ progress }) => progress.status === 'running');
  setText(element, link === 'live' && !isRunning ? '' : linkTexts[link]);
  element.dataset.link = link;
}

/** The figures that people look for first. */
function runFigures(run: ShownRun): readonly Figure[] {
  const { status, steps, totalSteps, durationMs, fingerprint, fingerprintStep } = run.progress;
  const total = totalSteps === undefined ? '' : ` of ${countText(totalSteps)}`;
  const share = totalSteps === undefined || totalSteps === 0 ? 0 : Math.min(1, steps / totalSteps);
  const speed = run.curves.get('samples/second')?.curve.means;
  const figures: Figure[] = [
    {
      name: 'Status',
      value: status,
      note: durationMs === undefined ? '' : `in ${durationText(durationMs)}`,
      status,
    },
    { name: 'Steps', value: countText(steps), note: total, ...(status === 'running' && { share }) },
    ...leading(run),
  ];
  if (speed !== undefined && speed.values.length > 0) {
    const mean = meanOf(speed.values, speed.counts);
    const ranks = run.timeline.generations.at(-1)?.worldSize;
    const note = ranks === undefined ? '' : `${ranks} ${ranks === 1 ? 'worker' : 'workers'}`;
    figures.push({ name: 'Samples per second', value: metricText('samples/second', mean), note });
  }
  if (fingerprint !== undefined) {
    const note = `step ${countText(fingerprintStep ?? 0)}`;
    figures.push({ name: 'Fingerprint', value: shortHash(fingerprint), note, isHash: true });
  }
  return figures;
}

function showFigures(list: HTMLElement, figures: readonly Figure[]): void {
  list.replaceChildren(
    ...figures.map(({ name, value, note, status, share, isHash = false }) => {
      const content = h('dd', { 'data-status': status }, value, h('small', {}, note));
      const item = h(
        'div',
        { 'data-figure': name.toLowerCase(), class: isHash && 'hash' },
        h('dt', {}, name),
        content,
      );
      if (share !== undefined) {
        const bar = h('i');
        bar.style.width = `${100 * share}%`;
        item.append(h('div', { class: 'progress', 'aria-hidden': 'true' }, bar));
      }
      return item;
    }),
  );
}

/** Of training the loss, of each kind of evaluation the accuracy or what there is. */
function leading(run: ShownRun): Figure[] {
  const sections = sectionsOf([run]).filter(({ title }) => title !== 'Speed');
  const metrics = sections.map(({ title, metrics }) => {
    const accuracy = title === 'Training' ? undefined : metrics.find((name) => /accuracy$/i.test(name));
    return accuracy ?? metrics[0]!;
  });
  return metrics.flatMap((name) => {
    const summary = run.progress.metrics[name];
    if (summary === undefined) return [];
    const { last, best } = summary;
    const note = best === undefined || best === last ? '' : `best ${metricText(name, best)}`;
    return [{ name, value: metricText(name, last), note }];
  });
}

function meanOf(values: Float64Array, counts: Float64Array): number {
  let [sum, total] = [0, 0];
  for (const [i, value] of values.entries()) {
    sum += value * counts[i]!;
    total += counts[i]!;
  }
  return total === 0 ? 0 : sum / total;
}

const themes: readonly Theme[] = ['auto', 'light', 'dark'];

function createThemeSwitch({ keeper }: App) {
  const element = h('button', { type: 'button', class: 'theme', on: { click: next } });
  return {
    element,
    update() {
      const { theme } = keeper.state;
      setText(element, theme === 'auto' ? 'Auto' : theme === 'light' ? 'Light' : 'Dark');
      element.setAttribute('aria-label', `Colours: ${theme}. Change them`);
      document.documentElement.dataset.theme = theme;
    },
  };

  function next(): void {
    const at = themes.indexOf(keeper.state.theme);
    keeper.set({ theme: themes[(at + 1) % themes.length]! });
  }
}
