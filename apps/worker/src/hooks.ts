import type { Combine } from '@lockstep/collectives';
import type { createMesh } from '@lockstep/transport';
import type { createReductions } from './reductions.ts';

/** Where tests put faults in: they wrap what the worker would use. */
export interface WorkerHooks {
  readonly createMesh?: typeof createMesh;
  readonly combine?: (combine: Combine) => Combine;
  readonly createReductions?: typeof createReductions;
}
