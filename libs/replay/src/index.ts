/** Steps of recorded runs, computed again in one process. */
export type { ComputationOptions, ComputedStep, ReplayedState } from './computation.ts';
export { Computation } from './computation.ts';
export type { Change, OpenOptions, RecordedRun } from './recorded-run.ts';
export { openRecordedRun } from './recorded-run.ts';
export type { Stage } from './stages.ts';
export { stageAt, stagesOf } from './stages.ts';
export { computeState, savedBefore } from './state.ts';
