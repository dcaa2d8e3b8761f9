/** A sweep: how its trials went, and what they have to do with their parameters. */
import { type Brush, metricText, type SweepView, settingText, withBrush } from '@lockstep/view';
import type { App, View } from '../app.ts';
import { h, setText } from '../dom.ts';
import { axesOf } from './axes.ts';
import { frontOf, historyOf, rungPlotOf, sliceOf, stepValues } from './contents.ts';
import { choose, currentSweep, spokenText, statusText } from './current.ts';
import { createImportanceCard } from './importance-card.ts';
import { Parallel } from './parallel.ts';
import { type Marking, Plot } from './plot.ts';
import { createSweepTools } from './sweep-tools.ts';
import { createTrialCard, curvesOf } from './trial-card.ts';

export const createSweepView = (app: App): View => new TheSweepView(app);

const slices = 210;

/** The trials that are chosen, and what they were chosen from and by. */
interface Chosen {
  readonly sweep: SweepView | undefined;
  readonly key: string;
  readonly numbers: ReadonlySet<number>;
}

class TheSweepView implements View {
  readonly element = h('div', { class: 'sweep' });
  readonly #app: App;
  readonly #tools: View;
  readonly #trial;
  readonly #importance = createImportanceCard();
  readonly #history: Plot;
  readonly #rungs: Plot;
  readonly #parallel: Parallel;
  #slices = new Map<string, Plot>();
  #fronts = new Map<string, Plot>();
  readonly #sliceGrid = h('div', { class: 'grid slices' });
  readonly #frontGrid = h('div', { class: 'grid slices' });
  readonly #fronted: HTMLElement;
  readonly #again = h('section', { class: 'again' });
  readonly #spoken = h('p', { class: 'unseen', 'aria-live': 'polite' });
  readonly #resizing = new ResizeObserver(() => this.#resize());
  /** What is chosen while an axis is dragged, which is not in the address yet. */
  #dragged: readonly Brush[] | undefined;
  #hovered: number | undefined;
  /** What is drawn. */
  #drawn: SweepView | undefined;
  #shape = '';
  #chosen: Chosen = { sweep: undefined, key: '', numbers: new Set() };

