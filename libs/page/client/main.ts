/** Starts the page: loads the data, shows a view, and follows the runs. */
import type { App, View } from './app.ts';
import { createCurvesView } from './curves-view.ts';
import { beforeFrame, h } from './dom.ts';
import { createFrame } from './frame.ts';
import { createHistogramsView } from './histograms-view.ts';
import { readPalette } from './look.ts';
import { createMembersView } from './members-view.ts';
import { createRunView } from './run-view.ts';
import { createRunsView } from './runs-view.ts';
import { type Selection, select } from './selection.ts';
import { findSource, type Link } from './source.ts';
import { StateKeeper, type ViewName } from './state.ts';
import { Store } from './store.ts';
import { createSweepView } from './sweep/sweep-view.ts';
import { createTrialsView } from './sweep/trials-view.ts';
import { createWorkersView } from './workers-view.ts';

const views: Readonly<Record<ViewName, (app: App) => View>> = {
  sweep: createSweepView,
  trials: createTrialsView,
  curves: createCurvesView,
  histograms: createHistogramsView,
  runs: createRunsView,
  workers: createWorkersView,
  members: createMembersView,
  run: createRunView,
};

async function start(): Promise<void> {
  const [keeper, store, source] = [new StateKeeper(), new Store(), findSource()];
  document.documentElement.dataset.theme = keeper.state.theme;
  let selection: Selection | undefined;
  let palette: { readonly theme: string; readonly colours: ReturnType<typeof readPalette> } | undefined;
  let link: Link = 'file';
  const app: App = {
    ...{ store, keeper, source },
    selection: () => {
      selection ??= select(store.runs, keeper.state);
      return selection;
    },
    palette: () => {
      const { theme } = keeper.state;
      if (palette?.theme !== theme) palette = { theme, colours: readPalette() };
      return palette.colours;
    },
  };
  const load = async (): Promise<void> => {
    const data = await source.load();
    store.load(data);
    if (data.cursor !== undefined) source.follow(data.cursor, listener);
  };
  const listener = {
    delta: (delta: Parameters<Store['apply']>[0]) => {
      store.apply(delta);
      show();
    },
    reset: () => void load().then(show, fail),
    link: (state: Link) => {
      link = state;
      show();
    },
  };
  await load();
  if (store.sweeps.length > 0) keeper.setHome('sweep');
  const frame = createFrame(app);
  let shown: { readonly name: ViewName; readonly view: View } | undefined;
  const show = beforeFrame(() => {
    selection = undefined;
    frame.update(link);
    const { view: name } = keeper.state;
    if (shown?.name !== name) {
      shown?.view.close();
      shown = { name, view: views[name](app) };
      frame.main.replaceChildren(shown.view.element);
    }
    shown.view.update();
    if (document.documentElement.dataset.ready === undefined) performance.mark('drawn');
    document.documentElement.dataset.ready = 'true';
  });
  keeper.onChange(show);
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => {
    palette = undefined;
    show();
  });
  show();
}

function fail(error: unknown): void {
  const message = error instanceof Error ? error.message : String(error);
  document.body.replaceChildren(
    h('main', { class: 'failed', role: 'alert' }, h('h1', {}, 'Nothing to show'), h('p', {}, message)),
  );
}

start().catch(fail);
