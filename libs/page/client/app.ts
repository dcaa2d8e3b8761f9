/** What all views share. */
import type { Palette } from './look.ts';
import type { Selection } from './selection.ts';
import type { Source } from './source.ts';
import type { StateKeeper } from './state.ts';
import type { ShownRun, Store } from './store.ts';

export interface App {
  readonly store: Store;
  readonly keeper: StateKeeper;
  readonly source: Source;
  /** Of this moment. */
  readonly selection: () => Selection;
  readonly palette: () => Palette;
}

export interface View {
  readonly element: HTMLElement;
  /** Shows the state and the data of this moment. */
  update(): void;
  /** Frees what the view holds; it is not shown again. */
  close(): void;
}

/** The run of the views that show one: that of the address, else the first that is shown. */
export function currentRun({ store, keeper, selection }: App): ShownRun | undefined {
  const named = store.runs.find(({ id }) => id === keeper.state.run);
  return named ?? selection().all[0]?.run ?? store.runs[0];
}

/** Steps of all runs; at least one step wide. */
export function allSteps(runs: readonly ShownRun[]): { readonly from: number; readonly to: number } {
  let [from, to] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const { curves } of runs) {
    for (const { curve } of curves.values()) {
      from = Math.min(from, curve.steps[0] ?? from);
      to = Math.max(to, curve.steps.at(-1) ?? to);
    }
  }
  if (from > to) return { from: 0, to: 1 };
  return from === to ? { from: Math.max(0, from - 1), to: to + 1 } : { from, to };
}
