/** Which checkpoints of trials stay on the disk. None of them decides a result: a run without one begins again. */
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { checkpointFolder, listCheckpoints, removeCheckpoint } from '@lockstep/checkpoint';
import { type Objective, type RecordedTrial, ranked } from '@lockstep/search';
import type { Ledger, SweepRun } from '@lockstep/sweep';

export interface CheckpointKeeper {
  /** A run is trained: its checkpoints are in use. */
  begun(run: SweepRun): void;
  /** A run has come to a rung, where it may have to wait. */
  paused(run: SweepRun, result: { readonly values: readonly number[] }): void;
  /** Trials have a result: only the best keep their checkpoints. */
  recorded(trials: readonly RecordedTrial[]): void;
  /** Resolves when all that was to be removed is removed. Rejects with the first failure. */
  done(): Promise<void>;
}

export interface KeeperOptions {
  /** The folder of all runs. */
  readonly root: string;
  readonly objectives: readonly Objective[];
  readonly ledger: Pick<Ledger, 'best' | 'front' | 'folderOf'>;
  readonly repeats: number;
  /** What the checkpoints of waiting runs may take. */
  readonly maxBytes: number | undefined;
}

/** A run that waits, with its value at the rung as if it were that of a trial. */
interface Waiting extends RecordedTrial {
  readonly folder: string;
}

/** The best trial keeps its checkpoints, or with several objectives all that no other one beats. */
export function createCheckpointKeeper(options: KeeperOptions): CheckpointKeeper {
  const { root, objectives, ledger, repeats, maxBytes } = options;
  /** By the folder of the run. */
  const waiting = new Map<string, Waiting>();
  let best: ReadonlySet<number> = new Set();
  let last: Promise<void> = Promise.resolve();
  const inTurn = (work: () => Promise<void>): void => {
    last = last.then(work);
    // Told by `done`.
    last.catch(() => undefined);
  };
  const remove = (folder: string): Promise<void> => removeAll(join(root, folder));
  /** Removes the checkpoints of the worst runs until the others fit. */
  const shrink = async (limit: number): Promise<void> => {
    let free = limit;
    for (const { folder } of ranked(objectives[0]!, [...waiting.values()])) {
      free -= await bytesOf(join(root, folder));
      if (free < 0 && waiting.has(folder)) await remove(folder);
    }
  };
  return {
    begun: (run) => void waiting.delete(ledger.folderOf(run) ?? ''),
    paused(run, { values }) {
      const folder = ledger.folderOf(run);
      if (folder === undefined || maxBytes === undefined) return;
      const { trial: number, params } = run;
      const result = { status: 'complete', values } as const;
      waiting.set(folder, { number, generation: 0, params, result, folder });
      inTurn(() => shrink(maxBytes));
    },
    recorded(trials) {
      const now = objectives.length > 1 ? ledger.front() : [ledger.best()].filter((one) => one !== undefined);
      const keeps = new Set(now.map(({ number }) => number));
      const beaten = [...best, ...trials.map(({ number }) => number)].filter((number) => !keeps.has(number));
      best = keeps;
      for (const trial of beaten) {
        for (let repeat = 0; repeat < repeats; repeat++) {
          const folder = ledger.folderOf({ trial, repeat });
          if (folder === undefined) continue;
          waiting.delete(folder);
          inTurn(() => remove(folder));
        }
      }
    },
    done: () => last,
  };
}

async function bytesOf(run: string): Promise<number> {
  const files = await listCheckpoints(checkpointFolder(run));
  const sizes = await Promise.all(files.map(async ({ tensorsPath }) => (await stat(tensorsPath)).size));
  return sizes.reduce((total, size) => total + size, 0);
}

async function removeAll(run: string): Promise<void> {
  const folder = checkpointFolder(run);
  for (const { step } of await listCheckpoints(folder)) await removeCheckpoint(folder, step);
}
