/** A trial with its values, parameters and runs. */
import { type SweepView, settingText, type TrialView } from '@lockstep/view';
import type { App } from '../app.ts';
import { h } from '../dom.ts';
import { glyphOf, objectiveText } from './contents.ts';
import { currentTrial, spreadOf, statusText } from './current.ts';
import { glyphIcon } from './glyph.ts';

export interface TrialCard {
  readonly element: HTMLElement;
  show(sweep: SweepView): void;
}

export function createTrialCard(app: App): TrialCard {
  const element = h('article', { class: 'card trial-card', 'aria-live': 'off' });
  let shape = '';
  return {
    element,
    show(sweep) {
      const trial = currentTrial(sweep, app.keeper.state);
      const ids = new Set(app.store.runs.map(({ id }) => id));
      const known = trial?.repeats.map(({ run = '' }) => ids.has(run));
      const next = JSON.stringify([trial, sweep.progress.best, known, location.hash]);
      if (next === shape) return;
      shape = next;
      element.replaceChildren(...(trial === undefined ? [nothing()] : partsOf(app, sweep, trial)));
    },
  };
}

const nothing = (): HTMLElement => h('p', { class: 'empty' }, 'No trial has begun yet.');

function partsOf(app: App, sweep: SweepView, trial: TrialView): readonly Node[] {
  const { facts, progress } = sweep;
  const { number, status, values, spread, params, reason, generation, steps } = trial;
  const isBest = number === progress.best;
  const rows = facts.objectives.map((objective, i) => {
    const text = objectiveText(objective, values[i]);
    const around = i === 0 && spread !== undefined ? ` ± ${spreadOf(objective.metric, spread)}` : '';
    return fact(objective.metric, `${text}${around}`, 'objective');
  });
  return [
    h(
      'header',
      {},
      h('h3', {}, `Trial ${number}`),
      h(
        'p',
        { class: 'verdict' },
        glyphIcon(glyphOf(trial, progress.best)),
        isBest ? 'best' : statusText(status),
      ),
    ),
    h(
      'dl',
      { class: 'facts' },
      ...rows,
      ...Object.entries(params).map(([name, value]) => fact(name, settingText(value))),
      fact('generation', String(generation)),
      fact('steps', steps.toLocaleString('en-US')),
    ),
    ...(reason === undefined ? [] : [h('p', { class: 'reason' }, reason)]),
    h('p', { class: 'links' }, h('a', { href: curvesOf(app, sweep, number) }, 'Curves of this trial')),
    h('ul', { class: 'repeats' }, ...trial.repeats.map((repeat) => repeatLine(app, sweep, repeat))),
  ];
}

const fact = (name: string, value: string, kind?: string): HTMLElement =>
  h('div', { class: kind }, h('dt', {}, name), h('dd', {}, value));

function repeatLine(
  { keeper, store }: App,
  { facts }: SweepView,
  { seed, run, values, reason }: TrialView['repeats'][number],
): HTMLElement {
  const [value] = values ?? [];
  const text =
    value === undefined ? (reason === undefined ? '' : 'failed') : objectiveText(facts.objectives[0]!, value);
  const isThere = run !== undefined && store.runNamed(run) !== undefined;
  const link = isThere
    ? h('a', { href: keeper.hrefOf({ view: 'run', run }) }, `seed ${seed}`)
    : `seed ${seed}`;
  return h('li', {}, link, h('b', {}, text));
}

/** The address of the curves of one trial alone. */
export function curvesOf({ keeper, store }: App, { facts }: SweepView, trial: number): string {
  const sweep = store.sweeps.length > 1 ? `,sweep=${facts.id}` : '';
  return keeper.hrefOf({ view: 'curves', filter: `trial=${trial}${sweep}`, hidden: [], zoom: null });
}
