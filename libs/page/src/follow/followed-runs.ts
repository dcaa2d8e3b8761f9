/** The runs and sweeps of a page: folders of them, and folders in which they appear. */
import { LockstepError } from '@lockstep/errors';
import type { PageData, RunDelta, RunView, SweepDelta, Window, WindowData } from '@lockstep/view';
import { findFolders, runsIn } from './folders.ts';
import { type Detail, FollowedRun, type FollowOptions } from './followed-run.ts';
import { FollowedSweep } from './followed-sweep.ts';
import { nameOfRun } from './sweep-record.ts';

export interface RunsOptions extends FollowOptions {
  /** Folders of runs and sweeps, and folders that contain such folders. */
  readonly paths: readonly string[];
}

export interface Changes {
  readonly runs: readonly RunDelta[];
  /** Runs after those that were there, in order. */
  readonly added: readonly RunView[];
  readonly sweeps: readonly SweepDelta[];
}

/** Points and columns of all runs together, so that hundreds of runs are sent and drawn as fast as one. */
const curveBudget = 24_000;
const workBudget = 4_096;
const histogramBudget = 512;

/** More runs that appear at once are not worth passing on one by one. */
const maxAdded = 16;

export class FollowedRuns {
  readonly #paths: readonly string[];
  readonly #options: FollowOptions;
  readonly #runs: FollowedRun[] = [];
  readonly #sweeps: FollowedSweep[] = [];
  readonly #seen = new Set<string>();
  /** Runs and sweeps whose folders were removed; what was read of them is still shown. */
  readonly #gone = new Set<FollowedRun | FollowedSweep>();
  readonly #warnings: string[] = [];

  constructor({ paths, isRunning }: RunsOptions) {
    this.#paths = paths;
    this.#options = { isRunning };
  }

  get length(): number {
    return this.#runs.length;
  }

  get numSweeps(): number {
    return this.#sweeps.length;
  }

  /** Throws `config` for a folder that cannot be read. */
  async check(): Promise<void> {
    await findFolders(this.#paths);
  }

  /** Reads folders that are not read yet. One that is neither a run nor a sweep becomes a warning. */
  async discover(): Promise<void> {
    const { runs, sweeps } = await findFolders(this.#paths);
    for (const folder of sweeps) {
      await this.#once(folder, async () => {
        this.#sweeps.push(await FollowedSweep.open(folder, this.#options));
      });
    }
    for (const folder of runs) await this.#addRun(folder);
    for (const sweep of this.#sweeps) {
      for (const folder of await runsIn(sweep.runs)) await this.#addRun(folder, sweep);
    }
  }

  /**
   * Changes since the last call, or `revised` where what was shown no longer holds, so that `data` must be asked again. Where it is
   * not thorough, runs that have ended are not read, and folders are looked for only in sweeps that have changed.
   */
  async read(isThorough: boolean): Promise<Changes | 'revised'> {
    const [numRuns, numSweeps] = [this.#runs.length, this.#sweeps.length];
    const sweeps = await this.#pollSweeps();
    if (isThorough || sweeps.length > 0) await this.discover();
    const runs = await this.#pollRuns(numRuns, (run) => isThorough || run.isRunning);
    const added = this.#runs.slice(numRuns);
    const isOther = numRuns === 0 && added.length > 0;
    if (runs === 'revised' || isOther || added.length > maxAdded || this.#sweeps.length > numSweeps) {
      return 'revised';
    }
    const detail = detailFor(this.#runs.length);
    return { runs, added: added.map((run) => run.view(detail)), sweeps };
  }

  data(detail: Detail = detailFor(this.#runs.length)): PageData {
    return {
      time: Date.now(),
      runs: this.#runs.map((run) => run.view(detail)),
      sweeps: this.#sweeps.map((sweep) => sweep.view()),
      warnings: this.#warnings,
    };
  }

  /** Curves of some runs, by index, and of some metrics, more finely. */
  window(window: Window, columns: number, runs: ReadonlySet<number>, names: readonly string[]): WindowData {
    const shown = this.#runs.map((run, i) => (runs.has(i) ? run.window(window, columns, names) : null));
    return { ...window, runs: shown };
  }

  async #pollSweeps(): Promise<readonly SweepDelta[]> {
    const deltas: SweepDelta[] = [];
    for (const [index, sweep] of this.#sweeps.entries()) {
      if (this.#gone.has(sweep)) continue;
      const change = await sweep.poll(index).catch((error: unknown) => this.#goneOf(sweep, error));
      if (change !== undefined) deltas.push(change);
    }
    return deltas;
  }

  /** Of the first `count` runs; those after them were just read. */
  async #pollRuns(
    count: number,
    isDue: (run: FollowedRun) => boolean,
  ): Promise<readonly RunDelta[] | 'revised'> {
    const deltas: RunDelta[] = [];
    let isRevised = false;
    for (const [index, run] of this.#runs.slice(0, count).entries()) {
      if (this.#gone.has(run) || !isDue(run)) continue;
      const change = await run.poll(index).catch((error: unknown) => this.#goneOf(run, error));
      if (change === 'revised') isRevised = true;
      else if (change !== undefined && change !== 'same') deltas.push(change);
    }
    return isRevised ? 'revised' : deltas;
  }

  async #addRun(folder: string, sweep?: FollowedSweep): Promise<void> {
    await this.#once(folder, async () => {
      const run =
        sweep === undefined
          ? FollowedRun.open({ folder }, this.#options)
          : FollowedRun.open(
              { folder, name: nameOfRun(sweep.folder, folder) },
              { isRunning: () => sweep.isTraining(folder) },
            );
      this.#runs.push(await run);
    });
  }

  /** Opens a folder if it was not opened before. What is wrong with it becomes a warning. */
  async #once(folder: string, open: () => Promise<void>): Promise<void> {
    if (this.#seen.has(folder)) return;
    this.#seen.add(folder);
    await open().catch((error: unknown) => this.#warn(error));
  }

  #goneOf(one: FollowedRun | FollowedSweep, error: unknown): undefined {
    this.#warn(error);
    this.#gone.add(one);
  }

  #warn(error: unknown): void {
    if (!(error instanceof LockstepError)) throw error;
    this.#warnings.push(error.message);
  }
}

/** With many runs each has fewer columns. */
export const detailFor = (numRuns: number): Detail => ({
  curveColumns: within(curveBudget / Math.max(1, numRuns), 64, 1_024),
  workColumns: within(workBudget / Math.max(1, numRuns), 16, 512),
  histogramSteps: within(histogramBudget / Math.max(1, numRuns), 8, 128),
});

const within = (value: number, least: number, most: number): number =>
  Math.max(least, Math.min(most, Math.floor(value)));
