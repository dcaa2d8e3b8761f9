/** Curves of the steps that are shown, as finely as the screen can show them, asked of the server. */
import { type Curve, type WindowData, withMeans } from '@lockstep/view';
import type { App } from './app.ts';

/** After the last change of the window, so that dragging asks once. */
const delayMs = 120;

export class Detail {
  readonly #app: App;
  readonly #onLoaded: () => void;
  #timer: number | undefined;
  #asking: AbortController | undefined;
  /** What is shown, and what came. Empty where nothing finer is needed. */
  #key = '';
  #loaded: { readonly key: string; readonly curves: ReadonlyMap<string, Curve> } | undefined;

  constructor(app: App, onLoaded: () => void) {
    this.#app = app;
    this.#onLoaded = onLoaded;
  }

  /** Undefined where the curve that the page has anyway is to be drawn; as `ask` found last. */
  curveOf(run: number, metric: string): Curve | undefined {
    const isLoaded = this.#key !== '' && this.#loaded?.key === this.#key;
    return isLoaded ? this.#loaded?.curves.get(`${run} ${metric}`) : undefined;
  }

  /** Asks for the curves of this moment if they are not there. */
  ask(): void {
    const { source } = this.#app;
    const key = this.#keyNow();
    if (source.window === null || key === this.#key) return;
    this.#key = key;
    clearTimeout(this.#timer);
    this.#asking?.abort();
    if (key === '') return;
    this.#timer = setTimeout(() => void this.#load(key), delayMs);
  }

  close(): void {
    clearTimeout(this.#timer);
    this.#asking?.abort();
  }

  /** Empty where nothing finer is needed. */
  #keyNow(): string {
    const { keeper, selection } = this.#app;
    const { zoom } = keeper.state;
    if (zoom === null) return '';
    const { drawn } = selection();
    const isThinned = drawn.some(({ run }) => [...run.curves.values()].some(({ curve }) => curve.width > 1));
    if (!isThinned) return '';
    return JSON.stringify([zoom.from, zoom.to, columnsFor(drawn.length), drawn.map(({ run }) => run.index)]);
  }

  async #load(key: string): Promise<void> {
    const { source, selection } = this.#app;
    const [from, to, columns, runs] = JSON.parse(key) as [number, number, number, number[]];
    const metrics = [...new Set(selection().drawn.flatMap(({ run }) => [...run.curves.keys()]))];
    const asking = new AbortController();
    this.#asking = asking;
    try {
      const asked = { from: Math.floor(from), to: Math.ceil(to), columns, runs, metrics };
      const data = await source.window?.(asked, asking.signal);
      if (data === undefined || asking.signal.aborted) return;
      this.#loaded = { key, curves: curvesIn(data) };
      this.#onLoaded();
    } catch {
      // The coarser curves stay; another window asks again.
    }
  }
}

/** Two columns a pixel of a wide chart; fewer for many runs. */
const columnsFor = (numRuns: number): number => Math.max(64, Math.min(1_600, Math.floor(24_000 / numRuns)));

function curvesIn({ runs }: WindowData): ReadonlyMap<string, Curve> {
  return new Map(
    runs.flatMap((curves, run) =>
      Object.entries(curves ?? {}).map(([metric, curve]) => [`${run} ${metric}`, withMeans(curve)] as const),
    ),
  );
}
