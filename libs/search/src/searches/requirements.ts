/** What some searches need of a sweep. */
import { LockstepError } from '@lockstep/errors';
import type { Problem } from './search.ts';

/** @throws LockstepError `config` for several objectives. */
export function requireOneObjective(owner: string, { objectives }: Problem): void {
  if (objectives.length === 1) return;
  throw new LockstepError(
    'config',
    `${owner}: the sweep has ${objectives.length} objectives, and the search has one; use tpe(), or one objective`,
    { objectives: objectives.map(({ metric }) => metric) },
  );
}