  constructor(app: App) {
    this.#app = app;
    this.#tools = createSweepTools(app, () => this.#chosen.numbers.size);
    this.#trial = createTrialCard(app);
    this.#history = this.#plot('History', 320);
    this.#rungs = this.#plot('Values over steps', 260);
    this.#parallel = new Parallel({
      onHover: (trial) => this.#hover(trial),
      onSelect: (trial) => this.#select(trial),
      onBrush: (axis, brush, isFinal) => this.#brush(axis, brush, isFinal),
      tipOf: (trial) => this.#tipOf(trial),
    });
    this.#fronted = section('Objectives against each other', this.#frontGrid);
    this.element.append(
      this.#tools.element,
      h('h2', { class: 'unseen' }, 'Trials'),
      h('div', { class: 'sweep-top' }, this.#history.element, this.#trial.element),
      this.#parallel.element,
      h('div', { class: 'sweep-pair' }, this.#importance.element, this.#rungs.element),
      this.#fronted,
      section('Values by parameter', this.#sliceGrid),
      this.#again,
      this.#spoken,
    );
    this.#resizing.observe(this.element);
  }

  update(): void {
    const sweep = currentSweep(this.#app);
    if (sweep === undefined) return;
    this.#tools.update();
    this.#arrange(sweep);
    const { log: isLog } = this.#app.keeper.state;
    const steps = stepValues(sweep, this.#app.store);
    const shape = JSON.stringify([steps.trials.map(({ points }) => points), isLog]);
    const isOther = sweep !== this.#drawn || shape !== this.#shape;
    this.#drawn = sweep;
    this.#shape = shape;
    if (isOther) {
      this.#history.show(historyOf(sweep, isLog));
      this.#importance.show(sweep);
      for (const axis of sweep.facts.axes) this.#slices.get(axis.id)?.show(sliceOf(sweep, axis, isLog));
      for (const [key, plot] of this.#fronts) {
        const [first, second] = key.split(' ').map(Number) as [number, number];
        plot.show(frontOf(sweep, first, second, isLog));
      }
      this.#showAgain(sweep);
    }
    this.#rungs.element.hidden = steps.trials.length === 0;
    if (isOther && steps.trials.length > 0) this.#rungs.show(rungPlotOf(sweep, steps, isLog));
    this.#trial.show(sweep);
    this.#mark();
  }

  close(): void {
    this.#resizing.disconnect();
  }

  #plots(): readonly Plot[] {
    return [this.#history, this.#rungs, ...this.#slices.values(), ...this.#fronts.values()];
  }

  #resize(): void {
    for (const plot of this.#plots()) plot.resize();
    this.#parallel.resize();
  }

  /** Marks what is chosen, selected and under the pointer, in all drawings. */
  #mark(): void {
    const sweep = currentSweep(this.#app);
    if (sweep === undefined) return;
    const { state } = this.#app.keeper;
    const brushes = this.#dragged ?? state.brushes;
    const key = JSON.stringify([brushes, state.trialFilter]);
    if (key !== this.#chosen.key || sweep !== this.#chosen.sweep) {
      this.#chosen = { sweep, key, numbers: choose(sweep, { ...state, brushes }).numbers };
    }
    const selected = state.trial ?? sweep.progress.best;
    const marking: Marking = { chosen: this.#chosen.numbers, selected, hovered: this.#hovered };
    for (const plot of this.#plots()) plot.mark(marking);
    this.#parallel.show(sweep, axesOf(sweep, state.log), brushes);
    this.#parallel.mark(marking);
    this.#tools.update();
  }

  #hover(trial: number | undefined): void {
    if (trial === this.#hovered) return;
    this.#hovered = trial;
    this.#mark();
  }

  #select(trial: number | null): void {
    const sweep = currentSweep(this.#app);
    const found = sweep?.trials.find(({ number }) => number === trial);
    if (sweep !== undefined && found !== undefined) setText(this.#spoken, spokenText(sweep.facts, found));
    this.#app.keeper.set({ trial });
  }

  #brush(axis: string, brush: Brush | undefined, isFinal: boolean): void {
    const { keeper } = this.#app;
    const brushes = withBrush(keeper.state.brushes, axis, brush);
    this.#dragged = isFinal ? undefined : brushes;
    if (!isFinal) {
      this.#mark();
      return;
    }
    keeper.set({ brushes });
    this.#mark();
    const { size } = this.#chosen.numbers;
    setText(this.#spoken, `${size} ${size === 1 ? 'trial is' : 'trials are'} chosen`);
  }

  #plot(title: string, height: number): Plot {
    return new Plot({
      ...{ title, height },
      onHover: (trial) => this.#hover(trial),
      onSelect: (trial) => this.#select(trial),
      onOpen: (trial) => {
        const sweep = currentSweep(this.#app);
        if (sweep !== undefined) location.hash = curvesOf(this.#app, sweep, trial);
      },
      tipOf: (trial) => this.#tipOf(trial),
    });
  }

  #tipOf(trial: number): readonly (readonly [name: string, value: string])[] {
    const sweep = currentSweep(this.#app);
    const found = sweep?.trials.find(({ number }) => number === trial);
    if (sweep === undefined || found === undefined) return [];
    const values = sweep.facts.objectives.flatMap(({ metric }, i): [string, string][] => {
      const value = found.values[i];
      return value === undefined ? [] : [[metric, metricText(metric, value)]];
    });
    return [
      [`trial ${trial}`, statusText(found.status)],
      ...values,
      ...Object.entries(found.params).map(([name, value]): [string, string] => [name, settingText(value)]),
    ];
  }

  /** Makes the drawings again where the space is another one. */
  #arrange({ facts }: SweepView): void {
    const ids = facts.axes.map(({ id }) => id);
    if (ids.join('\n') !== [...this.#slices.keys()].join('\n')) {
      this.#slices = new Map(ids.map((id) => [id, this.#plot(id, slices)]));
      this.#sliceGrid.replaceChildren(...[...this.#slices.values()].map(({ element }) => element));
      this.#shape = '';
    }
    const pairs = facts.objectives.flatMap((_, i) =>
      facts.objectives.slice(i + 1).map((_, k) => `${i} ${i + 1 + k}`),
    );
    if (pairs.join() !== [...this.#fronts.keys()].join()) {
      const titleOf = (pair: string): string => {
        const [first, second] = pair.split(' ').map((i) => facts.objectives[Number(i)]!.metric);
        return `${second} by ${first}`;
      };
      this.#fronts = new Map(pairs.map((pair) => [pair, this.#plot(titleOf(pair), 280)]));
      this.#frontGrid.replaceChildren(...[...this.#fronts.values()].map(({ element }) => element));
      this.#shape = '';
    }
    this.#fronted.hidden = pairs.length === 0;
    this.#resize();
  }

  /** The command, and the hash that it must give. */
  #showAgain({ facts, progress }: SweepView): void {
    const result =
      progress.tableSha256 === undefined
        ? []
        : [
            h(
              'p',
              { class: 'result' },
              'Any number of workers gives the table with the SHA-256 ',
              h('code', {}, progress.tableSha256),
            ),
          ];
    this.#again.replaceChildren(
      h('h2', {}, 'To get this table again'),
      h('div', { class: 'command' }, h('code', {}, facts.command)),
      ...result,
      h('p', { class: 'result' }, settingsText(facts)),
    );
  }
}

/** What decides the table, besides the space. */
function settingsText({ search, stopping, seed, repeats, generation, profile }: SweepView['facts']): string {
  const parts = [
    ...[`search ${search}`, ...(stopping === undefined ? [] : [`stopping ${stopping}`])],
    ...[
      `seed ${seed}`,
      `${repeats} ${repeats === 1 ? 'run' : 'runs'} a trial`,
      `generations of ${generation}`,
    ],
    ...(profile === undefined ? [] : [`profile ${profile}`]),
  ];
  return parts.join('; ');
}

function section(title: string, ...children: readonly Node[]): HTMLElement {
  return h('section', { 'aria-label': title }, h('h2', {}, title), ...children);
}
