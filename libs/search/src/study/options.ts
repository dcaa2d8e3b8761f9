/** What defines a study, and its check, because files give it without types. */
import {
  aBoolean,
  aFunction,
  anObject,
  checkOptions,
  describeValue,
  either,
  LockstepError,
  listOf,
  type Rules,
  recordOf,
  required,
  whole,
} from '@lockstep/errors';
import type { Objective } from '../objective.ts';
import type { Search } from '../searches/search.ts';
import type { AssignmentOf, Constraints } from '../space/assignment.ts';
import type { Space } from '../space/domain.ts';
import type { Sizes } from './generations.ts';
import { anObjective, aRecordedTrial } from './kinds.ts';
import type { RecordedTrial } from './trial.ts';

export interface StudyOptions<S extends Space> {
  readonly space: S;
  /** Conditions that every assignment must meet. Default: none. */
  readonly constraints?: Constraints<AssignmentOf<S>>;
  readonly search: Search;
  readonly seed: number;
  /**
   * How many trials are proposed from the same results. A list gives the sizes of generations in turn, and repeats. It belongs
   * to the sweep and must not follow the number of workers. Default: 4.
   */
  readonly generation?: Sizes;
  /**
   * Whether a generation begins only when all of the one before are recorded, also if the search needs no results; median
   * stopping needs it. Default: as the search needs.
   */
  readonly waits?: boolean;
  readonly objectives: readonly Objective[];
  readonly numTrials: number;
  /**
   * What is already known, in any order. Trials of a generation that is complete here are taken as recorded; the others must be
   * what the search proposes. Default: nothing.
   */
  readonly recorded?: readonly RecordedTrial[];
}

const isSearch = (value: unknown): boolean =>
  typeof (value as { over?: unknown } | null)?.over === 'function';

const rules: Rules<StudyOptions<Space>> = {
  space: required(anObject),
  constraints: recordOf(
    aFunction,
    'an object of functions by name, each true where an assignment is allowed',
  ),
  search: required({ what: 'a search, such as random() or tpe()', fits: isSearch }),
  seed: required(whole(0)),
  generation: either(whole(1), listOf(whole(1), 'a list of whole numbers ≥ 1')),
  waits: aBoolean,
  objectives: required(listOf(anObjective, "a list of objectives, such as [minimize('validation/loss')]")),
  numTrials: required(whole(1)),
  recorded: listOf(aRecordedTrial),
};

/** @throws LockstepError `config` for options that are missing, unknown or of another kind. */
export function checkStudy(options: unknown): void {
  checkOptions('sweep', options, rules, { code: 'config' });
  for (const name of ['objectives', 'generation'] as const) {
    const value = (options as StudyOptions<Space>)[name];
    if (!Array.isArray(value) || value.length > 0) continue;
    throw new LockstepError('config', `sweep: ${name} is ${describeValue(value)}; it needs at least one`, {});
  }
}
