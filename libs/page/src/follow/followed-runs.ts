/** The runs of a page: folders of runs, and folders in which runs appear. */
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { LockstepError } from '@lockstep/errors';
import type { PageData, RunDelta, Window, WindowData } from '@lockstep/view';
import { type Detail, FollowedRun, type FollowOptions } from './followed-run.ts';

export interface RunsOptions extends FollowOptions {
  /** Folders of runs, and folders that contain such folders. */
  readonly paths: readonly string[];
}

/** Points and columns of all runs together, so that hundreds of runs are sent and drawn as fast as one. */
const curveBudget = 24_000;
const workBudget = 4_096;

export class FollowedRuns {
  readonly #paths: readonly string[];
  readonly #options: FollowOptions;
  readonly #runs: FollowedRun[] = [];
  readonly #seen = new Set<string>();
  /** Runs whose folders were removed; what was read of them is still shown. */
  readonly #gone = new Set<FollowedRun>();
  readonly #warnings: string[] = [];

  constructor({ paths, ...options }: RunsOptions) {
    this.#paths = paths;
    this.#options = options;
  }

  get length(): number {
    return this.#runs.length;
  }

  /** Throws `config` for a folder that cannot be read. */
  async check(): Promise<void> {
    await this.#folders();
  }

  /** Reads folders that are not read yet; whether there are any. A folder that is not one of a run becomes a warning. */
  async discover(): Promise<boolean> {
    const folders = await this.#folders();
    const fresh = folders.filter((folder) => !this.#seen.has(folder));
    for (const folder of fresh) await this.#add(folder);
    return fresh.length > 0;
  }

  /** Changes of the runs since the last call, or `revised` where what was shown no longer holds. */
  async poll(isDue: (run: FollowedRun) => boolean = () => true): Promise<readonly RunDelta[] | 'revised'> {
    const deltas: RunDelta[] = [];
    let isRevised = false;
    for (const [index, run] of this.#runs.entries()) {
      if (this.#gone.has(run) || !isDue(run)) continue;
      const change = await run.poll(index).catch((error: unknown) => this.#goneOf(run, error));
      if (change === 'revised') isRevised = true;
      else if (change !== 'same') deltas.push(change);
    }
    return isRevised ? 'revised' : deltas;
  }

  data(detail: Detail = detailFor(this.#runs.length)): PageData {
    return {
      time: Date.now(),
      runs: this.#runs.map((run) => run.view(detail)),
      warnings: this.#warnings,
    };
  }

  /** Curves of some runs, by index, and of some metrics, more finely. */
  window(window: Window, columns: number, runs: ReadonlySet<number>, names: readonly string[]): WindowData {
    const shown = this.#runs.map((run, i) => (runs.has(i) ? run.window(window, columns, names) : null));
    return { ...window, runs: shown };
  }

  async #add(folder: string): Promise<void> {
    this.#seen.add(folder);
    try {
      this.#runs.push(await FollowedRun.open(folder, this.#options));
    } catch (error) {
      this.#warn(error);
    }
  }

  #goneOf(run: FollowedRun, error: unknown): 'same' {
    this.#warn(error);
    this.#gone.add(run);
    return 'same';
  }

  #warn(error: unknown): void {
    if (!(error instanceof LockstepError)) throw error;
    this.#warnings.push(error.message);
  }

  async #folders(): Promise<readonly string[]> {
    const all: string[] = [];
    for (const path of this.#paths) {
      if (await isRun(path)) all.push(path);
      else all.push(...(await runsIn(path)));
    }
    return all;
  }
}

/** With many runs each has fewer columns. */
export const detailFor = (numRuns: number): Detail => ({
  curveColumns: within(curveBudget / Math.max(1, numRuns), 64, 1_024),
  workColumns: within(workBudget / Math.max(1, numRuns), 16, 512),
});

const within = (value: number, least: number, most: number): number =>
  Math.max(least, Math.min(most, Math.floor(value)));

const isRun = (folder: string): Promise<boolean> =>
  stat(join(folder, 'manifest.json')).then(
    (found) => found.isFile(),
    () => false,
  );

/** Throws `config` for a folder that cannot be read. */
async function runsIn(root: string): Promise<readonly string[]> {
  const entries = await readdir(root, { withFileTypes: true }).catch((cause: NodeJS.ErrnoException) => {
    const why = cause.code === 'ENOENT' ? 'does not exist' : `cannot be read (${String(cause)})`;
    throw new LockstepError(
      'config',
      `${root} ${why}; name a run, or the folder of your runs`,
      { root },
      { cause },
    );
  });
  const folders = entries.filter((entry) => entry.isDirectory() || entry.isSymbolicLink());
  const paths = folders.map(({ name }) => join(root, name)).sort();
  const found = await Promise.all(paths.map(isRun));
  return paths.filter((_, i) => found[i]);
}
