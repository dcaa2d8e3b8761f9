/** A table of the trials of a sweep: filtered, sorted, each with its runs. */
import {
  compareValues,
  countText,
  keyNamed,
  metricText,
  paramOf,
  type SweepFacts,
  type SweepView,
  settingText,
  type TrialView,
  trialValues,
} from '@lockstep/view';
import type { App, View } from '../app.ts';
import { h, setText } from '../dom.ts';
import { glyphOf } from './contents.ts';
import { choose, currentSweep, spreadOf, statusText } from './current.ts';
import { glyphIcon } from './glyph.ts';
import { createSweepPicker } from './sweep-tools.ts';
import { curvesOf } from './trial-card.ts';

export const createTrialsView = (app: App): View => new TrialsView(app);

interface Column {
  /** What trials are sorted by. */
  readonly key: string;
  readonly title: string;
  readonly isNumber: boolean;
  readonly text: (trial: TrialView) => string;
}

class TrialsView implements View {
  readonly element = h('div', { class: 'runs' });
  readonly #app: App;
  readonly #picker: ReturnType<typeof createSweepPicker>;
  readonly #filter: HTMLInputElement;
  readonly #count = h('span', { class: 'count', role: 'status' });
  readonly #problem = h('p', { class: 'problem', role: 'alert' });
  readonly #head = h('tr');
  readonly #body = h('tbody');
  #shape = '';

