/** The words after `--`: the experiment, and options of `lockstep coordinator`. */
import { LockstepError } from '@lockstep/errors';
import type { Context } from '../commands/command.ts';
import type { ArgsOf } from '../option.ts';
import type { DisplayArgs, networkOptions, pageOptions, runOptions } from '../options.ts';

export interface RunArgs
  extends ArgsOf<typeof runOptions>,
    ArgsOf<typeof networkOptions>,
    ArgsOf<typeof pageOptions>,
    DisplayArgs {
  readonly experiment: string;
  readonly workersExpected: number;
}

/** Throws `config` for words that `lockstep coordinator` would refuse, and for what `lockstep launch` decides. */
export async function readRunArgs({ rest, readArgs }: Pick<Context, 'rest' | 'readArgs'>): Promise<RunArgs> {
  const decided = rest.find((word) => /^--(bind|keys)(=|$)/.test(word));
  if (decided === undefined) return (await readArgs(['coordinator', ...rest])) as RunArgs;
  throw new LockstepError('config', `${decided} stands before --: it is an option of lockstep launch`, {
    decided,
  });
}
