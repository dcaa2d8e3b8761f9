/** Reads a sweep file and the experiment that it names. */
import { basename, dirname, extname, resolve } from 'node:path';
import { LockstepError } from '@lockstep/errors';
import { isSweep, type Sweep } from '@lockstep/sweep';
import { type ExperimentModule, loadFile, loadModule } from '../experiment-file.ts';

export interface SweepFile {
  /** The file's name without its ending. */
  readonly name: string;
  readonly path: string;
  readonly sweep: Sweep;
}

/** The code that all runs of a sweep share. */
export type SweepExperiment = ExperimentModule & Pick<Awaited<ReturnType<typeof loadModule>>, 'exported'>;

/** Throws `experiment` for a file that cannot be read or exports no sweep, and what `defineSweep` throws. */
export async function loadSweep(file: string): Promise<SweepFile> {
  const { path, exports } = await loadFile(file);
  const { default: sweep } = exports;
  if (isSweep(sweep)) return { name: basename(path, extname(path)), path, sweep };
  throw new LockstepError(
    'experiment',
    `${file} is not a sweep: end it with \`export default defineSweep({ … })\`; lockstep train takes the file of an experiment`,
    { file },
  );
}

export const loadSweptExperiment = ({ path, sweep }: SweepFile): Promise<SweepExperiment> =>
  loadModule(resolve(dirname(path), sweep.experiment));
