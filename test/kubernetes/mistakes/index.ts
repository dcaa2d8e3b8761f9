/** Mistakes that are planted in the manifests of `base` and `jobset`, each with what is said about it. */
import type { CheckName } from '../checks/index.ts';
import { commandMistakes } from './command.ts';
import { failureMistakes } from './failure.ts';
import { networkMistakes } from './network.ts';
import type { Mistake } from './plant.ts';
import { podMistakes } from './pod.ts';

export type { Build, Mistake } from './plant.ts';
export { jobSetMistakes, schemaMistakes } from './schema.ts';

/** By the check that must find them. */
export const ownMistakes: Readonly<Record<CheckName, readonly Mistake[]>> = {
  ...failureMistakes,
  ...commandMistakes,
  ...networkMistakes,
  ...podMistakes,
};
