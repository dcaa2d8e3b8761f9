/** Trains a run of a scale on its own workers, and shows nothing of it. */
import { fromWireError, LockstepError } from '@lockstep/errors';
import type { Profile } from '@lockstep/protocol';
import type { Beginning } from '@lockstep/replay';
import type { RunConfig } from '@lockstep/run';
import type { Display, Ending } from '../display/display.ts';
import { createRunFolder, discardRun, type RunFacts, saveBeginning } from '../run-folder.ts';
import { runSession } from '../session.ts';

type RunCode = Parameters<typeof createRunFolder>[1];
type Done = Extract<Ending, { type: 'done' }>;

export interface QuietRun {
  /** The folder of the runs. */
  readonly root: string;
  readonly file: RunCode;
  readonly config: RunConfig;
  readonly profile: Profile;
  readonly workers: number;
  readonly threads: number;
  readonly folderName: string;
  readonly command?: readonly string[];
  /** The state of another run with which it begins, and the hash of that run's data. */
  readonly branch?: { readonly beginning: Beginning; readonly dataHash: string };
}

const silent: Display = {
  started: () => undefined,
  update: () => undefined,
  page: () => undefined,
  note: () => undefined,
  typeErrors: () => undefined,
  ended: () => undefined,
};

/** Resolves with undefined if Ctrl-C has stopped the run. Throws what has ended it otherwise. */
export async function trainQuietly(run: QuietRun): Promise<Done | undefined> {
  const { root, file, config, profile, workers, threads, folderName, command = [], branch } = run;
  const facts: RunFacts = {
    ...{ command, folderName, durability: 'trial' },
    ...(branch !== undefined && { parent: branch.beginning.parent }),
  };
  const opened = await createRunFolder(root, file, config, profile, facts);
  if (branch !== undefined) {
    await opened.run.journal({ type: 'profile', profile });
    await opened.run.journal({ type: 'data', hash: branch.dataHash });
    await saveBeginning(opened, branch.beginning);
  }
  const ending = await runSession({
    ...{ opened, localWorkers: workers, threads, minWorkers: workers, bind: 'tcp://127.0.0.1:0' },
    ...{ keysFolder: undefined, display: silent, isNew: true, abandon: () => discardRun(opened) },
  });
  switch (ending.type) {
    case 'done':
      return ending;
    case 'interrupted':
      return undefined;
    case 'stoppedNonFinite':
      throw new LockstepError(
        'experiment',
        `${ending.run} stopped after step ${ending.step}: ${ending.message}`,
        {
          run: ending.run,
        },
      );
    case 'failed':
      throw fromWireError(ending.error);
    default:
      return ending satisfies never;
  }
}
