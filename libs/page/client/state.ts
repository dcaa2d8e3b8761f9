/** What is shown, kept in the address so that a link shows the same. */
import { type Brush, formatBrush, type HistogramKind, histogramKinds, parseBrush } from '@lockstep/view';

export const viewNames = [
  'sweep',
  'trials',
  'curves',
  'histograms',
  'runs',
  'workers',
  'members',
  'run',
] as const;

export type ViewName = (typeof viewNames)[number];

export type Theme = 'auto' | 'light' | 'dark';

export interface ViewState {
  readonly view: ViewName;
  /** The run of the views that show one; empty for the first. */
  readonly run: string;
  /** Runs that are not drawn. */
  readonly hidden: readonly string[];
  readonly filter: string;
  readonly sort: string;
  readonly descending: boolean;
  /** Steps over which curves are smoothed. */
  readonly smoothing: number;
  readonly log: boolean;
  /** Runs that differ in their seed alone are one curve with a band. */
  readonly seeds: boolean;
  /** The steps that are shown; null for all. */
  readonly zoom: { readonly from: number; readonly to: number } | null;
  readonly theme: Theme;
  /** What the histograms are of. */
  readonly histograms: HistogramKind;
  /** The sweep of the views that show one; empty for the first. */
  readonly sweep: string;
  /** The trial that is looked at; null for the best one. */
  readonly trial: number | null;
  /** Parts of axes to which trials are limited. */
  readonly brushes: readonly Brush[];
  /** Conditions on trials. */
  readonly trialFilter: string;
  readonly trialSort: string;
  readonly trialsDescending: boolean;
}

const initial: ViewState = {
  view: 'curves',
  run: '',
  hidden: [],
  filter: '',
  sort: '',
  descending: false,
  smoothing: 0,
  log: false,
  seeds: false,
  zoom: null,
  theme: 'auto',
  histograms: 'params',
  sweep: '',
  trial: null,
  brushes: [],
  trialFilter: '',
  trialSort: '',
  trialsDescending: false,
};

/** What the part of an address behind `#` says; what it does not say, or says wrongly, is as at the beginning, with the view `home`. */
export function parseState(hash: string, home: ViewName): ViewState {
  const query = new URLSearchParams(hash.replace(/^#/, ''));
  const text = (name: string): string => query.get(name) ?? '';
  const view = viewNames.find((name) => name === text('view')) ?? home;
  const theme = (['light', 'dark'] as const).find((name) => name === text('theme')) ?? initial.theme;
  const smoothing = Number(text('smooth'));
  return {
    view,
    theme,
    run: text('run'),
    hidden: query.getAll('hide'),
    filter: text('filter'),
    sort: text('sort'),
    descending: text('order') === 'down',
    smoothing: smoothing > 0 && Number.isFinite(smoothing) ? smoothing : 0,
    log: text('scale') === 'log',
    seeds: text('seeds') === 'band',
    zoom: zoomOf(text('steps')),
    histograms: histogramKinds.find((kind) => kind === text('of')) ?? initial.histograms,
    sweep: text('sweep'),
    trial: /^\d{1,9}$/.test(text('trial')) ? Number(text('trial')) : null,
    brushes: query.getAll('brush').flatMap((brush) => parseBrush(brush) ?? []),
    trialFilter: text('trials'),
    trialSort: text('by'),
    trialsDescending: text('trials-order') === 'down',
  };
}

function zoomOf(text: string): ViewState['zoom'] {
  const [, from, to] = /^(\d+(?:\.\d+)?)-(\d+(?:\.\d+)?)$/.exec(text) ?? [];
  return from !== undefined && Number(from) < Number(to) ? { from: Number(from), to: Number(to) } : null;
}

export function formatState(state: ViewState, home: ViewName): string {
  const query = new URLSearchParams();
  const put = (name: string, value: string, isPlain: boolean): void => {
    if (!isPlain) query.append(name, value);
  };
  put('view', state.view, state.view === home);
  put('run', state.run, state.run === '');
  for (const run of state.hidden) query.append('hide', run);
  put('filter', state.filter, state.filter === '');
  put('sort', state.sort, state.sort === '');
  put('order', 'down', !state.descending);
  put('smooth', String(state.smoothing), state.smoothing === 0);
  put('scale', 'log', !state.log);
  put('seeds', 'band', !state.seeds);
  if (state.zoom !== null) query.append('steps', `${tidy(state.zoom.from)}-${tidy(state.zoom.to)}`);
  put('theme', state.theme, state.theme === 'auto');
  put('of', state.histograms, state.histograms === initial.histograms);
  put('sweep', state.sweep, state.sweep === '');
  put('trial', String(state.trial), state.trial === null);
  for (const brush of state.brushes) query.append('brush', formatBrush(brush));
  put('trials', state.trialFilter, state.trialFilter === '');
  put('by', state.trialSort, state.trialSort === '');
  put('trials-order', 'down', !state.trialsDescending);
  return query.toString();
}

const tidy = (step: number): string => String(Math.round(step * 10) / 10);

/** The state of this page. Listeners are called after each change. */
export class StateKeeper {
  /** The view of an address that names none. */
  #home: ViewName = 'curves';
  #state = parseState(location.hash, this.#home);
  readonly #listeners = new Set<() => void>();

  constructor() {
    addEventListener('hashchange', () => {
      this.#state = parseState(location.hash, this.#home);
      this.#tell();
    });
  }

  setHome(home: ViewName): void {
    this.#home = home;
    this.#state = parseState(location.hash, home);
  }

  get state(): ViewState {
    return this.#state;
  }

  onChange(listener: () => void): void {
    this.#listeners.add(listener);
  }

  /** Another view is a step of the browser's history; other changes are not. */
  set(change: Partial<ViewState>): void {
    const isOtherView = change.view !== undefined && change.view !== this.#state.view;
    this.#state = { ...this.#state, ...change };
    const hash = `#${formatState(this.#state, this.#home)}`;
    if (isOtherView) history.pushState(null, '', hash);
    else history.replaceState(null, '', hash);
    this.#tell();
  }

  /** The address of a view, for a link. */
  hrefOf(change: Partial<ViewState>): string {
    return `#${formatState({ ...this.#state, ...change }, this.#home)}`;
  }

  #tell(): void {
    for (const listener of this.#listeners) listener();
  }
}
