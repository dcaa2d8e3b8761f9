/** A table of runs: filtered, sorted, and chosen for the charts. */
import { durationText, metricText, settingText, shortHash, type Value } from '@lockstep/view';
import type { App, View } from './app.ts';
import { h, s, setText } from './dom.ts';
import { swatch } from './legend.ts';
import type { Selected } from './selection.ts';
import { type ShownRun, valuesOf } from './store.ts';

interface Column {
  /** What runs are sorted by. */
  readonly key: string;
  readonly title: string;
  readonly isNumber: boolean;
  readonly text: (run: ShownRun) => string;
}

export function createRunsView(app: App): View {
  return new RunsView(app);
}

class RunsView implements View {
  readonly element = h('div', { class: 'runs' });
  readonly #app: App;
  readonly #filter: HTMLInputElement;
  readonly #count = h('span', { class: 'count', role: 'status' });
  readonly #problem = h('p', { class: 'problem', role: 'alert' });
  readonly #head = h('tr');
  readonly #body = h('tbody');
  readonly #rows = new Map<ShownRun, Row>();
  #shape = '';

  constructor(app: App) {
    this.#app = app;
    const { keeper } = app;
    this.#filter = h('input', {
      type: 'search',
      id: 'filter',
      placeholder: 'rate>0.01, status=finished, name=mnist*',
      spellcheck: 'false',
      autocomplete: 'off',
      on: { input: () => keeper.set({ filter: this.#filter.value }) },
    });
    const all = h('button', { type: 'button', on: { click: () => this.#choose(true) } }, 'Draw all');
    const none = h('button', { type: 'button', on: { click: () => this.#choose(false) } }, 'Draw none');
    this.element.append(
      h(
        'div',
        { class: 'tools' },
        h('label', { for: 'filter' }, 'Filter'),
        this.#filter,
        this.#count,
        h('span', { class: 'spring' }),
        h('span', { class: 'buttons' }, all, none),
      ),
      this.#problem,
      h(
        'div',
        { class: 'scroll', tabindex: 0, role: 'region', 'aria-label': 'Table of runs' },
        h('table', {}, h('thead', {}, this.#head), this.#body),
      ),
    );
  }

  update(): void {
    const { selection, keeper, store } = this.#app;
    const { all, drawn, problem } = selection();
    if (document.activeElement !== this.#filter) this.#filter.value = keeper.state.filter;
    setText(this.#count, `${all.length} of ${store.runs.length} runs, ${drawn.length} drawn`);
    setText(this.#problem, problem ?? '');
    this.#problem.hidden = problem === undefined;
    const columns = columnsOf(store.runs);
    this.#showHead(columns);
    const shape = columns.map(({ key }) => key).join('\n');
    if (shape !== this.#shape) this.#rows.clear();
    this.#shape = shape;
    const rows = all.map((selected) => {
      const row = this.#rows.get(selected.run) ?? new Row(this.#app, selected.run, columns);
      this.#rows.set(selected.run, row);
      row.show(selected, columns);
      return row.element;
    });
    const isSame =
      rows.length === this.#body.children.length && rows.every((row, i) => this.#body.children[i] === row);
    if (!isSame) this.#body.replaceChildren(...rows);
  }

  close(): void {}

  #showHead(columns: readonly Column[]): void {
    const { sort, descending } = this.#app.keeper.state;
    const cells = columns.map(({ key, title, isNumber }) => {
      const isSorted = sort === key;
      const order = isSorted ? (descending ? 'descending' : 'ascending') : undefined;
      const button = h('button', { type: 'button', on: { click: () => this.#sort(key) } }, title);
      return h('th', { scope: 'col', class: isNumber && 'number', 'aria-sort': order }, button);
    });
    const focused = [...this.#head.querySelectorAll('button')].indexOf(
      document.activeElement as HTMLButtonElement,
    );
    this.#head.replaceChildren(
      h('th', { scope: 'col' }, h('span', { class: 'unseen' }, 'Drawn')),
      h('th', { scope: 'col', class: 'spark' }, 'Loss'),
      ...cells,
    );
    if (focused !== -1) this.#head.querySelectorAll('button')[focused]?.focus();
  }

  /** The least value first, then the greatest, then the order of the folders. */
  #sort(key: string): void {
    const { keeper } = this.#app;
    const { sort, descending } = keeper.state;
    if (sort !== key) keeper.set({ sort: key, descending: false });
    else if (!descending) keeper.set({ descending: true });
    else keeper.set({ sort: '', descending: false });
  }

  #choose(isDrawn: boolean): void {
    const { selection, keeper } = this.#app;
    const shown = new Set(selection().all.map(({ run }) => run.id));
    const others = keeper.state.hidden.filter((id) => !shown.has(id));
    keeper.set({ hidden: isDrawn ? others : [...others, ...shown] });
  }
}

class Row {
  readonly element: HTMLTableRowElement;
  readonly #box: HTMLInputElement;
  readonly #look = h('span');
  readonly #spark = s('path');
  readonly #cells: readonly HTMLElement[];
  #lookShape = '';

  constructor({ keeper }: App, run: ShownRun, columns: readonly Column[]) {
    this.#box = h('input', {
      type: 'checkbox',
      'aria-label': `Draw ${run.id}`,
      on: {
        change: () => {
          const others = keeper.state.hidden.filter((id) => id !== run.id);
          keeper.set({ hidden: this.#box.checked ? others : [...others, run.id] });
        },
      },
    });
    this.#cells = columns.map(({ isNumber, key }, i) =>
      i === 0
        ? h('th', { scope: 'row' }, h('a', { href: keeper.hrefOf({ view: 'run', run: run.id }) }, run.id))
        : h('td', { class: isNumber && 'number', 'data-key': key }),
    );
    const spark = s(
      'svg',
      { width: 84, height: 22, viewBox: '0 0 84 22', 'aria-hidden': 'true' },
      this.#spark,
    );
    this.element = h(
      'tr',
      {},
      h('td', { class: 'choose' }, this.#box, this.#look),
      h('td', { class: 'spark' }, spark),
      ...this.#cells,
    );
  }

  show({ run, look, isDrawn }: Selected, columns: readonly Column[]): void {
    this.#box.checked = isDrawn;
    const shape = JSON.stringify([look, isDrawn]);
    if (shape !== this.#lookShape) {
      this.#lookShape = shape;
      this.#look.replaceChildren(...(isDrawn ? [swatch(look)] : []));
      this.element.classList.toggle('off', !isDrawn);
    }
    for (const [i, { text, key }] of columns.entries()) {
      if (i === 0) continue;
      const value = text(run);
      setText(this.#cells[i]!, value);
      if (key === 'status') this.#cells[i]!.dataset.status = value;
    }
    this.#spark.setAttribute('d', sparkPath(run));
  }
}

/** The run's loss, small. */
function sparkPath({ curves }: ShownRun): string {
  const means = (curves.get('loss') ?? [...curves.values()][0])?.curve.means;
  if (means === undefined || means.values.length < 2) return '';
  const { values, steps } = means;
  // The first values fall from so high that the others would be a line.
  const settled = values.subarray(Math.floor(values.length / 25));
  const [least, greatest] = [Math.min(...values), Math.max(...settled)];
  const [first, last] = [steps[0]!, steps.at(-1)!];
  const stride = Math.max(1, Math.floor(values.length / 84));
  let path = '';
  for (let i = 0; i < values.length; i += stride) {
    const x = (82 * (steps[i]! - first)) / (last - first || 1) + 1;
    const share = Math.min(1, (values[i]! - least) / (greatest - least || 1));
    const y = 20 - 18 * share + 1;
    path += `${path === '' ? 'M' : 'L'}${x.toFixed(1)} ${y.toFixed(1)}`;
  }
  return path;
}

/** What tells the runs apart comes before what came of them. */
function columnsOf(runs: readonly ShownRun[]): readonly Column[] {
  const settings = runs.map(({ facts: { name, params, config, seed } }) => ({
    name,
    ...config,
    ...params,
    seed,
  }));
  const keys = [...new Set(settings.flatMap((one) => Object.keys(one)))];
  const differing = keys.filter(
    (key) => new Set(settings.map((one) => (one as Record<string, Value | undefined>)[key])).size > 1,
  );
  const metrics = [...new Set(runs.flatMap(({ progress }) => Object.keys(progress.metrics)))];
  const ordered = [...metrics].sort((a, b) => rank(a) - rank(b));
  const value = (key: string) => (run: ShownRun) => String(valuesOf(run).get(key) ?? '–');
  return [
    { key: 'run', title: 'Run', isNumber: false, text: ({ id }) => id },
    { key: 'status', title: 'Status', isNumber: false, text: ({ progress }) => progress.status },
    ...differing.map((key) => ({
      key,
      title: key,
      isNumber: settings.some((one) => typeof (one as Record<string, Value | undefined>)[key] === 'number'),
      text: (run: ShownRun) => settingText(valuesOf(run).get(key) ?? '–'),
    })),
    ...ordered.map((key) => ({ key, title: key, isNumber: true, text: lastOf(key) })),
    { key: 'steps', title: 'Steps', isNumber: true, text: value('steps') },
    { key: 'seconds', title: 'Time', isNumber: true, text: timeOf },
    {
      key: 'fingerprint',
      title: 'Fingerprint',
      isNumber: false,
      text: ({ progress }) => shortHash(progress.fingerprint ?? '–'),
    },
  ];
}

const lastOf =
  (metric: string) =>
  ({ progress }: ShownRun): string => {
    const summary = progress.metrics[metric];
    return summary === undefined ? '–' : metricText(metric, summary.last);
  };

const timeOf = ({ progress }: ShownRun): string =>
  progress.durationMs === undefined ? '–' : durationText(progress.durationMs);

const rank = (metric: string): number =>
  metric.startsWith('test/') ? 0 : metric.startsWith('validation/') ? 1 : 2;
