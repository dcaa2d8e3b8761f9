import type { Combine } from '@lockstep/collectives';
import type { createMesh } from '@lockstep/transport';
import type { createReductions } from './exchange/reductions.ts';

/** Replacements of a worker's parts, by which tests put faults in. */
export interface WorkerHooks {
  readonly createMesh?: typeof createMesh;
  readonly combine?: (combine: Combine) => Combine;
  readonly createReductions?: typeof createReductions;
}
