/** Experiments import this library too, and need nothing of runs that were recorded: the code for these is loaded when it is used. */
import type { Inspection, InspectOptions } from '@lockstep/replay';

/**
 * Computes a step of a run again, from the nearest checkpoint before it, and gives everything that it computed with and computed:
 * samples, parameters, gradients, updates, outputs of layers. The values have the bits of the run, whatever number of workers
 * trained it.
 *
 * @throws LockstepError `config` for a step, sample or layer that the run does not have, `data` if the data cannot be loaded or
 * have changed since.
 */
export async function inspectRun(folder: string, options: InspectOptions): Promise<Inspection> {
  const replay = await import('@lockstep/replay');
  return replay.inspectRun(folder, options);
}