  constructor(app: App) {
    this.#app = app;
    const { keeper } = app;
    this.#picker = createSweepPicker(app);
    this.#filter = h('input', {
      ...{ type: 'search', id: 'trial-filter', placeholder: 'rate>0.01, status=finished' },
      ...{ spellcheck: 'false', autocomplete: 'off' },
      on: { input: () => keeper.set({ trialFilter: this.#filter.value }) },
    });
    const clear = () => keeper.set({ brushes: [], trialFilter: '' });
    this.element.append(
      h(
        'div',
        { class: 'tools' },
        ...this.#picker.elements,
        h('label', { for: 'trial-filter' }, 'Filter'),
        this.#filter,
        this.#count,
        h('span', { class: 'spring' }),
        h('button', { type: 'button', on: { click: clear } }, 'Choose all'),
      ),
      this.#problem,
      h(
        'div',
        { class: 'scroll', tabindex: 0, role: 'region', 'aria-label': 'Table of trials' },
        h('table', {}, h('thead', {}, this.#head), this.#body),
      ),
    );
  }

  update(): void {
    this.#picker.update();
    const sweep = currentSweep(this.#app);
    if (sweep === undefined) return;
    const { state } = this.#app.keeper;
    if (document.activeElement !== this.#filter) this.#filter.value = state.trialFilter;
    const { numbers, problem: unmet } = choose(sweep, state);
    const columns = columnsOf(sweep.facts);
    const { ordered, problem: unsorted } = order(sweep, state.trialSort, state.trialsDescending);
    const problem = unmet ?? unsorted;
    setText(this.#problem, problem ?? '');
    this.#problem.hidden = problem === undefined;
    const brushed = state.brushes.length === 0 ? '' : ', limited by the parallel coordinates';
    setText(this.#count, `${countText(numbers.size)} of ${countText(sweep.trials.length)} trials${brushed}`);
    const shown = ordered.filter(({ number }) => numbers.has(number));
    const shape = JSON.stringify([
      sweep.facts.id,
      shown,
      sweep.progress.best,
      state,
      this.#app.store.runs.length,
    ]);
    if (shape === this.#shape) return;
    this.#shape = shape;
    this.#showHead(columns);
    this.#body.replaceChildren(...shown.map((trial) => this.#row(sweep, trial, columns)));
  }

  close(): void {}

  #showHead(columns: readonly Column[]): void {
    const { trialSort, trialsDescending } = this.#app.keeper.state;
    const focused = [...this.#head.querySelectorAll('button')].indexOf(
      document.activeElement as HTMLButtonElement,
    );
    const cells = columns.map(({ key, title, isNumber }) => {
      const order = trialSort !== key ? undefined : trialsDescending ? 'descending' : 'ascending';
      const button = h('button', { type: 'button', on: { click: () => this.#sort(key) } }, title);
      return h('th', { scope: 'col', class: isNumber && 'number', 'aria-sort': order }, button);
    });
    this.#head.replaceChildren(...cells, h('th', { scope: 'col' }, 'Runs'));
    if (focused !== -1) this.#head.querySelectorAll('button')[focused]?.focus();
  }

  /** The least value first, then the greatest, then the order of their numbers. */
  #sort(key: string): void {
    const { keeper } = this.#app;
    const { trialSort, trialsDescending } = keeper.state;
    if (trialSort !== key) keeper.set({ trialSort: key, trialsDescending: false });
    else if (!trialsDescending) keeper.set({ trialsDescending: true });
    else keeper.set({ trialSort: '', trialsDescending: false });
  }

  #row(sweep: SweepView, trial: TrialView, columns: readonly Column[]): HTMLElement {
    const { keeper, store } = this.#app;
    const { number, status, repeats } = trial;
    const cells = columns
      .slice(2)
      .map(({ key, isNumber, text }) =>
        h('td', { class: isNumber && 'number', 'data-key': key }, text(trial)),
      );
    const links = repeats.flatMap(({ seed, run }) => {
      const isThere = run !== undefined && store.runNamed(run) !== undefined;
      return isThere ? [h('a', { href: keeper.hrefOf({ view: 'run', run }) }, `seed ${seed}`)] : [];
    });
    const name = glyphOf(trial, sweep.progress.best);
    return h(
      'tr',
      { 'data-trial': number },
      h(
        'th',
        { scope: 'row', class: 'number' },
        h('a', { href: keeper.hrefOf({ view: 'sweep', trial: number }) }, String(number)),
      ),
      h('td', { class: 'status' }, glyphIcon(name), name === 'best' ? 'best' : statusText(status)),
      ...cells,
      h(
        'td',
        { class: 'run-links' },
        h('a', { href: curvesOf(this.#app, sweep, number) }, 'curves'),
        ...links,
      ),
    );
  }
}

function order(
  { facts, trials }: SweepView,
  key: string,
  isDescending: boolean,
): { readonly ordered: readonly TrialView[]; readonly problem: string | undefined } {
  if (key === '' || trials.length === 0) return { ordered: trials, problem: undefined };
  const values = new Map(trials.map((trial) => [trial, trialValues(facts, trial)]));
  try {
    const name = keyNamed([...values.values()], key, 'trial');
    const of = (trial: TrialView) => values.get(trial)!.get(name);
    const ordered = [...trials].sort(
      (a, b) => compareValues(of(a), of(b), isDescending) || a.number - b.number,
    );
    return { ordered, problem: undefined };
  } catch (error) {
    return { ordered: trials, problem: error instanceof Error ? error.message : String(error) };
  }
}

function columnsOf({ objectives, axes, repeats }: SweepFacts): readonly Column[] {
  const names = [...new Set(axes.map(({ name }) => name))];
  const [first] = objectives;
  return [
    { key: 'trial', title: 'Trial', isNumber: true, text: ({ number }) => String(number) },
    { key: 'status', title: 'Status', isNumber: false, text: ({ status }) => status },
    ...objectives.map(({ metric }, i) => ({
      ...{ key: metric, title: metric, isNumber: true },
      text: ({ values }: TrialView) => (values[i] === undefined ? '–' : metricText(metric, values[i])),
    })),
    ...(repeats < 2
      ? []
      : [
          {
            ...{ key: 'spread', title: 'Spread', isNumber: true },
            text: ({ spread }: TrialView) => (spread === undefined ? '–' : spreadOf(first!.metric, spread)),
          },
        ]),
    ...names.map((name) => {
      const own = axes.filter((axis) => axis.name === name);
      const isNumber = own.every(
        (axis) => axis.kind === 'number' || axis.options.every((option) => typeof option === 'number'),
      );
      const text = (trial: TrialView): string => {
        const value = own.map((axis) => paramOf(axis, trial)).find((one) => one !== undefined);
        return value === undefined ? '–' : settingText(value);
      };
      return { key: `params.${name}`, title: name, isNumber, text };
    }),
    {
      ...{ key: 'generation', title: 'Generation', isNumber: true },
      text: ({ generation }) => String(generation),
    },
    { key: 'steps', title: 'Steps', isNumber: true, text: ({ steps }) => countText(steps) },
  ];
}
