/** The folder of a sweep that is read again whenever something was added to it. */
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { readSweep, type SweepRecord, sweepFiles } from '@lockstep/sweep';
import type { SweepDelta, SweepView } from '@lockstep/view';
import type { FollowOptions } from './followed-run.ts';
import { viewOf } from './sweep-record.ts';

export class FollowedSweep {
  readonly folder: string;
  readonly #options: FollowOptions;
  #record: SweepRecord;
  #view: SweepView;
  /** Sizes and times of the files that a reading depends on. */
  #state: string;

  private constructor(folder: string, options: FollowOptions, state: string, record: SweepRecord) {
    this.folder = folder;
    this.#options = options;
    this.#state = state;
    this.#record = record;
    this.#view = viewOf(record);
  }

  /** Throws `config` for a folder that is not that of a sweep. */
  static async open(folder: string, options: FollowOptions): Promise<FollowedSweep> {
    const state = await stateOf(folder, options);
    return new FollowedSweep(folder, options, state, await readSweep(folder, options));
  }

  /** The folder in which the runs of its trials are. */
  get runs(): string {
    return join(this.folder, sweepFiles.runs);
  }

  /** Whether a process trains the run of this folder now. */
  isTraining(run: string): boolean | undefined {
    const { isRunning, trials } = this.#record;
    if (isRunning !== true) return isRunning;
    return trials.some(
      ({ status, repeats }) =>
        status === 'running' &&
        repeats.some(
          ({ run: path, values, reason }) => path === run && values === undefined && reason === undefined,
        ),
    );
  }

  /** Reads what was added; undefined where nothing was. */
  async poll(index: number): Promise<SweepDelta | undefined> {
    const state = await stateOf(this.folder, this.#options);
    if (state === this.#state) return undefined;
    const before = new Map(this.#view.trials.map((trial) => [trial.number, JSON.stringify(trial)]));
    this.#record = await readSweep(this.folder, this.#options);
    this.#view = viewOf(this.#record);
    this.#state = state;
    const { progress, trials } = this.#view;
    const changed = trials.filter((trial) => before.get(trial.number) !== JSON.stringify(trial));
    return { sweep: index, progress, trials: changed };
  }

  view(): SweepView {
    return this.#view;
  }
}

/** It is taken before a reading, so that what is added meanwhile is seen by the next one. */
async function stateOf(folder: string, { isRunning }: FollowOptions): Promise<string> {
  const files = [sweepFiles.manifest, sweepFiles.journal, sweepFiles.table];
  const found = await Promise.all(
    files.map((name) =>
      stat(join(folder, name)).then(
        ({ ino, size, mtimeMs }) => `${ino} ${size} ${mtimeMs}`,
        () => 'none',
      ),
    ),
  );
  return [...found, isRunning(folder)].join(', ');
}
